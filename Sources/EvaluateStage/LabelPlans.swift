import Rules

/// A label plan that several rule sets have in common.
final class SharedLabels {
  let plan: LabelPlan
  init(_ plan: LabelPlan) { self.plan = plan }
}

/// The label plans of a plan's rule sets, each made when the first order needs it, one for all sets that differ in
/// their conditions alone: ten thousand malls with rules from one template have one.
final class LabelPlans {
  struct OfSet {
    let labels: SharedLabels
    let hash: String
  }

  private var ruleSets: [RuleSet]
  /// By rule set.
  private var made: [OfSet?]
  private var shared: [[UInt8]: SharedLabels] = [:]

  /// Different ones kept to be found again.
  static let sharedMax = 4_096

  init(_ plan: Plan) {
    ruleSets = plan.ruleSets
    made = Array(repeating: nil, count: plan.ruleSets.count)
  }

  /// Different label plans made so far.
  var differentCount: Int { shared.count }

  /// Of a set of the plan; of one that is not there: without any rules.
  func labels(of set: Int) -> OfSet {
    guard made.indices.contains(set) else {
      return OfSet(labels: SharedLabels(LabelPlan()), hash: "")
    }
    if let known = made[set] { return known }
    let new = OfSet(labels: find(ruleSets[set]), hash: ruleSets[set].hash)
    made[set] = new
    return new
  }

  private func find(_ set: RuleSet) -> SharedLabels {
    let key = set.labelKey
    if let known = shared[key] { return known }
    if shared.count >= LabelPlans.sharedMax { shared.removeAll() }
    let new = SharedLabels(LabelPlan(set))
    shared[key] = new
    return new
  }

  /// Goes on with the next plan; sets that stay keep what they have.
  func adopt(_ next: Plan, from former: Plan) {
    var kept = [OfSet?](repeating: nil, count: next.ruleSets.count)
    for (index, set) in next.ruleSets.enumerated() {
      guard index < made.count else { break }
      if let known = made[index], known.hash == set.hash { kept[index] = known }
    }
    ruleSets = next.ruleSets
    made = kept
  }
}

extension RuleSet {
  /// Equal for sets with equal label plans: everything that `LabelPlan` reads.
  var labelKey: [UInt8] {
    var key: [UInt8] = []
    key.reserveCapacity(rules.count * 64)
    func number(_ value: Int) {
      withUnsafeBytes(of: UInt32(truncatingIfNeeded: value)) { key += $0 }
    }
    func text(_ value: String) {
      number(value.utf8.count)
      key += value.utf8
    }
    func actions(_ actions: Rule.Actions, _ rule: Rule) {
      number(actions.labels.count)
      for label in actions.labels { text(label) }
      let alert = actions.alertChannel != nil || actions.alertText != nil
      for effect in [alert ? actions.alertText ?? rule.name : nil, actions.mark, actions.hold] {
        number(effect == nil ? 0 : 1)
        text(effect ?? "")
      }
      number(actions.gift ? 1 : 0)
    }
    for rule in rules {
      text(rule.id)
      number(
        (rule.isDecided ? 1 : 0) | (rule.state == .active ? 2 : 0) | (rule.keepsOnCancel ? 4 : 0)
          | (rule.isItemScope ? 8 : 0) | (rule.otherwise == nil ? 0 : 16))
      actions(rule.actions, rule)
      if let otherwise = rule.otherwise { actions(otherwise, rule) }
      number(rule.terms.count)
      for term in rule.terms {
        number(term.references.count)
        for reference in term.references { text(reference.name) }
      }
    }
    return key
  }
}
