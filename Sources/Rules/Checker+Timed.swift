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
    guard arguments.count == 2, case .string(let name) = arguments[0].kind else {
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
    guard let span = span(arguments[1], of: kind, "1m to 366d") else { return Checker.invalid }
    let isDue = TypedExpression.compare(.greaterOrEqual, .timed(TimedFact(kind, span: span)), .number(1))
    return (isDue, .bool)
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
