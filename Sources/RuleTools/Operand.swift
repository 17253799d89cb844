internal import Orders
internal import Rules

/// One side of a comparison: its type, and under which name its value is spoken of.
struct Operand {
  let expression: Expression
  let type: RuleType
  let isConstant: Bool

  /// Nil when its type is not one that can be limited.
  init?(_ expression: Expression) {
    guard let (type, isConstant) = Operand.type(of: expression) else { return nil }
    self.expression = expression
    self.type = type
    self.isConstant = isConstant
  }

  init?(timeOfDay timestamp: Expression) {
    self.init(Expression(.call(receiver: nil, function: "timeOfDay", arguments: [timestamp])))
  }

  var key: String {
    let text = expression.description
    if text == "bundle.partners(duration(\"60m\"))" { return "bundle.partners" }
    guard text.hasPrefix("history.") else { return text }
    if text.hasSuffix("(\"all\")"), ["history.orders", "history.amount"].contains(text.dropLast(7)) {
      return String(text.dropLast(7))
    }
    // However the window is written: 1d is 24h.
    return HistoryAggregate(named: text)?.name ?? text
  }

  static let textTests = ["startsWith", "endsWith", "contains", "matches"]
  static let civilFunctions = ["timeOfDay", "date", "dayOfWeek", "hour", "timeBetween"]
  static let civilMethods = [
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfYear", "getMinutes", "getSeconds",
  ]

  /// Parts of a time, and sizes of a text or of the order's texts, are never missing when what they are of is known.
  var isCivil: Bool {
    guard case .call(let receiver, let function, _) = expression.kind else { return false }
    return receiver == nil
      ? function == "size" || Operand.civilFunctions.contains(function)
      : Operand.civilMethods.contains(function)
  }

  private static func type(of expression: Expression) -> (RuleType, isConstant: Bool)? {
    switch expression.kind {
    case .int: return (.int, true)
    case .decimal: return (.decimal, true)
    case .string: return (.string, true)
    case .bool: return (.bool, true)
    case .not, .and, .or: return (.bool, false)
    case .name, .member:
      guard let path = expression.path, let entry = FactCatalog.entries.first(where: { $0.name == path }),
        entry.type != .stringList
      else { return nil }
      return (entry.type, false)
    case .negate(let operand): return type(of: operand)
    case .binary(let op, let left, let right):
      switch op {
      case .add, .subtract, .multiply, .divide:
        guard let a = type(of: left), let b = type(of: right) else { return nil }
        let isConstant = a.isConstant && b.isConstant
        switch (a.0, b.0) {
        case (.int, .int): return (.int, isConstant)
        case (.int, .decimal), (.decimal, .int), (.decimal, .decimal): return (.decimal, isConstant)
        case (.timestamp, .timestamp) where op == .subtract: return (.duration, isConstant)
        case (.timestamp, .duration), (.duration, .timestamp): return (.timestamp, isConstant)
        case (.duration, .duration): return (.duration, isConstant)
        default: return nil
        }
      default: return (.bool, false)
      }
    case .call(nil, let function, let arguments) where ["sum", "min", "max"].contains(function):
      guard let element = arguments.first.flatMap({ WrittenLines($0)?.element }) else { return nil }
      return type(of: element).map { ($0.0, false) }
    case .call(let receiver, let function, _): return call(receiver, function)
    case .list, .conditional: return nil
    }
  }

  private static func call(_ receiver: Expression?, _ function: String) -> (RuleType, isConstant: Bool)? {
    switch (receiver?.path, function) {
    case (nil, "hour"), (nil, "dayOfWeek"), (nil, "size"), (_, "getFullYear"), (_, "getMonth"),
      (_, "getDate"),
      (_, "getDayOfMonth"), (_, "getDayOfYear"), (_, "getMinutes"), (_, "getSeconds"):
      (.int, false)
    case (nil, "addMonths"): (.timestamp, false)
    case (nil, "timeOfDay"): (.timeOfDay, false)
    case (nil, "date"): (.date, false)
    case (nil, "duration"): (.duration, true)
    case (nil, "timestamp"): (.timestamp, true)
    case ("history", "returns"), ("history", "claims"), ("bundle", "partners"),
      ("duplicate", "partners"):
      (.int, false)
    case ("history", let word): HistoryAggregate.Measure(word: word).map { ($0.type, false) }
    case (_, "exists"), (_, "all"), (_, "exists_one"), (_, "matches"), (_, "inList"), (nil, "isMissing"),
      (nil, "has"), (_, "startsWith"),
      (_, "endsWith"), (_, "contains"), (nil, "timeBetween"), (nil, "isHoliday"), (nil, "overdue"),
      (nil, "expiring"):
      (.bool, false)
    default: nil
    }
  }

  // MARK: Constants

  /// The values for which `self op constant` holds, in this operand's unit. Nil when it is no constant.
  func ranges(_ op: Expression.BinaryOperator, _ right: Expression) -> [ClosedRange<Int64>]? {
    guard let constant = Operand.constant(right, beside: type) else { return nil }
    let (floor, isWhole): (Int64, Bool)
    if type == .int, constant.isDecimal {
      // Of whole numbers with a broken one: the whole number below it.
      let rest = ((constant.value % 10_000) + 10_000) % 10_000
      (floor, isWhole) = (constant.value / 10_000 - (constant.value < 0 && rest != 0 ? 1 : 0), rest == 0)
    } else if type == .decimal, !constant.isDecimal {
      let (product, overflow) = constant.value.multipliedReportingOverflow(by: 10_000)
      (floor, isWhole) = (overflow ? (constant.value < 0 ? .min : .max) : product, true)
    } else {
      (floor, isWhole) = (constant.value, true)
    }
    return Operand.ranges(op, floor, isWhole: isWhole)
  }

  private static func ranges(_ op: Expression.BinaryOperator, _ value: Int64, isWhole: Bool)
    -> [ClosedRange<Int64>]?
  {
    let below: [ClosedRange<Int64>] = value == .min ? [] : [.min...(value - 1)]
    let above: [ClosedRange<Int64>] = value == .max ? [] : [(value + 1) ... .max]
    switch op {
    case .equal: return isWhole ? [value...value] : []
    case .notEqual: return isWhole ? below + above : [.min ... .max]
    case .less: return isWhole ? below : [.min...value]
    case .lessOrEqual: return [.min...value]
    case .greater: return above
    case .greaterOrEqual: return isWhole ? [value ... .max] : above
    default: return nil
    }
  }

  private static func constant(_ expression: Expression, beside type: RuleType) -> (
    value: Int64, isDecimal: Bool
  )? {
    switch expression.kind {
    case .int(let value): return (value, false)
    case .decimal(let value): return (value, true)
    case .string(let text):
      guard [.timeOfDay, .date].contains(type) else { return nil }
      return Expression.literal(text.text, as: type).map { ($0, false) }
    case .call(nil, let function, let arguments):
      guard arguments.count == 1, case .string(let text) = arguments[0].kind else { return nil }
      switch function {
      case "duration": return Expression.literal(text.text, as: .duration).map { ($0, false) }
      case "timestamp": return Expression.literal(text.text, as: .timestamp).map { ($0, false) }
      default: return nil
      }
    default: return nil
    }
  }

  // MARK: Civil parts

  /// `hour(x)` is spoken of as `timeOfDay(x)`, `date(x)` and the year as `x`, the day from 0 as the one from 1, so
  /// that they are held together.
  struct CivilPart {
    var base: Operand
    var function: String

    /// Nil where the calendar has no such years.
    func ranges(_ ranges: [ClosedRange<Int64>], zone: ShopZone) -> [ClosedRange<Int64>]? {
      switch function {
      case "getFullYear": return CivilPart.years(ranges, zone)
      case "getDayOfMonth":
        return ranges.map { range in
          let high = range.upperBound == .max ? Int64.max : range.upperBound + 1
          return
            (range.lowerBound == .min || range.lowerBound == .max ? range.lowerBound : range.lowerBound + 1)...high
        }
      default: break
      }
      let offset = function == "date" ? Int64(zone.offsetMinutes) * 60_000_000 : 0
      let unit = function == "date" ? FactRange.dayUs : 3_600_000_000
      return ranges.map { range in
        let low = CivilPart.scaled(range.lowerBound, unit, offset)
        let next = range.upperBound == .max ? Int64.max : range.upperBound + 1
        let high = CivilPart.scaled(next, unit, offset)
        return low...(high == .max ? .max : max(low, high - 1))
      }
    }

    private static func years(_ ranges: [ClosedRange<Int64>], _ zone: ShopZone) -> [ClosedRange<Int64>]? {
      func start(_ year: Int64) -> Int64? {
        guard (1...9_999).contains(year), let day = CivilDate(year: Int(year), month: 1, day: 1) else {
          return nil
        }
        return Int64(day.daysSinceEpoch) * FactRange.dayUs - Int64(zone.offsetMinutes) * 60_000_000
      }
      var result: [ClosedRange<Int64>] = []
      for range in ranges {
        let low = range.lowerBound == .min ? Int64.min : start(range.lowerBound)
        let high = range.upperBound == .max ? Int64.max : start(range.upperBound + 1).map { $0 - 1 }
        guard let low, let high, low <= high else { return nil }
        result.append(low...high)
      }
      return result
    }

    private static func scaled(_ value: Int64, _ unit: Int64, _ offset: Int64) -> Int64 {
      let (product, a) = value.multipliedReportingOverflow(by: unit)
      let (result, b) = product.subtractingReportingOverflow(offset)
      return a || b ? (value < 0 ? .min : .max) : result
    }
  }

  var civilPart: CivilPart? {
    guard case .call(let receiver, let function, let arguments) = expression.kind else { return nil }
    switch (receiver, function, arguments.first) {
    case (nil, "hour", let time?):
      return Operand(timeOfDay: time).map { CivilPart(base: $0, function: function) }
    case (nil, "date", let time?): return Operand(time).map { CivilPart(base: $0, function: function) }
    case (let time?, "getFullYear", nil):
      return Operand(time).map { CivilPart(base: $0, function: function) }
    case (let time?, "getDayOfMonth", nil):
      let day = Expression(.call(receiver: time, function: "getDate", arguments: []))
      return Operand(day).map { CivilPart(base: $0, function: function) }
    default: return nil
    }
  }
}

/// What a fact can be at all, whatever the order.
enum FactRange {
  static let dayUs: Int64 = 86_400_000_000

  /// Facts that are never below zero: counts, and amounts that the intake refuses when negative.
  private static let notNegative: Set<String> = [
    "amount.items", "amount.ordered", "amount.current", "amount.paid", "amount.shipping", "amount.discount",
    "amount.surcharge", "amount.discount.grade", "amount.discount.coupon", "amount.points",
    "payment.installments", "customer.coupons", "cart.products", "cart.quantity", "cart.amount",
    "history.orders", "bundle.partners", "item.quantity", "item.price", "receivers.count",
    "claim.lines", "claim.quantity",
  ]

  static func values(of name: String, _ entry: FactCatalog.Entry?) -> ValueSet {
    switch entry?.type {
    case .bool?: return .truths
    case .string?:
      guard let values = entry?.values, !values.isEmpty else { return .allTexts }
      return .texts(TextSet(values: Set(values.map { Array($0.utf8) }), isComplement: false))
    default: return notNegative.contains(name) ? .numbers([0 ... .max]) : .allNumbers
    }
  }

  static func values(of key: String, _ operand: Operand) -> ValueSet {
    if operand.type == .bool { return .truths }
    if operand.type == .string { return .allTexts }
    // A text that is there is not empty.
    if case .call(nil, "size", let arguments) = operand.expression.kind,
      let path = arguments.first?.path, FactCatalog.type(path) == .string
    {
      return .numbers([1 ... .max])
    }
    if operand.type != .timestamp, isNotNegative(operand.expression) { return .numbers([0 ... .max]) }
    guard case .call(let receiver, let function, _) = operand.expression.kind else { return .allNumbers }
    switch function {
    case "hour": return .numbers([0...23])
    case "getMonth": return .numbers([0...11])
    case "getDate": return .numbers([1...31])
    case "getDayOfMonth": return .numbers([0...30])
    case "getDayOfYear": return .numbers([0...365])
    case "getMinutes", "getSeconds": return .numbers([0...59])
    case "size": return .numbers([0 ... .max])
    case "dayOfWeek": return .numbers([0...6])
    case "timeOfDay": return .numbers([0...(dayUs - 1)])
    case let word where HistoryAggregate.Measure(word: word).map { $0.type != .timestamp } ?? false:
      return receiver?.path == "history" ? .numbers([0 ... .max]) : .allNumbers
    case "returns", "claims", "partners": return receiver == nil ? .allNumbers : .numbers([0 ... .max])
    default: return .allNumbers
    }
  }

  /// Never below zero, if it is known at all: sums, products and shares of what is not.
  static func isNotNegative(_ expression: Expression) -> Bool {
    switch expression.kind {
    case .int(let value), .decimal(let value): return value >= 0
    case .name, .member: return expression.path.map(notNegative.contains) ?? false
    case .binary(.add, let a, let b), .binary(.multiply, let a, let b), .binary(.divide, let a, let b):
      return isNotNegative(a) && isNotNegative(b)
    case .conditional(_, let a, let b): return isNotNegative(a) && isNotNegative(b)
    case .call(nil, "duration", _): return true
    case .call(nil, "size", _), .call(.some, "returns", _), .call(.some, "claims", _),
      .call(.some, "partners", _):
      return true
    case .call(nil, let function, let arguments) where ["sum", "min", "max"].contains(function):
      return arguments.first.flatMap { WrittenLines($0)?.element }.map(isNotNegative) ?? false
    default: return false
    }
  }
}
