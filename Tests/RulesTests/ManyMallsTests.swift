import TestKit
import Testing

@testable import Rules

/// Plans of many malls whose rules have shapes of their own and shapes of others, against the scalar evaluator.
@Suite struct ManyMallsTests {
  /// `RULES_SEED` repeats a run, `RULES_ROUNDS` makes it longer.
  @Test func manyMallsWithSharedAndWithTheirOwnShapesAreDecidedAsTheScalarEvaluatorSays() throws {
    let seed = setting("RULES_SEED", UInt64.random(in: 0...UInt64.max))
    let rounds = max(Int(setting("RULES_ROUNDS", 500)) / 10, 6)
    print("many malls seed \(seed), rounds \(rounds)")
    var generated = Generated(random: SeededGenerator(seed: seed))
    var seen = Seen()
    for round in 0..<rounds {
      // A few shapes: constants in a table. Many: too many columns for one.
      let templates = try (0..<(round % 3 == 0 ? 60 : 8)).map { try rule(&generated, $0) }
      let sets = (0..<40).map { _ in mall(templates, &generated) }
      // The last malls come by changes, which make a table wider, longer, or no table any more.
      let early = 10 + generated.random.below(30)
      var plan = try Plan(Array(sets.prefix(early)))
      let hadTable = plan.parameters.table != nil
      for index in early..<40 { plan = try plan.replacing(index, with: sets[index]) }
      let kept = plan
      let index = generated.random.below(40)
      plan = try plan.replacing(index, with: mall(templates, &generated))
      let hasTable = plan.parameters.table != nil
      seen.tables += hasTable ? 1 : 0
      seen.lists += hasTable ? 0 : 1
      for column in plan.parameters.narrow?.columns ?? [] {
        seen.narrow += column == nil ? 0 : 1
        seen.wide += column == nil ? 1 : 0
      }
      seen.lost += hadTable && !hasTable ? 1 : 0
      seen.profiles = max(seen.profiles, plan.profiles.count)
      let evaluator = Evaluator(plan: plan, capacity: 256)
      // The plan before the change stays as it was, and so does an evaluator that goes from one to the other.
      for plan in [plan, kept, plan] {
        evaluator.adopt(plan)
        let batch = FactBatch(layout: plan.layout, capacity: 256)
        generated.fill(batch, rows: [1, 65, 130, 200][generated.random.below(4)], ruleSets: 40)
        compare(evaluator, batch, &seen, seed)
      }
    }
    print("many malls: \(seen)")
    #expect(seen.rows > 1_000 * rounds && seen.tables > 0 && seen.lists > 0 && seen.profiles > 10)
    #expect(seen.narrow > 0 && seen.wide > 0)
    #expect(seen.outcomes.allSatisfy { $0 * 50 > seen.rows })
  }

  private struct Seen {
    var rows = 0
    var outcomes = [0, 0, 0]
    var tables = 0
    var lists = 0
    var lost = 0
    var narrow = 0
    var wide = 0
    var profiles = 0
  }

  private func rule(_ generated: inout Generated, _ index: Int) throws -> Rule {
    let source = (0..<(1 + index % 3)).map { _ in
      // A comparison with a constant, which is what malls differ in, beside whatever else.
      let compared = generated.condition(.order, 1)
      let number = ["history.orders", "amount.items", "size(zones)", "hour(order.placed_at)"][index % 4]
      return "(\(compared) || \(number) \([">=", ">", "<", "<=", "==", "!="][index % 6]) 1)"
    }.joined(separator: " && ")
    let expression = try Parser.parse(source).get()
    let typed = try Checker.check(expression).get()
    var rule = Rule(id: "r\(index)", name: "", condition: expression, match: nil, typedMatch: nil)
    generated.setLife(&rule)
    rule.buildTerms(typedConjuncts: expression.typedConjuncts(typed))
    return rule
  }

  /// Some of the templates with numbers of its own.
  private func mall(_ templates: [Rule], _ generated: inout Generated) -> RuleSet {
    let share = generated.random.pick([100, 100, 60])
    return RuleSet(
      templates.compactMap { rule in
        guard generated.random.chance(share) else { return nil }
        return generated.random.chance(80) ? generated.withOtherNumbers(rule) : rule
      })
  }

  private func compare(_ evaluator: Evaluator, _ batch: FactBatch, _ seen: inout Seen, _ seed: UInt64) {
    evaluator.evaluate(batch)
    evaluator.arrangeByRow()
    #expect(evaluator.count == batch.count)
    for row in 0..<batch.count {
      let set = evaluator.plan.ruleSets[Int(batch.ruleSets[row])]
      var scalar = ScalarEvaluator(batch: batch, row: row, zone: evaluator.plan.zone)
      let answers = evaluator.answers(row: row)
      for (index, expected) in scalar.decide(set.rules).enumerated() {
        guard let expected else { continue }
        seen.rows += 1
        seen.outcomes[Int(expected.outcome.rawValue)] += 1
        let agrees =
          answers.outcomes[index] == expected.outcome.rawValue
          && Int(answers.terms[index]) == expected.decisiveTerm
        if !agrees {
          Issue.record("seed \(seed) row \(row): \(set.rules[index].terms.map(\.text)): \(expected)")
        }
      }
    }
  }

  @Test func rowsOfSetsThatAreNotThereAreAnsweredWithNothingAmongManyMalls() throws {
    let sets = try (0..<20).map { mall in
      try RuleSet.load(files: [
        ("r.yaml", "rules:\n  - {id: a, if: history.orders >= \(mall), then: {labels: [a]}}")
      ])
    }
    let plan = try Plan(sets)
    #expect(plan.parameters.table != nil)
    let batch = FactBatch(layout: plan.layout, capacity: 128)
    for row in 0..<100 {
      batch.beginOrder(ruleSet: row % 25)
      batch.setInt(.historyOrders, 10)
    }
    let evaluator = Evaluator(plan: plan, capacity: 128)
    evaluator.evaluate(batch)
    evaluator.arrangeByRow()
    for row in 0..<100 {
      let expected: [UInt8] = row % 25 >= 20 ? [] : [row % 25 <= 10 ? 1 : 0]
      #expect(evaluator.answers(row: row).outcomes.map { $0 } == expected)
    }
  }
}
