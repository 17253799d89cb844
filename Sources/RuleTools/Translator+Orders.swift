internal import Rules

/// Terms that are never above others: a count of more months, of a longer time, of all lines.
extension Translator {
  /// A term of a family: those of more months or a longer time.
  struct Kin {
    var family: String
    var position: Int64
  }

  static func kin(_ expression: Expression) -> Kin? {
    guard case .call(let receiver, let function, let arguments) = expression.kind else { return nil }
    switch (receiver?.path, function, arguments.count) {
    case ("duplicate", "partners", 1):
      guard case .call(nil, "duration", let texts) = arguments[0].kind,
        case .string(let text)? = texts.first?.kind,
        let span = Expression.literal(text.text, as: .duration)
      else { return nil }
      return Kin(family: "duplicate", position: span)
    case ("history", "returns", 1), ("history", "claims", 1):
      guard case .int(let months) = arguments[0].kind else { return nil }
      return Kin(family: function, position: months)
    default: return nil
    }
  }

  /// Whenever both are known, the one is not above the other.
  static func isAtMost(_ low: Kin, _ high: Kin) -> Bool {
    // Claims are returns and exchanges.
    (low.family == high.family || low.family == "returns" && high.family == "claims")
      && low.position <= high.position
  }

  /// `addMonths(t, n)` as t and n.
  static func months(_ expression: Expression) -> (base: Expression, months: Int64) {
    guard case .call(nil, "addMonths", let arguments) = expression.kind, arguments.count == 2 else {
      return (expression, 0)
    }
    switch arguments[1].kind {
    case .int(let months): return (arguments[0], months)
    case .negate(let operand):
      if case .int(let months) = operand.kind { return (arguments[0], -months) }
      return (expression, 0)
    default: return (expression, 0)
    }
  }

  /// How the term stands to those that are there already.
  mutating func addOrders(of operand: Operand, _ key: String) {
    let expression = operand.expression
    if let kin = Translator.kin(expression) {
      for (known, other) in kins {
        let isBelow = Translator.isAtMost(kin, other)
        guard isBelow || Translator.isAtMost(other, kin) else { continue }
        // All of them are missing of an order without a customer.
        naturals.add(
          .init(
            low: isBelow ? key : known, high: isBelow ? known : key, lowNeedsHigh: true, highNeedsLow: true))
      }
      kins.append((key, kin))
    }
    addMonthOrder(expression, key)
    guard let (function, lines) = WrittenLines.fold(expression), !isEmptyList(lines.list) else { return }
    if function == "size" {
      if lines.filter != nil {
        naturals.add(
          .init(low: key, high: lineCountKey(lines.list), lowNeedsHigh: true, highNeedsLow: false))
      } else if lines.list == "items" {
        naturals.add(
          .init(low: key, high: lineCountKey("allItems"), lowNeedsHigh: true, highNeedsLow: true))
      }
    } else if function != "sum" {
      let other = lines.folded(function == "min" ? "max" : "min", at: 0).description
      guard naturals[other] != nil else { return }
      naturals.add(
        .init(
          low: function == "min" ? key : other, high: function == "min" ? other : key, lowNeedsHigh: true,
          highNeedsLow: true))
    }
  }

  private mutating func addMonthOrder(_ expression: Expression, _ key: String) {
    let (base, months) = Translator.months(expression)
    guard months != 0, let operand = Operand(base) else { return }
    let baseKey = self.key(operand)
    naturals.add(
      .init(
        low: months < 0 ? key : baseKey, high: months < 0 ? baseKey : key, lowNeedsHigh: months < 0,
        highNeedsLow: months > 0))
  }

  /// How two terms can stand to each other: −1, 0, 1.
  static func relations(_ a: Expression, _ b: Expression) -> [ClosedRange<Int64>] {
    if a == b { return [0...0] }
    let (left, right) = (months(a), months(b))
    if left.base == right.base {
      return left.months < right.months ? [-1...(-1)] : left.months > right.months ? [1...1] : [0...0]
    }
    if let x = kin(a), let y = kin(b) {
      if isAtMost(x, y) { return [-1...0] }
      if isAtMost(y, x) { return [0...1] }
    }
    return [-1...1]
  }

  // MARK: What did not happen

  /// `overdue(state, span)`: the state has lasted for the span, so that a longer span says a shorter one.
  mutating func overdue(_ expression: Expression, _ arguments: [Expression], _ mode: Mode) -> Formula {
    guard case .string = arguments[0].kind, let last = arguments.last,
      case .call(nil, "duration", let texts) = last.kind,
      case .string(let text)? = texts.first?.kind, let span = Expression.literal(text.text, as: .duration)
    else { return opaque(expression, mode) }
    let key = "overdue(\(arguments.dropLast().map(\.description).joined(separator: ", ")))"
    if naturals[key] == nil {
      let isNever = isUnavailable("overdue")
      naturals[key] = Domain(
        values: .numbers([0...(isNever ? 0 : .max)]), missing: Self.isOfCustomer(arguments))
    }
    return limit(key, .numbers([max(1, span) ... .max]), [], mode)
  }

  /// `expiring("coupon", span)`: of the time that is left; a shorter span says a longer one.
  mutating func expiring(_ expression: Expression, _ arguments: [Expression], _ mode: Mode) -> Formula {
    guard case .string(let name) = arguments[0].kind,
      case .call(nil, "duration", let texts) = arguments[1].kind,
      case .string(let text)? = texts.first?.kind, let span = Expression.literal(text.text, as: .duration)
    else { return opaque(expression, mode) }
    let key = "expiring(\(name.text))"
    if naturals[key] == nil { naturals[key] = Domain(values: .numbers([0 ... .max]), missing: true) }
    return limit(key, .numbers([0...max(0, span)]), [], mode)
  }

  /// Of what can be overdue: missing without a customer key.
  static func isOfCustomer(_ arguments: [Expression]) -> Bool {
    guard case .string(let state)? = arguments.first?.kind else { return false }
    return TimedFact.Kind.allCases.contains { $0.isOfCustomer && $0.state == state.text }
  }
}
