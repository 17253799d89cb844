internal import Orders
internal import Rules

/// Rules that keep others from acting, and what a rule does in either case.
extension Linter {
  mutating func lookAtOrder(_ set: RuleSet) {
    for rule in set.rules where rule.isDecided && isWhole(rule) {
      lookForReach(rule, set)
      if rule.stops { lookForStopped(rule, set) }
      if !rule.group.isEmpty, !set.rules.contains(where: { $0.group == rule.group && $0.id != rule.id }) {
        say(.note, "needless", [rule], key: "group", "no other rule is in group \(rule.group)")
      }
    }
  }

  /// A rule before it acts whenever it could.
  private mutating func lookForReach(_ rule: Rule, _ set: RuleSet) {
    for index in rule.stoppedBy where set.rules[index].groupBefore.isEmpty {
      let before = set.rules[index]
      guard isWhole(before), implies(rule, before) else { continue }
      say(
        .warning, "unreachable", [rule, before], key: "id",
        "\(rule.id) never acts: whenever it is true, \(before.id)\(place(before)) is true and stops",
        hint: "give it a priority of \(before.priority) or more, or leave out stop: of \(before.id)")
      return
    }
    for index in rule.groupBefore {
      let before = set.rules[index]
      guard isWhole(before), implies(rule, before) else { continue }
      say(
        .warning, "unreachable", [rule, before], key: "id",
        "\(rule.id) never acts: whenever it is true, \(before.id)\(place(before)) of its group is true before it",
        hint: before.priority == rule.priority
          ? "the same priority goes by id: write priority: in both"
          : "give it a priority above \(before.priority)")
      return
    }
  }

  /// `stop` concerns rules of lower priority only.
  private mutating func lookForStopped(_ rule: Rule, _ set: RuleSet) {
    guard !set.rules.contains(where: { $0.isDecided && $0.priority < rule.priority }) else { return }
    say(
      .warning, "needless", [rule], key: "stop",
      "stop: does nothing: no rule has a priority below \(rule.priority)",
      hint: "rules of the same priority do not stop each other; give \(rule.id) a higher priority:")
  }

  /// The same label whether the condition is true or false.
  mutating func lookAtOutcomes(_ rule: Rule) {
    guard let otherwise = rule.otherwise else { return }
    for label in rule.actions.labels
    where otherwise.labels.contains(where: { $0.utf8.elementsEqual(label.utf8) }) {
      say(
        .warning, "conflict", [rule], key: "otherwise",
        "label \(label) stands in then and in otherwise: it says nothing of the order")
    }
  }
}
