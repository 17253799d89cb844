import CAllocationCount
import TestKit
import Testing

@testable import Rules

/// The hot loop keeps its memory from batch to batch.
@Suite struct AllocationTests {
  private static let conditions = [
    "amount.items >= 100000 && history.orders == 0",
    "grade.matches(\"^[a-zé]+$\") || channel.contains(\"K\")",
    "size(grade) > 2 && size(zones) >= 1", "grade in [\"KR\", \"제주\"]",
    "sum(items.filter(i, i.inList(\"new\")).map(i, i.price * i.quantity)) >= 30000",
    "size(items.filter(i, \"KR\" in i.categories)) >= 3 || items.exists_one(i, i.sku == \"KR\")",
    "max(items.map(i, i.price)) > 10 && items.all(i, i.quantity > 0)",
    "claims.exists(c, c.completed && c.kind == \"return\") || sum(claims.map(c, c.refund)) > 5",
    "receivers.exists(r, r.country != \"KR\") && coupons.exists(c, c.type == \"paid\")",
    "addMonths(order.placed_at, -3).getMonth() == 1 && timeBetween(order.placed_at, \"22:00\", \"05:00\")",
    "\"KR\" in coupons.map(c, c.number) && isMissing(min(items.map(i, i.price)))",
  ]

  @Test func aWarmOptimisedEvaluatorAllocatesNothingWhateverTheRulesAsk() throws {
    let rules = AllocationTests.conditions.enumerated().map { index, text in
      "  - {id: r\(10 + index), if: '\(text)', then: {labels: [x]}}\n"
    }
    let plan = try Plan([RuleSet.load(files: [("r.yaml", "rules:\n" + rules.joined())])])
    var generated = Generated(random: SeededGenerator(seed: 42))
    let batches = (0..<4).map { _ in
      let batch = FactBatch(layout: plan.layout, capacity: 256, dictionary: nil)
      generated.fill(batch, rows: 256, ruleSets: 1)
      return batch
    }
    for batch in batches {
      let evaluator = Evaluator(plan: plan, capacity: 256)
      for _ in 0..<8 { round(evaluator, batch) }
      let before = passflow_allocations()
      for _ in 0..<300 { round(evaluator, batch) }
      let made = passflow_allocations() - before
      // Debug builds allocate for every closure that an optimised build has no more.
      #if DEBUG
        print(
          "allocations of a warm evaluator: \(made) in 300 batches of \(batch.count) orders (debug build)")
      #else
        #expect(made == 0)
      #endif
    }
    // The count counts.
    let before = passflow_allocations()
    let text = String(repeating: "a", count: 100 + batches.count)
    #expect(text.utf8.count == 104 && passflow_allocations() > before)
  }

  private func round(_ evaluator: Evaluator, _ batch: FactBatch) {
    evaluator.evaluate(batch)
    evaluator.arrangeByRow()
  }
}
