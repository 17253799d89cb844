/// Measures of the customer's earlier orders: `history.orders(3)`, `history.bought("SKU-1", duration("30d"))`.
extension Checker {
  /// `history.last_order_at` and the like; nil for another path.
  static func historyInstant(_ path: String) -> Typed? {
    guard path.hasPrefix("history."),
      let measure = HistoryAggregate.Measure(word: String(path.dropFirst("history.".count))),
      !measure.takesCode, !measure.takesWindow
    else { return nil }
    return (.aggregate(HistoryAggregate(measure)), measure.type)
  }

  mutating func checkHistory(
    _ expression: Expression, _ measure: HistoryAggregate.Measure, _ arguments: [Expression]
  ) -> Typed {
    let expected = (measure.takesCode ? 1 : 0) + (measure.takesWindow ? 1 : 0)
    guard arguments.count == expected else {
      return failure(
        expression, "history.\(measure.word) takes \(Checker.argumentWords(measure))",
        hint: Checker.example(of: measure))
    }
    var aggregate = HistoryAggregate(measure)
    if measure.takesCode {
      guard let code = code(arguments[0], measure) else { return Checker.invalid }
      aggregate.code = code
    }
    if measure.takesWindow {
      guard let window = window(arguments[expected - 1]) else { return Checker.invalid }
      aggregate.window = window
    }
    switch (measure, aggregate.window) {
    // These two stand in every record.
    case (.orders, .all): return (.fact(.historyOrders), .int)
    case (.amount, .all): return (.fact(.historyAmount), .decimal)
    default: return (.aggregate(aggregate), measure.type)
    }
  }

  private mutating func code(_ argument: Expression, _ measure: HistoryAggregate.Measure) -> [UInt8]? {
    guard case .string(let code) = argument.kind, !code.text.isEmpty,
      code.text.utf8.count <= HistoryAggregate.codeBytesMax
    else {
      report(
        argument,
        "expected a SKU or product code in quotes, at most \(HistoryAggregate.codeBytesMax) bytes",
        hint: Checker.example(of: measure))
      return nil
    }
    return Array(code.text.utf8)
  }

  private mutating func window(_ argument: Expression) -> HistoryAggregate.Window? {
    let months = 1...Int64(HistoryAggregate.Window.monthsMax)
    switch argument.kind {
    case .int(let count) where months.contains(count): return .months(Int(count))
    case .int:
      report(
        argument, "the number of months must be a whole number from 1 to \(months.upperBound)",
        hint: "write duration(\"30d\") for days, \"all\" for all time")
      return nil
    case .string(let text) where text.text == "all": return .all
    default: break
    }
    let (value, type) = check(argument)
    guard type != .invalid else { return nil }
    guard type == .duration, case .number(let span) = value else {
      report(
        argument, "expected a window",
        hint: "a number of calendar months from 1 to \(months.upperBound), duration(\"30d\") or \"all\"")
      return nil
    }
    guard HistoryAggregate.Window.spans.contains(span) else {
      report(
        argument, "expected a duration from 1h to 366d",
        hint: "longer ones are said in calendar months (up to \(months.upperBound)) or as \"all\"")
      return nil
    }
    return .span(span)
  }

  private static func argumentWords(_ measure: HistoryAggregate.Measure) -> String {
    switch (measure.takesCode, measure.takesWindow) {
    case (true, true): "a code in quotes and a window"
    case (true, false): "a code in quotes"
    case (false, true): "one window"
    case (false, false): "no brackets"
    }
  }

  static func example(of measure: HistoryAggregate.Measure) -> String {
    let arguments = (measure.takesCode ? ["\"SKU-1\""] : []) + (measure.takesWindow ? ["3"] : [])
    let path = "history.\(measure.word)"
    return arguments.isEmpty ? path : "\(path)(\(arguments.joined(separator: ", ")))"
  }
}
