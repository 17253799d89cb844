import Orders
import Rules

/// Which labels and actions the rules of a set give: worked out once per rule set.
struct LabelPlan {
  struct Source {
    /// Index in the rule set: its byte in `Evaluator.answers`.
    var rule: Int
    /// Index in `Plan.rules`, for item lines.
    var planned: Int
    var id: String
    /// What the rule does where its condition is false.
    var isOtherwise = false
  }

  /// A label by rules of one scope and one way of ending; sorted by label bytes.
  struct Entry {
    var label: String
    var keepOnCancel: Bool
    /// Nil: all live items. Otherwise the one rule of item scope.
    var itemRule: Source?
    /// Sorted by id bytes.
    var sources: [Source]
  }

  struct Effect {
    var source: Source
    /// As in `decision.proto`: alert, gift, mark, hold.
    var kind: String
    var text: String
  }

  private(set) var entries: [Entry] = []
  private(set) var effects: [Effect] = []
  /// Facts that a rule's term waits for, by rule and term.
  private(set) var waitsFor: [[[String]]] = []

  init(_ plan: Plan) {
    guard let set = plan.ruleSets.first else { return }
    waitsFor = set.rules.map { rule in rule.terms.map { $0.references.map(\.name) } }
    for (planned, entry) in plan.rules.enumerated() {
      let rule = set.rules[entry.rule]
      guard rule.state == .active else { continue }
      var source = Source(rule: entry.rule, planned: planned, id: rule.id)
      add(rule.actions, rule, source)
      guard let otherwise = rule.otherwise else { continue }
      source.isOtherwise = true
      add(otherwise, rule, source)
    }
    entries.sort { left, right in
      if left.label != right.label { return bytesPrecede(left.label, right.label) }
      return !left.keepOnCancel && right.keepOnCancel
    }
  }

  private mutating func add(_ actions: Rule.Actions, _ rule: Rule, _ source: Source) {
    for label in actions.labels { add(label, rule, source) }
    addEffects(actions, rule, source)
  }

  private mutating func add(_ label: String, _ rule: Rule, _ source: Source) {
    if rule.isItemScope, !source.isOtherwise {
      entries.append(
        Entry(label: label, keepOnCancel: rule.keepsOnCancel, itemRule: source, sources: [source]))
    } else if let known = entries.firstIndex(where: {
      $0.label == label && $0.keepOnCancel == rule.keepsOnCancel && $0.itemRule == nil
    }) {
      entries[known].sources.append(source)
    } else {
      entries.append(
        Entry(label: label, keepOnCancel: rule.keepsOnCancel, itemRule: nil, sources: [source]))
    }
  }

  private mutating func addEffects(_ actions: Rule.Actions, _ rule: Rule, _ source: Source) {
    if actions.alertChannel != nil || actions.alertText != nil {
      effects.append(Effect(source: source, kind: "alert", text: actions.alertText ?? rule.name))
    }
    if actions.gift { effects.append(Effect(source: source, kind: "gift", text: "")) }
    if let mark = actions.mark { effects.append(Effect(source: source, kind: "mark", text: mark)) }
    if let hold = actions.hold { effects.append(Effect(source: source, kind: "hold", text: hold)) }
  }
}
