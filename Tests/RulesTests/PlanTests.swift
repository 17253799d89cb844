import Testing

@testable import Rules

/// Rule sets of many malls in one plan.
@Suite struct PlanTests {
  private func set(_ amount: Int, _ extra: String = "") throws -> RuleSet {
    try RuleSet.load(files: [
      (
        "r.yaml",
        """
        rules:
          - {id: a, if: amount.items >= \(amount) && history.orders > \(amount % 7), then: {labels: [a]}}
          - {id: b, if: "true", then: {labels: [b]}}
          \(extra)
        """
      )
    ])
  }

  @Test func mallsWhoseRulesDifferInTheirNumbersShareTheirNodes() throws {
    let one = try Plan([set(1)])
    let sets = try (0..<500).map { try set($0) }
    let plan = try Plan(sets)
    #expect(plan.nodeCount <= one.nodeCount + 2)
    let batch = FactBatch(layout: plan.layout)
    for mall in 0..<500 {
      batch.beginOrder(ruleSet: mall)
      batch.setMoney(.amountItems, minorUnits: 250)
      batch.setInt(.historyOrders, 6)
    }
    let evaluator = Evaluator(plan: plan)
    evaluator.evaluate(batch)
    evaluator.arrangeByRow()
    for mall in 0..<500 {
      #expect(evaluator.answers(row: mall).outcomes.map { $0 } == [mall <= 250 && mall % 7 < 6 ? 1 : 0, 1])
    }
  }

  @Test func oneMallsSetChangesAndTheOthersStayAsTheyAre() throws {
    let plan = try Plan((0..<20).map { try set($0 * 10) })
    let changed = try plan.replacing(3, with: set(5, "- {id: c, if: channel == \"x\", then: {labels: [c]}}"))
    #expect(plan.ruleSets[3].rules.count == 2 && changed.ruleSets[3].rules.count == 3)
    #expect(Array(changed.rules.map(\.ruleSet)).filter { $0 == 3 }.count == 3)
    func outcomes(_ evaluator: Evaluator, _ batch: FactBatch) -> [[UInt8]] {
      evaluator.evaluate(batch)
      evaluator.arrangeByRow()
      return (0..<batch.count).map { evaluator.answers(row: $0).outcomes.map { $0 } }
    }
    func filled(_ plan: Plan) -> FactBatch {
      let batch = FactBatch(layout: plan.layout)
      for mall in 0..<20 {
        batch.beginOrder(ruleSet: mall)
        batch.setMoney(.amountItems, minorUnits: 25)
        batch.setInt(.historyOrders, 100)
        batch.setString(.channel, "x")
      }
      return batch
    }
    let evaluator = Evaluator(plan: plan)
    let before = outcomes(evaluator, filled(plan))
    evaluator.adopt(changed)
    let after = outcomes(evaluator, filled(changed))
    #expect(after[3] == [1, 1, 1] && before[3] == [0, 1])
    for mall in 0..<20 where mall != 3 { #expect(after[mall] == before[mall]) }
    let grown = try changed.replacing(20, with: set(1))
    #expect(grown.ruleSets.count == 21)
    #expect(throws: Plan.PlanError.self) { _ = try changed.replacing(22, with: set(1)) }
  }

  @Test func aRowOfARuleSetThatIsNotThereIsAnsweredWithNothing() throws {
    let plan = try Plan([set(1), set(2)])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    batch.beginOrder(ruleSet: 7)
    batch.beginOrder(ruleSet: 1)
    let evaluator = Evaluator(plan: plan, capacity: 64)
    evaluator.evaluate(batch)
    evaluator.arrangeByRow()
    #expect(evaluator.answers(row: 0).outcomes.isEmpty)
    #expect(evaluator.answers(row: 1).outcomes.map { $0 } == [2, 1])
  }

  @Test func manyThresholdsOfOneFactAgreeWithOneComparisonEach() throws {
    let lines = (0..<200).map { index in
      let op = [">=", ">", "<", "==", "!="][index % 5]
      return "  - {id: r\(index), if: history.orders \(op) \(index / 3), then: {labels: [x]}}"
    }
    let set = try RuleSet.load(files: [("r.yaml", "rules:\n" + lines.joined(separator: "\n"))])
    let plan = try Plan([set])
    let batch = FactBatch(layout: plan.layout, capacity: 128)
    for row in 0..<128 {
      batch.beginOrder()
      if row % 9 != 0 { batch.setInt(.historyOrders, Int64(row - 20)) }
    }
    let evaluator = Evaluator(plan: plan, capacity: 128)
    evaluator.evaluate(batch)
    for row in 0..<128 {
      var scalar = ScalarEvaluator(batch: batch, row: row, zone: plan.zone)
      let expected = scalar.decide(set.rules).map { $0?.outcome }
      #expect(plan.rules.indices.map { evaluator.outcome(rule: $0, row: row) } == expected)
    }
  }
}
