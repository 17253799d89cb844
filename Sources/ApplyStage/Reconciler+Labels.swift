import Orders
import Topics

extension Reconciler {
  /// Fills in the label edits and the ledger's labels.
  func reconcileLabels(_ decision: DecisionValue, unknown: [String], _ result: inout Reconciliation) {
    let current = result.newLedger.labels
    // The common case: nothing differs, nothing is allocated.
    let vetoes = result.newLedger.vetoes
    if unknown.isEmpty, vetoes.isEmpty, matches(decision, current) { return }
    var wanted = desiredLabels(decision)
    if !unknown.isEmpty, decision.state != .cancelled, !isSkipped(decision) {
      wanted = keeping(unknown, of: current, in: wanted, &result)
    }
    if !vetoes.isEmpty {
      result.newLedger.asked = wanted.filter { label in
        vetoes.contains { sameText($0.label, label.label) }
      }
    }
    var desired = Reconciler.without(vetoes, wanted)
    if Reconciler.sameDesire(desired, current) { return }
    result.standing = .changed
    result.previousLabels = current
    Reconciler.edit(from: current, to: &desired, &result)
    result.newLedger.labels = desired
  }

  private func matches(_ decision: DecisionValue, _ current: [AppliedLabelValue]) -> Bool {
    if isSkipped(decision) { return current.isEmpty }
    let isCancelled = decision.state == .cancelled
    var place = 0
    for label in decision.labels where !isCancelled || label.keepOnCancel {
      guard place < current.count, label.keepOnCancel == current[place].keepOnCancel,
        sameText(label.label, current[place].label), label.rules == current[place].rules,
        label.itemCodes == current[place].itemCodes
      else { return false }
      place += 1
    }
    return place == current.count
  }

  /// What the decision wants on the order as it now stands: by label, then by rules, items sorted.
  private func desiredLabels(_ decision: DecisionValue) -> [AppliedLabelValue] {
    if isSkipped(decision) { return [] }
    var desired: [AppliedLabelValue] = []
    desired.reserveCapacity(decision.labels.count)
    // Most labels share one array of codes: it is looked through once.
    var (last, lastSorted): ([String], [String]) = ([], [])
    for label in decision.labels where !label.itemCodes.isEmpty {
      if decision.state == .cancelled, !label.keepOnCancel { continue }
      var applied = AppliedLabelValue()
      applied.label = label.label
      applied.rules = SortedStrings.sorted(label.rules)
      if label.itemCodes != last {
        (last, lastSorted) = (label.itemCodes, SortedStrings.sorted(label.itemCodes))
      }
      applied.itemCodes = lastSorted
      applied.keepOnCancel = label.keepOnCancel
      desired.append(applied)
    }
    return Reconciler.sorted(desired)
  }

  static func sorted(_ labels: [AppliedLabelValue]) -> [AppliedLabelValue] {
    labels.sorted { left, right in
      if !sameText(left.label, right.label) { return bytesPrecede(left.label, right.label) }
      if left.rules != right.rules {
        return left.rules.lexicographicallyPrecedes(right.rules, by: bytesPrecede)
      }
      return left.itemCodes.lexicographicallyPrecedes(right.itemCodes, by: bytesPrecede)
    }
  }

  static func sameDesire(_ left: [AppliedLabelValue], _ right: [AppliedLabelValue]) -> Bool {
    left.count == right.count
      && zip(left, right).allSatisfy {
        sameText($0.label, $1.label) && $0.rules == $1.rules && $0.itemCodes == $1.itemCodes
          && $0.keepOnCancel == $1.keepOnCancel
      }
  }

  /// Adds to the desired labels those that unknown rules had put on, with these rules alone (D6).
  private func keeping(
    _ unknown: [String], of current: [AppliedLabelValue], in desired: [AppliedLabelValue],
    _ result: inout Reconciliation
  ) -> [AppliedLabelValue] {
    var all = desired
    for var applied in current {
      applied.rules = applied.rules.filter { unknown.contains($0) }
      if applied.rules.isEmpty { continue }
      applied.foreignItemCodes = []
      all.append(applied)
      for rule in applied.rules {
        let effect = OrderEffect(
          kind: .review, rule: rule, cause: applied.label, text: "검토필요: \(applied.label)")
        add(effect, &result)
      }
    }
    return Reconciler.sorted(all)
  }

  /// Walks both lists label by label (both are sorted by label) and notes the difference of their items. What a
  /// person labelled stays noted as long as we want the label there too.
  static func edit(
    from current: [AppliedLabelValue], to desired: inout [AppliedLabelValue], _ result: inout Reconciliation
  ) {
    var old = 0
    var new = 0
    while old < current.count || new < desired.count {
      let label: String
      if old == current.count {
        label = desired[new].label
      } else if new == desired.count || bytesPrecede(current[old].label, desired[new].label) {
        label = current[old].label
      } else {
        label = desired[new].label
      }
      let oldStart = old
      let newStart = new
      while old < current.count, sameText(current[old].label, label) { old += 1 }
      while new < desired.count, sameText(desired[new].label, label) { new += 1 }
      let before = current[oldStart..<old]
      let after = desired[newStart..<new]
      let had = SortedStrings.union(before.map(\.itemCodes))
      let wants = SortedStrings.union(after.map(\.itemCodes))
      let foreign = SortedStrings.union(before.map(\.foreignItemCodes))
      note(&result.labelAdds, label, SortedStrings.subtract(wants, had), after)
      let ours = SortedStrings.subtract(had, foreign)
      note(&result.labelRemoves, label, SortedStrings.subtract(ours, wants), before)
      if newStart < new { desired[newStart].foreignItemCodes = SortedStrings.intersect(foreign, wants) }
    }
  }

  private static func note(
    _ edits: inout [LabelEdit], _ label: String, _ codes: [String], _ entries: ArraySlice<AppliedLabelValue>
  ) {
    if codes.isEmpty { return }
    let concerned = entries.filter { entry in entry.itemCodes.contains { codes.contains($0) } }
    edits.append(
      LabelEdit(label: label, itemCodes: codes, rules: SortedStrings.union(concerned.map(\.rules))))
  }
}
