internal import Orders
internal import Rules
internal import YAML

/// Rules beside each other: the same twice, one within the other, one against the other.
extension Linter {
  /// Pairs of rules compared by their meaning.
  static let pairsMax = 20_000

  mutating func lookAtPairs(_ rules: [Rule]) {
    lookAtSameConditions(rules)
    lookAtCancelKinds(rules)
    var pairs = 0
    for (index, rule) in rules.enumerated() {
      for other in rules[(index + 1)...] where sharesLabels(rule, other) {
        guard source.isOwnOrShared(rule) || source.isOwnOrShared(other) else { continue }
        pairs += 1
        guard pairs <= Linter.pairsMax else { return }
        compare(rule, other)
      }
    }
  }

  private func sharesLabels(_ a: Rule, _ b: Rule) -> Bool {
    a.state == b.state && !Set(a.actions.labels).isDisjoint(with: b.actions.labels)
  }

  private func text(_ rule: Rule) -> String {
    "\(rule.condition?.description ?? "")\n\(rule.match?.description ?? "")"
  }

  /// The same condition in the same words, doing the same.
  private mutating func lookAtSameConditions(_ rules: [Rule]) {
    var first: [String: Rule] = [:]
    for rule in inFileOrder(rules) {
      let key = [text(rule), rule.when.joined(separator: ","), window(rule), rule.state.rawValue].joined(
        separator: "\n")
      guard let known = first[key] else {
        first[key] = rule
        continue
      }
      guard known.actions == rule.actions, known.keepsOnCancel == rule.keepsOnCancel,
        known.otherwise == rule.otherwise, known.group == rule.group, known.stops == rule.stops
      else { continue }
      say(
        .warning, "duplicate", [rule, known], key: "id",
        "\(rule.id) is the same as \(known.id)\(place(known)): same condition, same actions",
        hint: "one of them is enough")
    }
  }

  private func window(_ rule: Rule) -> String {
    "\(rule.effectiveFrom?.microseconds ?? .min)…\(rule.effectiveUntil?.microseconds ?? .max)"
  }

  func inFileOrder(_ rules: [Rule]) -> [Rule] {
    rules.enumerated().sorted { left, right in
      let a = source.places[left.element.id] ?? (0, 0)
      let b = source.places[right.element.id] ?? (0, 0)
      return (a.file, a.position, left.offset) < (b.file, b.position, right.offset)
    }.map(\.element)
  }

  func place(_ rule: Rule) -> String {
    guard let node = source.node(rule) else { return "" }
    return " (\(node.file):\(node.line))"
  }

  /// One label, two ways to end: whoever comes last wins, which nobody can foresee.
  private mutating func lookAtCancelKinds(_ rules: [Rule]) {
    var kinds: [String: Rule] = [:]
    for rule in inFileOrder(rules.filter { $0.state == .active }) {
      for label in rule.actions.labels + (rule.otherwise?.labels ?? []) {
        guard let known = kinds[label] else {
          kinds[label] = rule
          continue
        }
        guard known.keepsOnCancel != rule.keepsOnCancel else { continue }
        let (keeps, leaves) = known.keepsOnCancel ? (known, rule) : (rule, known)
        say(
          .warning, "conflict", [rule, known], key: "on_cancel",
          "label \(label): \(keeps.id) keeps it when the order is cancelled, \(leaves.id) withdraws it",
          hint: "write the same on_cancel in both")
      }
    }
  }

  /// Two rules with a label in common: is one of them needless?
  private mutating func compare(_ a: Rule, _ b: Rule) {
    guard !a.isItemScope, !b.isItemScope, text(a) != text(b), isPlain(a), isPlain(b) else { return }
    if adds(nothing: a, to: b) {
      sayImplied(a, by: b)
    } else if adds(nothing: b, to: a) {
      sayImplied(b, by: a)
    }
  }

  /// Looked at whatever other rules do, and without an `otherwise`.
  private func isPlain(_ rule: Rule) -> Bool {
    rule.otherwise == nil && !rule.stops && rule.group.isEmpty && rule.stoppedBy.isEmpty
  }

  private mutating func sayImplied(_ needless: Rule, by rule: Rule) {
    say(
      .warning, "implied", [needless, rule], key: "id",
      "\(needless.id) adds nothing: whenever it is true, \(rule.id)\(place(rule)) is true and does the same",
      hint: "leave it out, or give it a label of its own")
  }

  /// Whenever `a` is true, `b` is, and does at least the same.
  private func adds(nothing a: Rule, to b: Rule) -> Bool {
    guard a.keepsOnCancel == b.keepsOnCancel, Set(a.actions.labels).isSubset(of: b.actions.labels) else {
      return false
    }
    var rest = a.actions
    rest.labels = b.actions.labels
    var effects = b.actions
    if rest.alertChannel == nil, rest.alertText == nil {
      effects.alertChannel = nil
      effects.alertText = nil
    }
    if !rest.gift { effects.gift = false }
    if rest.mark == nil {
      effects.mark = nil
      effects.markTeam = nil
    }
    if rest.hold == nil { effects.hold = nil }
    if rest.memo == nil { effects.memo = nil }
    if !rest.surcharge { effects.surcharge = false }
    if !rest.stockAlert { effects.stockAlert = false }
    return rest == effects && implies(a, b)
  }

  /// Whenever `a` is true, `b` is.
  func implies(_ a: Rule, _ b: Rule) -> Bool {
    var translator = Translator(zone: surroundings.zone)
    var premises = conditionParts(a).map { translator.formula($0.expression, .isTrue) }
    premises += windowFormulas(a, &translator)
    // A rule that is never true implies everything: that is said elsewhere.
    if Solver.excludes(premises, translator.naturals) { return false }
    let conclusions = conditionParts(b).map { translator.formula($0.expression, .isNotTrue) }
    guard conclusions.allSatisfy({ Solver.excludes(premises + [$0], translator.naturals) }) else {
      return false
    }
    let bounds = windowFormulas(b, &translator)
    return bounds.allSatisfy { bound in
      guard case .limit(let key, let values, _) = bound else { return false }
      return Solver.excludes(
        premises + [.limit(key: key, values: values.complement, missing: true)], translator.naturals)
    }
  }
}
