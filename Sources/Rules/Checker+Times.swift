/// Civil time in the shop's zone.
extension Checker {
  /// CEL's names, counted as CEL counts: months and days of `getDayOfMonth` and `getDayOfYear` from 0.
  static let civilMethods: [String: TypedExpression.CivilPart] = [
    "getFullYear": .year, "getMonth": .month, "getDate": .date1, "getDayOfMonth": .dayOfMonth,
    "getDayOfWeek": .dayOfWeek, "getDayOfYear": .dayOfYear, "getHours": .hour, "getMinutes": .minute,
    "getSeconds": .second,
  ]

  /// Months that `addMonths` adds or takes away at most.
  static let addedMonthsMax: Int64 = 1_200

  mutating func checkCivilMethod(
    _ expression: Expression, _ part: TypedExpression.CivilPart, _ receiver: Expression,
    _ arguments: [Expression]
  ) -> Typed {
    guard arguments.isEmpty else {
      return failure(expression, "the zone is always the shop's", hint: "leave the brackets empty")
    }
    return checkCivil(expression, part, .int, [receiver])
  }

  /// The same civil day and time some months later or earlier, the day cut to the month's last (D9).
  mutating func checkAddMonths(_ expression: Expression, _ arguments: [Expression]) -> Typed {
    guard arguments.count == 2 else {
      return failure(
        expression, "expected a timestamp and a number of months", hint: "addMonths(order.placed_at, -3)")
    }
    let (value, type) = check(arguments[0])
    guard type != .invalid else { return Checker.invalid }
    guard type == .timestamp else {
      return failure(arguments[0], "expected a timestamp, found \(type)", hint: "for example order.placed_at")
    }
    guard case .int(let months) = arguments[1].kind, abs(months) <= Checker.addedMonthsMax else {
      return failure(
        arguments[1], "months are a whole number from -\(Checker.addedMonthsMax) to \(Checker.addedMonthsMax)"
      )
    }
    return (.addMonths(value, Int(months)), .timestamp)
  }
}
