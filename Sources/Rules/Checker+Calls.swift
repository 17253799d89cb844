import Orders

extension Checker {
  mutating func checkCall(
    _ expression: Expression, receiver: Expression?, function: String, arguments: [Expression]
  ) -> Typed {
    guard let receiver else { return checkFunction(expression, function, arguments) }
    if isRange(receiver) { return checkLineMethod(expression, receiver, function, arguments) }
    if let path = receiver.dottedPath {
      switch "\(path).\(function)" {
      case "history.returns": return checkClaims(expression, .returns, arguments)
      case "history.claims": return checkClaims(expression, .returnsOrExchanges, arguments)
      case "bundle.partners": return checkBundle(expression, arguments)
      case "duplicate.partners": return checkDuplicates(expression, arguments)
      default: break
      }
      if path == "history", let measure = HistoryAggregate.Measure(word: function) {
        return checkHistory(expression, measure, arguments)
      }
      if function == "inList", isItemVariable(path) {
        return checkInList(expression, arguments, item: true)
      }
    }
    return checkMethod(expression, receiver, function, arguments)
  }

  private mutating func checkFunction(_ expression: Expression, _ function: String, _ arguments: [Expression])
    -> Typed
  {
    if let fold = Checker.folds[function], function != "size" || arguments.first.map({ isRange($0) }) == true
    {
      return checkFold(expression, fold, arguments)
    }
    switch function {
    case "inList": return checkInList(expression, arguments, item: false)
    case "overdue": return checkOverdue(expression, arguments)
    case "expiring": return checkExpiring(expression, arguments)
    case "timeOfDay": return checkCivil(expression, .timeOfDay, .timeOfDay, arguments)
    case "date": return checkCivil(expression, .date, .date, arguments)
    case "dayOfWeek": return checkCivil(expression, .dayOfWeek, .int, arguments)
    case "hour": return checkCivil(expression, .hour, .int, arguments)
    case "inSegment": return checkSegment(expression, arguments)
    case "size": return checkSize(expression, arguments)
    case "addMonths": return checkAddMonths(expression, arguments)
    case "timeBetween": return checkTimeBetween(expression, arguments)
    case "isHoliday": return checkHoliday(expression, arguments)
    case "isMissing", "has":
      let (value, type) = checkMissing(expression, function, arguments)
      return type == .invalid ? Checker.invalid : (function == "has" ? .not(value) : value, .bool)
    case "duration", "timestamp":
      let type: RuleType = function == "duration" ? .duration : .timestamp
      guard arguments.count == 1, case .string(let literal) = arguments[0].kind,
        let value = Checker.literal(literal.text, as: type, explicit: true)
      else {
        let example = type == .duration ? "duration(\"1h30m\")" : "timestamp(\"2026-10-10T09:30:00+09:00\")"
        return failure(expression, "\(function) needs one valid text", hint: "for example \(example)")
      }
      return (.number(value), type)
    default:
      let guess = closest(to: function, among: FactCatalog.functions.map(\.name))
      return failure(expression, "unknown function: \(function)", hint: guess.map { "did you mean \($0)?" })
    }
  }

  private mutating func checkClaims(_ expression: Expression, _ scope: ClaimScope, _ arguments: [Expression])
    -> Typed
  {
    guard arguments.count == 1, case .int(let months) = arguments[0].kind,
      (1...Int64(ClaimWindow.monthsMax)).contains(months)
    else {
      return failure(
        expression, "the number of months must be a whole number from 1 to \(ClaimWindow.monthsMax)")
    }
    return (.claims(ClaimWindow(scope: scope, months: Int(months))), .int)
  }

  private mutating func checkBundle(_ expression: Expression, _ arguments: [Expression]) -> Typed {
    guard arguments.count == 1 else { return failure(expression, "bundle.partners takes one duration") }
    let (value, type) = check(arguments[0])
    guard type == .duration, value == .number(3_600_000_000) else {
      return failure(
        arguments[0], "orders are bundled within 60 minutes",
        hint: "write bundle.partners or bundle.partners(duration(\"60m\"))")
    }
    return (.fact(.bundlePartners), .int)
  }

  private mutating func checkInList(_ expression: Expression, _ arguments: [Expression], item: Bool) -> Typed
  {
    guard arguments.count == 1, case .string(let name) = arguments[0].kind, !name.text.isEmpty,
      name.text.utf8.count <= Checker.listNameBytesMax
    else {
      return failure(
        expression, "inList needs the name of a list in quotes, at most \(Checker.listNameBytesMax) bytes")
    }
    return (.inList(Array(name.text.utf8), item: item), .bool)
  }

  mutating func checkCivil(
    _ expression: Expression, _ part: TypedExpression.CivilPart, _ result: RuleType, _ arguments: [Expression]
  ) -> Typed {
    guard arguments.count == 1 else { return failure(expression, "expected one timestamp") }
    let (value, type) = check(arguments[0])
    guard type == .timestamp else {
      return type == .invalid
        ? Checker.invalid
        : failure(arguments[0], "expected a timestamp, found \(type)", hint: "for example order.placed_at")
    }
    return (.civil(part, value), result)
  }

  /// Half-open; over midnight when the end is not after the beginning (D9).
  private mutating func checkTimeBetween(_ expression: Expression, _ arguments: [Expression]) -> Typed {
    guard arguments.count == 3, case .string(let from) = arguments[1].kind,
      case .string(let to) = arguments[2].kind, let start = Checker.literal(from.text, as: .timeOfDay),
      let end = Checker.literal(to.text, as: .timeOfDay)
    else {
      return failure(
        expression, "expected a timestamp and two times of day",
        hint: "timeBetween(order.placed_at, \"22:00\", \"05:00\")")
    }
    let (value, type) = checkCivil(expression, .timeOfDay, .timeOfDay, [arguments[0]])
    guard type != .invalid else { return Checker.invalid }
    let after = TypedExpression.compare(.greaterOrEqual, value, .number(start))
    let before = TypedExpression.compare(.less, value, .number(end))
    return (start < end ? .and([after, before]) : .or([after, before]), .bool)
  }

  private mutating func checkHoliday(_ expression: Expression, _ arguments: [Expression]) -> Typed {
    switch arguments.count == 1 ? arguments[0].dottedPath : nil {
    case "order.placed_at": return (.fact(.placedHoliday), .bool)
    case "order.paid_or_placed_at": return (.fact(.paidHoliday), .bool)
    default:
      return failure(
        expression, "holidays are known of order.placed_at and order.paid_or_placed_at",
        hint: "isHoliday(order.placed_at)")
    }
  }

  private mutating func checkMissing(_ expression: Expression, _ function: String, _ arguments: [Expression])
    -> Typed
  {
    guard arguments.count == 1 else { return failure(expression, "\(function) needs one fact") }
    let (value, type) = check(arguments[0])
    guard type != .invalid else { return Checker.invalid }
    switch value {
    case .number, .text, .truth: return failure(arguments[0], "a constant is never missing")
    default: return (.isMissing(value), .bool)
    }
  }

  mutating func checkMembership(_ expression: Expression, _ left: Expression, _ right: Expression) -> Typed {
    if isRange(right), right.dottedPath == nil {
      return checkMembership(expression, left, inRange: right)
    }
    guard case .list(let elements) = right.kind else {
      let (list, type) = check(right)
      guard type != .invalid else { return Checker.invalid }
      guard type == .stringList, case .fact(let fact) = list else {
        return failure(right, "expected a list to the right of in, found \(type)", hint: "write [1, 2]")
      }
      guard case .string(let literal) = left.kind else {
        return failure(
          left, "expected a text in quotes to the left of in", hint: "\"cash\" in payment.methods")
      }
      return (.listContains(fact, Array(literal.text.utf8)), .bool)
    }
    let operand = check(left)
    guard operand.type != .invalid else { return Checker.invalid }
    return checkMembership(expression, operand, elements)
  }

  private mutating func checkMembership(_ expression: Expression, _ operand: Typed, _ elements: [Expression])
    -> Typed
  {
    guard operand.type == .string || operand.type.isLane else {
      return failure(expression, "in does not go with \(operand.type)")
    }
    switch operand.value {
    case .text, .number: return failure(expression, "both sides are constant")
    default: break
    }
    var numbers: Set<Int64> = []
    var texts: Set<[UInt8]> = []
    for element in elements {
      let typed = check(element)
      guard typed.type != .invalid else { continue }
      switch unify(operand, typed) {
      case (_, .text(let text), .string)?:
        checkValue(element, text, of: operand.value)
        texts.insert(text)
      case (let value, .number(let number), let type)? where type == operand.type && value == operand.value:
        numbers.insert(number)
      default:
        report(element, "expected \(operand.type) constants in the list, found \(typed.type)")
      }
    }
    if operand.type == .string {
      return (.textIn(operand.value, texts.sorted { $0.lexicographicallyPrecedes($1) }), .bool)
    }
    return (.numberIn(operand.value, numbers.sorted()), .bool)
  }

  // MARK: Literals in quotes

  /// A text literal as the type it is compared with; `explicit` also reads timestamps and durations.
  static func literal(_ text: String, as type: RuleType, explicit: Bool = false) -> Int64? {
    switch type {
    case .timeOfDay: timeOfDay(text)
    case .date: date(text)
    case .duration where explicit: duration(text)
    case .timestamp where explicit: Instant(rfc3339: text)?.microseconds
    default: nil
    }
  }

  /// `HH:MM` or `HH:MM:SS`, 00:00 to 24:00 inclusive, as µs since midnight.
  static func timeOfDay(_ text: String) -> Int64? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3, parts.allSatisfy({ $0.utf8.count == 2 && isDigits($0) })
    else { return nil }
    let numbers = parts.compactMap { Int64($0) }
    guard numbers.count == parts.count, numbers[0] <= 24, numbers[1] <= 59,
      numbers.count < 3 || numbers[2] <= 59
    else { return nil }
    let seconds = numbers[0] * 3600 + numbers[1] * 60 + (numbers.count == 3 ? numbers[2] : 0)
    return seconds <= 86_400 ? seconds * 1_000_000 : nil
  }

  /// `YYYY-MM-DD` as days since 1970-01-01.
  static func date(_ text: String) -> Int64? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
      parts.allSatisfy({ isDigits($0) }), let year = Int(parts[0]), let month = Int(parts[1]),
      let day = Int(parts[2]), let date = CivilDate(year: year, month: month, day: day)
    else { return nil }
    return Int64(date.daysSinceEpoch)
  }

  /// `90s`, `60m`, `1h30m`, `2d` as µs.
  static func duration(_ text: String) -> Int64? {
    let units: [UInt8: Int64] = [
      UInt8(ascii: "d"): 86_400, UInt8(ascii: "h"): 3_600, UInt8(ascii: "m"): 60, UInt8(ascii: "s"): 1,
    ]
    var total: Int64 = 0
    var number: Int64?
    var previousUnit = Int64.max
    for byte in text.utf8 {
      if byte >= 48, byte <= 57 {
        number = (number ?? 0) * 10 + Int64(byte - 48)
        guard let number, number <= 1_000_000_000 else { return nil }
      } else {
        guard let unit = units[byte], let value = number, unit < previousUnit else { return nil }
        total += value * unit
        number = nil
        previousUnit = unit
      }
    }
    guard number == nil, previousUnit != .max, total <= 4_000_000_000 else { return nil }
    return total * 1_000_000
  }

  private static func isDigits(_ text: Substring) -> Bool { text.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } }
}
