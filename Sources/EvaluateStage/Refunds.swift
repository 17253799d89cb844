import Topics

/// What was paid back of an order: as the sender gave it, else the refunds of its completed claims together.
struct Refunds {
  /// Some rule asks for it.
  var isAsked: Bool
  /// Minor units.
  var given: Int64?
  private var total: Int64 = 0
  private var isKnown = true

  init(isAsked: Bool) { self.isAsked = isAsked }

  /// Minor units; nil: not asked for, or a completed claim does not say what was paid back.
  var sum: Int64? { isAsked ? given ?? (isKnown ? total : nil) : nil }

  /// A `Claim` of topics/order.proto.
  mutating func add(_ claim: ProtobufReader) {
    guard isAsked else { return }
    var reader = claim
    var isCompleted = false
    var refund: Int64?
    while reader.next() {
      switch reader.field {
      case 3: isCompleted = reader.int64() == 3
      case 7: refund = reader.int64()
      default: reader.skip()
      }
    }
    guard isCompleted else { return }
    let (sum, overflow) = total.addingReportingOverflow(refund ?? 0)
    isKnown = isKnown && refund != nil && !overflow
    if !overflow { total = sum }
  }
}
