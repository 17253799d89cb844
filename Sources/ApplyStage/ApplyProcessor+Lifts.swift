import Orders
import Shop
import Topics

/// Vetoes that people lift: records among the decisions, handled in their order and made durable with them.
extension ApplyProcessor {
  /// False when the bytes are malformed.
  func lift(
    _ bytes: UnsafeRawBufferPointer, _ header: DecisionHeader, _ entry: LedgerEntry, _ key: [UInt8],
    _ partition: Int32, _ orders: Orders
  ) throws -> Bool {
    guard let lift = VetoLiftValue(protobuf: bytes), !lift.label.isEmpty else { return false }
    let order = OrderIdentity(
      mallId: String(decoding: header.mallId, as: UTF8.self), shopNo: header.shopNo,
      orderId: String(decoding: header.orderId, as: UTF8.self))
    let at = Instant(microseconds: clockUs())
    counts.lifts += 1
    guard let ledger = entry.value else {
      record(ApplyProcessor.action(lift, order, nil, "order_unknown", at), partition)
      return true
    }
    guard let lifting = reconciler.lift(lift, ledger: ledger) else {
      record(ApplyProcessor.action(lift, order, ledger, "none", at), partition)
      return true
    }
    var action = ApplyProcessor.action(lift, order, ledger, "done", at)
    action.rules = lifting.rules
    action.itemCodes = lifting.itemCodes
    record(action, partition)
    try finishWave()
    try shop.allow(lift.label, of: order)
    var decision = DecisionValue()
    (decision.mallId, decision.shopNo, decision.orderId) = (order.mallId, order.shopNo, order.orderId)
    (decision.position, decision.ruleSet) = (ledger.position, ledger.ruleSet)
    entry.isInWave = true
    touch(entry, key, orders)
    // Without a digest: the next decision is compared with what is on the order then.
    wave.append(
      Waiting(
        decision: decision, digest: .none, reconciliation: lifting.reconciliation, entry: entry,
        partition: partition, order: order))
    try finishWave()
    return true
  }

  private static func action(
    _ lift: VetoLiftValue, _ order: OrderIdentity, _ ledger: AppliedLedgerValue?, _ result: String,
    _ at: Instant
  ) -> ActionValue {
    var action = ActionValue()
    (action.mallId, action.shopNo, action.orderId) = (order.mallId, order.shopNo, order.orderId)
    action.kind = "label.veto_lifted"
    action.label = lift.label
    if !lift.rule.isEmpty { action.rules = [lift.rule] }
    action.cause = lift.note
    action.result = result
    action.by = lift.by
    action.at = at
    action.decisionId = ledger?.position.description ?? ""
    action.ruleSet = ledger?.ruleSet ?? ""
    return action
  }
}
