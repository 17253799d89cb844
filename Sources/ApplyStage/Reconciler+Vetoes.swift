public import Topics

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

  /// What the decision asks for of a label, kept beside its first veto.
  static func noteAsked(_ label: String, of wanted: [AppliedLabelValue], in ledger: inout AppliedLedgerValue)
  {
    guard ledger.vetoes.contains(where: { sameText($0.label, label) }),
      !ledger.asked.contains(where: { sameText($0.label, label) })
    else { return }
    ledger.asked = sorted(ledger.asked + bare(wanted.filter { sameText($0.label, label) }))
  }

  /// Without what is noted of people's labels.
  static func bare(_ labels: [AppliedLabelValue]) -> [AppliedLabelValue] {
    labels.map { label in
      var label = label
      label.foreignItemCodes = []
      return label
    }
  }

  /// What an act that lifts a veto changes.
  public struct Lifting: Sendable {
    /// The rules that may put the label on again; sorted.
    public var rules: [String]
    /// Of the vetoes; empty: all items of the order.
    public var itemCodes: [String]
    /// The label as the last decision asks for it; without a record of that (a ledger of a former version) it comes
    /// with the next decision.
    public var reconciliation: Reconciliation
  }

  /// Lifts the vetoes on a label, of one rule or of all. Nil when there is none: then nothing changes.
  public func lift(_ lift: VetoLiftValue, ledger: AppliedLedgerValue) -> Lifting? {
    var result = Reconciliation(standing: .changed, newLedger: ledger)
    var vetoes: [LabelVetoValue] = []
    var rules: [[String]] = []
    var items: [[String]] = []
    for var veto in ledger.vetoes {
      let isMeant =
        sameText(veto.label, lift.label)
        && (lift.rule.isEmpty || veto.rules.contains { sameText($0, lift.rule) })
      guard isMeant else {
        vetoes.append(veto)
        continue
      }
      let lifted = lift.rule.isEmpty ? veto.rules : [lift.rule]
      rules.append(lifted)
      items.append(veto.itemCodes)
      veto.rules = SortedStrings.subtract(veto.rules, lifted)
      if !veto.rules.isEmpty { vetoes.append(veto) }
    }
    guard !rules.isEmpty else { return nil }
    result.newLedger.vetoes = vetoes
    putBack(lift.label, &result)
    result.newLedger.asked.removeAll { asked in !vetoes.contains { sameText($0.label, asked.label) } }
    return Lifting(
      rules: SortedStrings.union(rules), itemCodes: items.contains([]) ? [] : SortedStrings.union(items),
      reconciliation: result)
  }

  /// As the last decision asks for it, less the vetoes that are left.
  private func putBack(_ label: String, _ result: inout Reconciliation) {
    let asked = result.newLedger.asked.filter { sameText($0.label, label) }
    guard !asked.isEmpty else { return }
    let current = result.newLedger.labels
    let others = current.filter { !sameText($0.label, label) }
    var desired = Reconciler.sorted(others + Reconciler.without(result.newLedger.vetoes, asked))
    guard !Reconciler.sameDesire(desired, current) else { return }
    result.previousLabels = current
    Reconciler.edit(from: current, to: &desired, &result)
    result.newLedger.labels = desired
  }
}
