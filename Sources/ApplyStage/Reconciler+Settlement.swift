public import Orders
public import Shop
public import Topics

/// What is to be made durable together once the shop has answered: the ledger and the audit records.
public struct Settlement: Sendable, Equatable {
  public var ledger: AppliedLedgerValue
  public var actions: [ActionValue]
  /// Some change was refused: the ledger does not say it was done, so the next decision, or the same one again,
  /// asks for it anew.
  public var hasRefusals: Bool
}

extension Reconciler {
  /// Corrects the ledger by what the shop really did and writes one record for each side effect.
  ///
  /// - Parameters:
  ///   - labelOutcomes: For `reconciliation.labelChanges(of:)`, in its order; a missing one counts as refused.
  ///   - effectOutcomes: For `reconciliation.effects`, in its order; a missing one counts as refused.
  ///   - at: Wall clock of the effects.
  public func settle(
    _ reconciliation: Reconciliation, of decision: DecisionValue, labelOutcomes: [LabelOutcome],
    effectOutcomes: [EffectOutcome], at: Instant
  ) -> Settlement {
    var settlement = Settlement(ledger: reconciliation.newLedger, actions: [], hasRefusals: false)
    let adds = reconciliation.labelAdds
    for (place, edit) in (adds + reconciliation.labelRemoves).enumerated() {
      let outcome = place < labelOutcomes.count ? labelOutcomes[place] : LabelOutcome(.refused(.other))
      let isAdd = place < adds.count
      if case .refused = outcome.result {
        settlement.hasRefusals = true
        if isAdd {
          Reconciler.withdraw(edit, from: &settlement.ledger)
        } else {
          Reconciler.restore(edit, reconciliation.previousLabels, to: &settlement.ledger)
        }
      } else if isAdd {
        Reconciler.noteForeign(outcome.foreignItemCodes, edit.label, in: &settlement.ledger)
      }
      Reconciler.noteVeto(outcome.vetoedItemCodes, of: edit, in: &settlement.ledger)
      Reconciler.noteAsked(edit.label, of: reconciliation.newLedger.labels, in: &settlement.ledger)
      record(edit, outcome, isAdd ? "label.added" : "label.removed", decision, at, &settlement.actions)
    }
    for (place, effect) in reconciliation.effects.enumerated() {
      let outcome = place < effectOutcomes.count ? effectOutcomes[place] : .refused(.other)
      settle(effect, outcome, decision, at, &settlement)
    }
    return settlement
  }

  private func settle(
    _ effect: OrderEffect, _ outcome: EffectOutcome, _ decision: DecisionValue, _ at: Instant,
    _ settlement: inout Settlement
  ) {
    if case .refused = outcome {
      settlement.hasRefusals = true
      if effect.isSet {
        settlement.ledger.effects.removeAll { $0 == effect.key }
      } else {
        SortedStrings.insert(effect.key, into: &settlement.ledger.effects)
      }
    }
    settlement.actions.append(Reconciler.action(effect, outcome, decision, at))
  }

  static func action(
    _ effect: OrderEffect, _ outcome: EffectOutcome, _ decision: DecisionValue, _ at: Instant
  ) -> ActionValue {
    var action = action(effect.actionKind, decision, at)
    if !effect.rule.isEmpty { action.rules = [effect.rule] }
    action.cause = effect.cause
    switch outcome {
    case .done: action.result = "done"
    case .already: action.result = "already"
    case .refused(let refusal): action.result = "failed: \(refusal.rawValue)"
    }
    return action
  }

  /// One record, or more where items that a person has touched stand beside ours.
  private func record(
    _ edit: LabelEdit, _ outcome: LabelOutcome, _ kind: String, _ decision: DecisionValue, _ at: Instant,
    _ actions: inout [ActionValue]
  ) {
    var action = Reconciler.action(kind, decision, at)
    action.label = edit.label
    action.rules = edit.rules
    switch outcome.result {
    case .done: action.result = "done"
    case .already: action.result = "already"
    case .foreign: action.result = "foreign"
    case .vetoed: action.result = "vetoed"
    case .refused(let refusal): action.result = "failed: \(refusal.rawValue)"
    }
    let foreign = SortedStrings.sorted(outcome.foreignItemCodes)
    let vetoed = SortedStrings.sorted(outcome.vetoedItemCodes)
    action.itemCodes = SortedStrings.subtract(SortedStrings.subtract(edit.itemCodes, foreign), vetoed)
    if !action.itemCodes.isEmpty { actions.append(action) }
    for (codes, result) in [(foreign, "foreign"), (vetoed, "vetoed")] where !codes.isEmpty {
      action.itemCodes = SortedStrings.intersect(edit.itemCodes, codes)
      action.result = result
      actions.append(action)
    }
  }

  static func action(_ kind: String, _ decision: DecisionValue, _ at: Instant) -> ActionValue {
    var action = ActionValue()
    action.mallId = decision.mallId
    action.shopNo = decision.shopNo
    action.orderId = decision.orderId
    action.kind = kind
    action.by = "passflow"
    action.at = at
    action.decisionId = decision.position.description
    action.ruleSet = decision.ruleSet
    return action
  }

  // MARK: The ledger's labels

  /// The label did not go onto these items.
  static func withdraw(_ edit: LabelEdit, from ledger: inout AppliedLedgerValue) {
    for place in ledger.labels.indices where sameText(ledger.labels[place].label, edit.label) {
      ledger.labels[place].itemCodes = SortedStrings.subtract(ledger.labels[place].itemCodes, edit.itemCodes)
    }
    // Another entry of the label must not lose what is noted of people's items.
    let foreign = SortedStrings.union(
      ledger.labels.filter { sameText($0.label, edit.label) }.map(\.foreignItemCodes))
    ledger.labels.removeAll { sameText($0.label, edit.label) && $0.itemCodes.isEmpty }
    if let first = ledger.labels.firstIndex(where: { sameText($0.label, edit.label) }) {
      ledger.labels[first].foreignItemCodes = foreign
    }
  }

  /// The label did not come off these items: it is still ours.
  private static func restore(
    _ edit: LabelEdit, _ previous: [AppliedLabelValue], to ledger: inout AppliedLedgerValue
  ) {
    var kept: [AppliedLabelValue] = []
    for var applied in previous where sameText(applied.label, edit.label) {
      applied.itemCodes = SortedStrings.intersect(applied.itemCodes, edit.itemCodes)
      applied.foreignItemCodes = []
      if !applied.itemCodes.isEmpty { kept.append(applied) }
    }
    let foreign = SortedStrings.union(
      ledger.labels.filter { sameText($0.label, edit.label) }.map(\.foreignItemCodes))
    for place in ledger.labels.indices where sameText(ledger.labels[place].label, edit.label) {
      ledger.labels[place].foreignItemCodes = []
    }
    ledger.labels = sorted(ledger.labels + kept)
    if let first = ledger.labels.firstIndex(where: { sameText($0.label, edit.label) }) {
      ledger.labels[first].foreignItemCodes = foreign
    }
  }

  private static func noteForeign(_ codes: [String], _ label: String, in ledger: inout AppliedLedgerValue) {
    guard !codes.isEmpty, let first = ledger.labels.firstIndex(where: { sameText($0.label, label) }) else {
      return
    }
    ledger.labels[first].foreignItemCodes = SortedStrings.union([
      SortedStrings.sorted(ledger.labels[first].foreignItemCodes), SortedStrings.sorted(codes),
    ])
  }
}
