extension ScalarEvaluator {
  /// What a rule says of one order.
  struct Answer {
    /// One outcome per term of the rule.
    var terms: [Outcome]
    var outcome: Outcome
    /// The rule is looked at and its condition is false.
    var isOtherwise: Bool
    /// 1 + index of the first false term, or, when the rule is unknown, of the first unknown one; 0 when true.
    var decisiveTerm: Int {
      outcome == .true ? 0 : (terms.firstIndex(of: outcome) ?? -1) + 1
    }
  }

  /// Decides every rule of a set, in the order in which they are looked at; nil for drafts and retired ones.
  mutating func decide(_ rules: [Rule]) -> [Answer?] {
    acting = []
    var answers: [Answer?] = Array(repeating: nil, count: rules.count)
    for index in RuleSet.lookedAt(rules) {
      let rule = rules[index]
      let terms = rule.terms.map { outcome($0.typed) }
      let answer = Answer(
        terms: terms, outcome: ScalarEvaluator.conjunction(terms[...]),
        isOtherwise: terms[..<rule.guardCount].allSatisfy { $0 == .true }
          && ScalarEvaluator.conjunction(terms[rule.guardCount...]) == .false)
      if answer.outcome == .true { acting.insert(index) }
      answers[index] = answer
    }
    return answers
  }

  private static func conjunction(_ terms: ArraySlice<Outcome>) -> Outcome {
    terms.contains(.false) ? .false : terms.contains(.unknown) ? .unknown : .true
  }
}
