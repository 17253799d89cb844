extension GraphBuilder {
  struct CompiledRule {
    var root: NodeReference
    var terms: [NodeReference]
    var match: NodeReference?
    var otherwise: NodeReference?
  }

  /// The decided rules of a set, in the order of the set.
  mutating func plan(_ set: RuleSet) -> [(position: Int, rule: CompiledRule)] {
    acting.removeAll(keepingCapacity: true)
    var compiled: [(position: Int, rule: CompiledRule)] = []
    for position in RuleSet.lookedAt(set.rules) {
      let rule = compile(set.rules[position])
      acting[position] = rule.root
      compiled.append((position, rule))
    }
    return compiled.sorted { $0.position < $1.position }
  }

  private mutating func compile(_ rule: Rule) -> CompiledRule {
    let terms = rule.terms.map { truth($0.typed) }
    let root = and(terms)
    var otherwise: NodeReference?
    if rule.otherwise != nil {
      let own = and(Array(terms[rule.guardCount...]))
      otherwise = and(terms[..<rule.guardCount] + [own.negated])
    }
    return CompiledRule(
      root: root, terms: terms, match: rule.typedMatch.map { lineMatch($0, when: root) }, otherwise: otherwise
    )
  }
}
