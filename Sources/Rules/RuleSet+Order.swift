/// Who goes before whom: priorities, rules that stop, exclusive groups.
extension RuleSet {
  /// Positions of the decided rules as they are looked at: higher priority first, then by id as bytes.
  static func lookedAt(_ rules: [Rule]) -> [Int] {
    rules.indices.filter { rules[$0].isDecided }.sorted {
      rules[$0].priority != rules[$1].priority ? rules[$0].priority > rules[$1].priority : $0 < $1
    }
  }

  /// Rules sorted by id, each with the term that says whether a rule before it keeps it from acting.
  ///
  /// A shadow rule does nothing, so it keeps only other shadow rules from acting.
  static func inOrder(_ sorted: [Rule]) -> [Rule] {
    guard sorted.contains(where: { $0.stops || !$0.group.isEmpty }) else { return sorted }
    var rules = sorted
    var stopping: [Int] = []
    var groups: [String: [Int]] = [:]
    for index in lookedAt(sorted) {
      let rule = sorted[index]
      func counts(_ other: Int) -> Bool { sorted[other].state == .active || rule.state == .shadow }
      rules[index].putBehind(
        stopping: stopping.filter { sorted[$0].priority > rule.priority && counts($0) },
        group: rule.group.isEmpty ? [] : groups[rule.group, default: []].filter(counts), of: sorted)
      if rule.stops { stopping.append(index) }
      if !rule.group.isEmpty { groups[rule.group, default: []].append(index) }
    }
    return rules
  }
}

extension Rule {
  private static let namedMax = 4

  fileprivate mutating func putBehind(stopping: [Int], group before: [Int], of rules: [Rule]) {
    if !stoppedBy.isEmpty || !groupBefore.isEmpty {
      terms.removeFirst()
      guardCount -= 1
    }
    stoppedBy = stopping
    groupBefore = before
    guard !stopping.isEmpty || !before.isEmpty else { return }
    let all = stopping + before.filter { !stopping.contains($0) }
    let named = all.prefix(Rule.namedMax).map { rules[$0].id }.joined(separator: ", ")
    let more = all.count > Rule.namedMax ? ", …" : ""
    let typed: [TypedExpression] = [stopping, before].filter { !$0.isEmpty }.map { .noneActs($0) }
    terms.insert(
      Rule.term("noneActs(\(named)\(more))", typed.count == 1 ? typed[0] : .and(typed)), at: 0)
    guardCount += 1
  }
}
