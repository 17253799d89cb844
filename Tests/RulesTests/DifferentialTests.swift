import TestKit
import Testing

@testable import Rules

@Suite struct DifferentialTests {
  /// `RULES_SEED` repeats a run, `RULES_ROUNDS` makes it longer (a round is about 2,300 rule-rows of three rule sets).
  @Test func theColumnsAndTheScalarEvaluatorAgreeOnEveryRuleAndRow() throws {
    let seed = setting("RULES_SEED", UInt64.random(in: 0...UInt64.max))
    let rounds = Int(setting("RULES_ROUNDS", 500))
    print("differential seed \(seed), rounds \(rounds)")
    var generated = Generated(random: SeededGenerator(seed: seed))
    var compared = 0
    var seen = [0, 0, 0]
    for _ in 0..<rounds {
      // Sets of their own shapes, and malls whose rules differ from another's in their numbers alone; one of those
      // comes by a change of the plan.
      let own = try [16, 8].map { RuleSet(try generatedRules(&generated, count: $0)) }
      let sibling = RuleSet(own[0].rules.map { generated.withOtherNumbers($0) })
      let last = RuleSet(own[1].rules.map { generated.withOtherNumbers($0) })
      let plan = try Plan(own + [sibling, own[1]]).replacing(3, with: last)
      let sets = plan.ruleSets
      let batch = FactBatch(layout: plan.layout, capacity: 256)
      let evaluator = Evaluator(plan: plan, capacity: 256)
      for rows in [0, 1, 63, 64, 65] {
        generated.fill(batch, rows: rows, ruleSets: sets.count)
        evaluator.evaluate(batch)
        evaluator.arrangeByRow()
        compared += compare(evaluator, batch, &seen, seed)
      }
    }
    print("compared \(compared) rule-rows: \(seen[0]) false, \(seen[1]) true, \(seen[2]) unknown")
    #expect(compared >= 2_000 * rounds)
    #expect(seen.allSatisfy { $0 * 50 > compared })
  }

  private func generatedRules(_ generated: inout Generated, count: Int) throws -> [Rule] {
    try (0..<count).map { index in
      let source = (0..<(1 + index % 3)).map { _ in generated.condition(.order, 3) }.joined(separator: " && ")
      let expression = try Parser.parse(source).get()
      #expect(try Parser.parse(expression.description).get() == expression, "\(source)")
      let typed: TypedExpression
      switch Checker.check(expression) {
      case .success(let value): typed = value
      case .failure(let problems):
        Issue.record("\(source): \(problems.list)")
        typed = .truth(false)
      }
      let match = index % 4 == 0 ? generated.condition(.item, 2) : nil
      let matchExpression = try match.map { try Parser.parse($0).get() }
      let typedMatch = try matchExpression.map { try Checker.check($0, itemVariable: "i").get() }
      var rule = Rule(
        id: "r\(index)", name: "", condition: expression, match: matchExpression, typedMatch: typedMatch)
      generated.setLife(&rule)
      rule.buildTerms(typedConjuncts: expression.typedConjuncts(typed))
      return rule
    }
  }

  private func compare(_ evaluator: Evaluator, _ batch: FactBatch, _ seen: inout [Int], _ seed: UInt64) -> Int
  {
    #expect(evaluator.count == batch.count)
    var compared = 0
    for row in 0..<batch.count {
      let mine = Int(batch.ruleSets[row])
      var scalar = ScalarEvaluator(batch: batch, row: row, zone: evaluator.plan.zone)
      let expected = scalar.decide(evaluator.plan.ruleSets[mine].rules)
      let answers = evaluator.answers(row: row)
      for (index, planned) in evaluator.plan.rules.enumerated() where planned.ruleSet == mine {
        let rule = evaluator.plan.ruleSets[mine].rules[planned.rule]
        guard let answer = expected[planned.rule] else {
          Issue.record("seed \(seed): a rule that is not decided was planned")
          continue
        }
        seen[Int(answer.outcome.rawValue)] += 1
        compared += 1
        let agrees =
          evaluator.outcome(rule: index, row: row) == answer.outcome
          && evaluator.term(rule: index, row: row) == answer.decisiveTerm
          && evaluator.isOtherwise(rule: index, row: row) == (rule.otherwise != nil && answer.isOtherwise)
          && answers.outcomes[planned.rule] == answer.outcome.rawValue
          && Int(answers.terms[planned.rule]) == answer.decisiveTerm
        if !agrees {
          Issue.record("seed \(seed) row \(row) of \(batch.count): \(rule.terms.map(\.text)): \(answer)")
        }
        compareLines(evaluator, scalar, rule, index, answer.outcome, seed)
      }
    }
    return compared
  }

  private func compareLines(
    _ evaluator: Evaluator, _ scalar: ScalarEvaluator, _ rule: Rule, _ index: Int, _ outcome: Outcome,
    _ seed: UInt64
  ) {
    guard let match = rule.typedMatch else { return }
    let batch = scalar.batch
    let start = Int(batch.items.starts[scalar.row])
    for line in start..<Int(batch.items.starts[scalar.row + 1]) {
      var inner = scalar
      inner.line = line
      let expected =
        outcome == .true && inner.fact(.itemLive) == .truth(true) && inner.outcome(match) == .true
      if evaluator.isLineMatched(rule: index, row: scalar.row, itemIndex: line - start) != expected {
        Issue.record("seed \(seed): line \(line) of \(rule.match?.description ?? "")")
      }
    }
  }
}
