import Orders
import Topics

extension Reconciler {
  /// Fills in effects that were not done yet and marks that are no longer wanted. A cancelled order wants none.
  func reconcileEffects(_ decision: DecisionValue, unknown: [String], _ result: inout Reconciliation) {
    let isWanted = decision.state != .cancelled && !isSkipped(decision)
    if isWanted {
      for action in decision.actions {
        if isDone(action.rule, action.kind, action.cause, result.newLedger.effects) { continue }
        guard let effect = OrderEffect(action) else {
          note("action.kind", &result)
          continue
        }
        add(effect, &result)
      }
    }
    if decision.tooLate, !isDone("", OrderEffect.Kind.tooLate.rawValue, "", result.newLedger.effects) {
      add(
        OrderEffect(kind: .tooLate, rule: "", cause: "", text: "출고 후 변경: 라벨이 달라졌을 주문"), &result)
    }
    for key in result.newLedger.effects {
      guard var effect = OrderEffect(key: key), effect.kind.isReversible,
        !isWanted || (!wants(decision, effect) && !unknown.contains(effect.rule))
      else { continue }
      effect.isSet = false
      result.standing = .changed
      result.effects.append(effect)
      result.newLedger.effects.removeAll { $0 == key }
    }
  }

  private func wants(_ decision: DecisionValue, _ effect: OrderEffect) -> Bool {
    decision.actions.contains {
      $0.rule == effect.rule && $0.cause == effect.cause && $0.kind == effect.kind.rawValue
    }
  }

  /// Adds an effect unless it was done, or too many are remembered.
  func add(_ effect: OrderEffect, _ result: inout Reconciliation) {
    let key = effect.key
    if SortedStrings.contains(result.newLedger.effects, key) { return }
    guard result.newLedger.effects.count < Reconciler.effectsMax else {
      note("effects.limit", &result)
      return
    }
    result.standing = .changed
    result.effects.append(effect)
    SortedStrings.insert(key, into: &result.newLedger.effects)
  }

  private func note(_ text: String, _ result: inout Reconciliation) {
    if !result.notes.contains(text) { result.notes.append(text) }
  }

  /// Looks for (rule, kind, cause) without building its key.
  private func isDone(_ rule: String, _ kind: String, _ cause: String, _ effects: [String]) -> Bool {
    let length = rule.utf8.count + kind.utf8.count + cause.utf8.count + 2
    return effects.contains { key in
      guard key.utf8.count == length, key.utf8.starts(with: rule.utf8) else { return false }
      let rest = key.utf8.dropFirst(rule.utf8.count + 1)
      return rest.starts(with: kind.utf8) && rest.dropFirst(kind.utf8.count + 1).elementsEqual(cause.utf8)
    }
  }
}
