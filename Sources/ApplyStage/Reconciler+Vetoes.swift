public import Orders
import Shop
import Topics

/// An explicit act of a person: our rules may put the label on the order again.
public struct VetoLift: Hashable, Sendable {
  public var order: OrderIdentity
  public var label: String

  public init(order: OrderIdentity, label: String) {
    self.order = order
    self.label = label
  }
}

// A person who takes off a label of ours forbids it to the rules that had put it on this order (D4).
extension Reconciler {
  /// What is left of the wishes: a vetoed rule wants its label on none of the vetoed items.
  static func without(_ vetoes: [LabelVetoValue], _ desired: [AppliedLabelValue]) -> [AppliedLabelValue] {
    if vetoes.isEmpty { return desired }
    var labels = desired
    for veto in vetoes {
      labels = labels.flatMap { applied -> [AppliedLabelValue] in
        guard sameText(applied.label, veto.label) else { return [applied] }
        let rules = SortedStrings.subtract(applied.rules, veto.rules)
        if rules.count == applied.rules.count { return [applied] }
        var (free, bound) = (applied, applied)
        free.itemCodes =
          veto.itemCodes.isEmpty ? [] : SortedStrings.subtract(applied.itemCodes, veto.itemCodes)
        bound.itemCodes = SortedStrings.subtract(applied.itemCodes, free.itemCodes)
        bound.rules = rules
        return [free, bound].filter { !$0.itemCodes.isEmpty && !$0.rules.isEmpty }
      }
    }
    return sorted(labels)
  }

  /// Notes what the shop says a person took off. Taken from all items of the edit it is meant for the order.
  static func noteVeto(_ codes: [String], of edit: LabelEdit, in ledger: inout AppliedLedgerValue) {
    guard !codes.isEmpty, !edit.rules.isEmpty else { return }
    var veto = LabelVetoValue()
    veto.label = edit.label
    veto.rules = edit.rules
    veto.itemCodes = SortedStrings.sorted(codes)
    let isWhole = veto.itemCodes == edit.itemCodes
    withdraw(
      LabelEdit(label: edit.label, itemCodes: veto.itemCodes, rules: edit.rules), from: &ledger)
    if isWhole { veto.itemCodes = [] }
    if !ledger.vetoes.contains(veto), ledger.vetoes.count < vetoesMax { ledger.vetoes.append(veto) }
  }

  /// Vetoes remembered for one order.
  static let vetoesMax = 256

  /// Forgets what a person has lifted.
  func liftVetoes(_ decision: DecisionValue, _ result: inout Reconciliation) {
    if options.liftedVetoes.isEmpty || result.newLedger.vetoes.isEmpty { return }
    let order = OrderIdentity(
      mallId: decision.mallId, shopNo: decision.shopNo, orderId: decision.orderId)
    let count = result.newLedger.vetoes.count
    result.newLedger.vetoes.removeAll {
      options.liftedVetoes.contains(VetoLift(order: order, label: $0.label))
    }
    if result.newLedger.vetoes.count < count { result.standing = .changed }
  }
}
