extension GraphBuilder {
  /// One rule, with the constants that its shape leaves out as they are given.
  mutating func compile(_ rule: Rule, position: Int, constants: ArraySlice<TypedExpression>)
    -> Profile.PlacedRule
  {
    var constants = constants
    let terms = rule.terms.map { truth($0.typed.replacingConstants(&constants)) }
    let root = and(terms)
    var otherwise: NodeReference?
    if rule.otherwise != nil {
      let own = and(Array(terms[rule.guardCount...]))
      otherwise = and(terms[..<rule.guardCount] + [own.negated])
    }
    let match = rule.typedMatch.map { lineMatch($0.replacingConstants(&constants), when: root) }
    return Profile.PlacedRule(
      position: position, root: root, terms: terms, match: match, otherwise: otherwise)
  }
}
