extension Checker {
  mutating func checkDuplicates(_ expression: Expression, _ arguments: [Expression]) -> Typed {
    guard arguments.count == 1 else {
      return failure(
        expression, "duplicate.partners takes one duration", hint: "duplicate.partners(duration(\"10m\"))")
    }
    guard let span = span(arguments[0], of: .duplicates, "1m to 60m") else { return Checker.invalid }
    return (.timed(TimedFact(.duplicates, span: span)), .int)
  }

  mutating func checkOverdue(_ expression: Expression, _ arguments: [Expression]) -> Typed {
    let states = TimedFact.Kind.allCases.compactMap(\.state)
    guard 2...3 ~= arguments.count, case .string(let name) = arguments[0].kind else {
      return failure(
        expression, "overdue takes a state in quotes and a duration",
        hint: "overdue(\"unpaid\", duration(\"72h\"))")
    }
    let kind = TimedFact.Kind.allCases.first { kind in
      kind.state.map { $0.utf8.elementsEqual(name.text.utf8) } ?? false
    }
    guard let kind else {
      return failure(
        arguments[0], "no state that can be overdue: \(name.text.prefix(60))",
        hint: "one of \(states.joined(separator: ", "))")
    }
    var code: [UInt8] = []
    if arguments.count == 3 {
      guard kind.takesCode else {
        return failure(
          arguments[1], "\(name.text) is of no product", hint: "overdue(\"\(name.text)\", duration(\"72h\"))")
      }
      guard case .string(let text) = arguments[1].kind, !text.text.isEmpty,
        text.text.utf8.count <= HistoryAggregate.codeBytesMax
      else {
        return failure(
          arguments[1],
          "expected a SKU or product code in quotes, at most \(HistoryAggregate.codeBytesMax) bytes",
          hint: "overdue(\"\(name.text)\", \"SKU-1\", duration(\"2160h\"))")
      }
      code = Array(text.text.utf8)
    }
    guard let span = span(arguments[arguments.count - 1], of: kind, "1m to 366d") else {
      return Checker.invalid
    }
    let fact = TimedFact(kind, span: span, code: code)
    return (.compare(.greaterOrEqual, .timed(fact), .number(1)), .bool)
  }

  mutating func checkExpiring(_ expression: Expression, _ arguments: [Expression]) -> Typed {
    guard arguments.count == 2, case .string(let name) = arguments[0].kind, name.text == "coupon" else {
      return failure(
        expression, "expiring takes \"coupon\" and a duration",
        hint: "expiring(\"coupon\", duration(\"24h\"))")
    }
    guard let span = span(arguments[1], of: .coupon, "1m to 366d") else { return Checker.invalid }
    return (.compare(.greaterOrEqual, .timed(TimedFact(.coupon, span: span)), .number(1)), .bool)
  }

  private mutating func span(_ argument: Expression, of kind: TimedFact.Kind, _ allowed: String) -> Int64? {
    let (value, type) = check(argument)
    guard type != .invalid else { return nil }
    guard type == .duration, case .number(let span) = value, kind.spans.contains(span) else {
      report(argument, "expected a duration from \(allowed)", hint: "for example duration(\"60m\")")
      return nil
    }
    return span
  }
}
