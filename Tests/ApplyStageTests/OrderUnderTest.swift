import Glibc
import Orders
import Shop
import Topics

@testable import ApplyStage

/// One order, its shop and its ledger: decisions go in, as the stage would drive them.
final class OrderUnderTest {
  let shop: LocalShop
  let path: String
  let order = OrderIdentity(mallId: "demomall", shopNo: 1, orderId: "o1")
  var reconciler: Reconciler
  var ledger: AppliedLedgerValue?
  var actions: [ActionValue] = []
  var ruleIds: [String] = []

  init(_ options: Reconciler.Options = Reconciler.Options()) throws {
    var template = Array("/tmp/passflow-apply-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      close(mkstemp(buffer.baseAddress!))
      return String(cString: buffer.baseAddress!)
    }
    shop = try LocalShop(path: path)
    reconciler = Reconciler(options: options)
  }

  deinit { for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) } }

  /// - Parameter crashes: The shop is written, the ledger and the records are lost.
  @discardableResult
  func take(_ decision: DecisionValue, crashes: Bool = false) throws -> Reconciliation {
    let result = reconciler.reconcile(decision, ledger: ledger, ruleIds: ruleIds)
    let at = Instant(microseconds: 1)
    let labels = try shop.apply(result.labelChanges(of: order))
    let effects = try result.effects.map { effect in
      if let alert = effect.alert(of: order, at: at) { return try shop.deliver(alert) }
      guard let mark = effect.mark(of: order, at: at) else { return EffectOutcome.refused(.other) }
      return try shop.mark(mark)
    }
    try shop.flush()
    let settlement = reconciler.settle(
      result, of: decision, labelOutcomes: labels, effectOutcomes: effects, at: at)
    if crashes { return result }
    if result.writesLedger {
      // Through its bytes, as the changelog has it.
      ledger = AppliedLedgerValue(protobuf: settlement.ledger.protobuf)
    }
    actions += settlement.actions
    return result
  }

  /// An act that lifts vetoes, as the stage would drive it; the rules that may put the label on again.
  @discardableResult
  func lift(_ label: String, rule: String = "", crashes: Bool = false) throws -> [String]? {
    var act = VetoLiftValue()
    act.label = label
    act.rule = rule
    guard let before = ledger, let lifting = reconciler.lift(act, ledger: before) else { return nil }
    try shop.allow(label, of: order)
    let outcomes = try shop.apply(lifting.reconciliation.labelChanges(of: order))
    try shop.flush()
    let settlement = reconciler.settle(
      lifting.reconciliation, of: decision(before.position.offset), labelOutcomes: outcomes,
      effectOutcomes: [], at: Instant(microseconds: 1))
    if crashes { return lifting.rules }
    ledger = AppliedLedgerValue(protobuf: settlement.ledger.protobuf)
    actions += settlement.actions
    return lifting.rules
  }

  /// `item label` of all labels in the shop.
  func labels() throws -> [String] { try shop.labels(of: order).map { "\($0.itemCode) \($0.label)" } }
}

/// `label` on items by rules, as a decision says it.
func desired(_ label: String, _ items: [String], rules: [String] = ["R"], keep: Bool = false)
  -> DesiredLabelValue
{
  var value = DesiredLabelValue()
  value.label = label
  value.itemCodes = items
  value.rules = rules
  value.keepOnCancel = keep
  return value
}

func action(_ kind: String, _ rule: String, cause: String = "c") -> DesiredActionValue {
  var value = DesiredActionValue()
  value.kind = kind
  value.rule = rule
  value.cause = cause
  value.text = "text"
  return value
}

func decision(
  _ offset: Int64, _ labels: [DesiredLabelValue] = [], actions: [DesiredActionValue] = [],
  state: OrderState = .open, tooLate: Bool = false
) -> DecisionValue {
  var value = DecisionValue()
  value.mallId = "demomall"
  value.shopNo = 1
  value.orderId = "o1"
  value.position = Position(epoch: 0, partition: 2, offset: offset, n: 0)
  value.latestVersion = offset
  value.ruleSet = "abc"
  value.labels = labels
  value.actions = actions
  value.state = state
  value.tooLate = tooLate
  return value
}
