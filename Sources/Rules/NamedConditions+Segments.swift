/// Segments: conditions on the customer alone, asked as `inSegment("name")`. They are kept among the named conditions,
/// under the text by which they are asked, which no condition can have as its name.
extension NamedConditions {
  /// Bytes of a segment's name.
  static let segmentBytesMax = 64

  static func segmentKey(_ name: String) -> String { "inSegment(\(Expression.quoted(name)))" }
  static func isSegmentKey(_ key: String) -> Bool { key.hasPrefix("inSegment(") }

  /// The key of `inSegment("x")`; nil for anything else.
  static func segmentKey(_ expression: Expression) -> String? {
    guard case .call(nil, "inSegment", let arguments) = expression.kind, arguments.count == 1,
      case .string(let name) = arguments[0].kind
    else { return nil }
    return segmentKey(name.text)
  }

  /// Facts of the customer: what a segment may be made of.
  static func isOfCustomer(_ reference: FactReference) -> Bool {
    switch reference {
    case .claims, .aggregate, .fact(.historyOrders), .fact(.historyAmount), .fact(.grade), .fact(.isMember),
      .fact(.isGuest):
      true
    case .fact(.customerGrade), .fact(.heldCouponCount), .fact(.cartProducts), .fact(.cartQuantity),
      .fact(.cartAmount):
      true
    case .timed(let fact): fact.kind.isOfCustomer
    case .fact(let fact): fact.level == .heldCoupon || fact.level == .cartLine
    default: false
    }
  }
}

extension Checker {
  /// What is left of `inSegment` when a rule is checked is none that was declared.
  mutating func checkSegment(_ expression: Expression, _ arguments: [Expression]) -> Typed {
    guard arguments.count == 1, case .string = arguments[0].kind else {
      return failure(
        expression, "inSegment needs the name of a segment in quotes", hint: "inSegment(\"vip\")")
    }
    return failure(
      expression, "segments are known only in rule files", hint: "declare it under segments: of a rule file")
  }
}
