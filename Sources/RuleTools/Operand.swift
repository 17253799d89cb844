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

  /// hour, date and time of day are never missing when their timestamp is known.
  var isCivil: Bool {
    guard case .call(nil, let function, _) = expression.kind else { return false }
    return ["timeOfDay", "date", "dayOfWeek", "hour"].contains(function)
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
        guard let a = type(of: left), let b = type(of: right), [.int, .decimal].contains(a.0),
          [.int, .decimal].contains(b.0)
        else { return nil }
        return (a.0 == .int && b.0 == .int ? .int : .decimal, a.isConstant && b.isConstant)
      default: return (.bool, false)
      }
    case .call(let receiver, let function, _): return call(receiver, function)
    case .list, .conditional: return nil
    }
  }

  private static func call(_ receiver: Expression?, _ function: String) -> (RuleType, isConstant: Bool)? {
    switch (receiver?.path, function) {
    case (nil, "hour"), (nil, "dayOfWeek"): (.int, false)
    case (nil, "timeOfDay"): (.timeOfDay, false)
    case (nil, "date"): (.date, false)
    case (nil, "duration"): (.duration, true)
    case (nil, "timestamp"): (.timestamp, true)
    case ("history", "returns"), ("history", "claims"), ("bundle", "partners"),
      ("duplicate", "partners"):
      (.int, false)
    case ("history", let word): HistoryAggregate.Measure(word: word).map { ($0.type, false) }
    case (_, "exists"), (_, "all"), (_, "inList"), (nil, "isMissing"), (nil, "has"), (_, "startsWith"),
      (_, "endsWith"), (_, "contains"), (nil, "timeBetween"), (nil, "isHoliday"), (nil, "overdue"):
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

  /// `hour(x)` is spoken of as `timeOfDay(x)`, `date(x)` as `x`, so that both are held together.
  struct CivilPart {
    var base: Operand
    var function: String

    func ranges(_ ranges: [ClosedRange<Int64>], zone: ShopZone) -> [ClosedRange<Int64>] {
      let offset = function == "date" ? Int64(zone.offsetMinutes) * 60_000_000 : 0
      let unit = function == "date" ? FactRange.dayUs : 3_600_000_000
      return ranges.map { range in
        let low = CivilPart.scaled(range.lowerBound, unit, offset)
        let next = range.upperBound == .max ? Int64.max : range.upperBound + 1
        let high = CivilPart.scaled(next, unit, offset)
        return low...(high == .max ? .max : max(low, high - 1))
      }
    }

    private static func scaled(_ value: Int64, _ unit: Int64, _ offset: Int64) -> Int64 {
      let (product, a) = value.multipliedReportingOverflow(by: unit)
      let (result, b) = product.subtractingReportingOverflow(offset)
      return a || b ? (value < 0 ? .min : .max) : result
    }
  }

  var civilPart: CivilPart? {
    guard case .call(nil, let function, let arguments) = expression.kind, arguments.count == 1 else {
      return nil
    }
    switch function {
    case "hour": return Operand(timeOfDay: arguments[0]).map { CivilPart(base: $0, function: function) }
    case "date": return Operand(arguments[0]).map { CivilPart(base: $0, function: function) }
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
    "history.orders", "bundle.partners", "item.quantity", "item.price",
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
    guard case .call(let receiver, let function, _) = operand.expression.kind else { return .allNumbers }
    switch function {
    case "hour": return .numbers([0...23])
    case "dayOfWeek": return .numbers([0...6])
    case "timeOfDay": return .numbers([0...(dayUs - 1)])
    case let word where HistoryAggregate.Measure(word: word).map { $0.type != .timestamp } ?? false:
      return receiver?.path == "history" ? .numbers([0 ... .max]) : .allNumbers
    case "returns", "claims", "partners": return receiver == nil ? .allNumbers : .numbers([0 ... .max])
    default: return .allNumbers
    }
  }
}
