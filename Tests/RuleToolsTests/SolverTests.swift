import Orders
import TestKit
import Testing

@testable import RuleTools
@testable import Rules

/// What the solver excludes, against every row of a grid of values.
struct SolverTests {
  private static let texts = ["a", "ab", "b"]

  private func atom(_ random: inout SeededGenerator) -> String {
    let op = random.pick(["==", "!=", "<", "<=", ">", ">="])
    switch random.below(10) {
    case 0, 1: return "amount.items \(op) \(random.pick(["0", "1", "2", "1.5"]))"
    case 2, 3: return "history.orders \(op) \(random.pick(["0", "1", "2", "1.5"]))"
    case 4: return "grade \(random.pick(["==", "!="])) \"\(random.pick(Self.texts))\""
    case 5:
      return "grade.\(random.pick(["startsWith", "endsWith", "contains"]))(\"\(random.pick(Self.texts))\")"
    case 6: return "grade in [\"a\", \"b\"]"
    case 7: return "\(random.pick(["isMissing", "has"]))(\(random.pick(["grade", "history.orders"])))"
    case 8: return "history.orders in [0, 2]"
    default: return "gift.is_gift"
    }
  }

  private func condition(_ random: inout SeededGenerator, _ depth: Int) -> String {
    guard depth > 0, random.chance(75) else { return atom(&random) }
    let (a, b) = (condition(&random, depth - 1), condition(&random, depth - 1))
    switch random.below(7) {
    case 0, 1, 2: return "(\(a) && \(b))"
    case 3, 4: return "(\(a) || \(b))"
    case 5: return "!(\(a))"
    default:
      return random.chance(50) ? "((\(a)) == (\(b)))" : "(\(a) ? \(b) : \(condition(&random, depth - 1)))"
    }
  }

  /// Every combination of the values that the atoms can tell apart.
  private func grid(_ batch: FactBatch) {
    for amount in [0, 5_000, 10_000, 15_000, 17_000, 20_000, 30_000] as [Int64] {
      for orders in [nil, 0, 1, 2, 3] as [Int64?] {
        for grade in [
          nil, "a", "ab", "b", "ba", "c", "aab", "bab", "cab", "cb", "abc", "ca", "ac", "bc", "cbc", "cac",
        ] as [String?] {
          for gift in [false, true] {
            batch.beginOrder()
            batch.setInt(.amountItems, amount)
            if let orders { batch.setInt(.historyOrders, orders) }
            if let grade { batch.setString(.grade, grade) }
            batch.setBool(.isGift, gift)
          }
        }
      }
    }
  }

  @Test func whatIsExcludedNeverHappensAndWhatNeverHappensIsExcluded() throws {
    let seed = setting("SEED", 20_261_121)
    print("solver: seed \(seed) (set SEED to repeat)")
    var random = SeededGenerator(seed: seed)
    var excluded = 0
    for _ in 0..<Int(setting("SOLVER_CONDITIONS", 400)) {
      let text = condition(&random, 3)
      let rules = "rules:\n  - {id: a, if: '\(text)', then: {labels: [x]}}\n"
      let plan = try Plan([RuleSet.load(files: [("r", rules)])])
      let batch = FactBatch(layout: plan.layout)
      grid(batch)
      try #require(batch.count == 7 * 5 * 16 * 2)
      let evaluator = Evaluator(plan: plan)
      evaluator.evaluate(batch)
      let outcomes = Set((0..<batch.count).map { evaluator.outcome(rule: 0, row: $0) })
      let expression = try Parser.parse(text).get()
      for (mode, isThere) in [
        (Translator.Mode.isTrue, outcomes.contains(.true)), (.isFalse, outcomes.contains(.false)),
        (.isNotTrue, outcomes != [.true]), (.isNotFalse, outcomes != [.false]),
      ] {
        var translator = Translator()
        let formula = translator.formula(expression, mode)
        let isExcluded = Solver.excludes([formula], translator.naturals)
        if isExcluded { excluded += 1 }
        // The grid has every case, so both ways round.
        #expect(isExcluded == !isThere, "\(text), \(mode), \(outcomes)")
      }
    }
    #expect(excluded > 20)
  }
}
