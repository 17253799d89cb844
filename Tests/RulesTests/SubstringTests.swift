import TestKit
import Testing

@testable import Rules

/// Many `contains` at once (`SubstringSearch`).
@Suite struct SubstringTests {
  private static func isIn(_ part: [UInt8], _ text: [UInt8]) -> Bool {
    part.count <= text.count
      && (0...(text.count - part.count)).contains { text[$0..<($0 + part.count)].elementsEqual(part) }
  }

  private static func found(_ search: SubstringSearch, _ text: [UInt8]) -> Set<Int> {
    var found: Set<Int> = []
    text.withUnsafeBufferPointer { search.forEachFound(in: $0) { found.insert($0) } }
    return found
  }

  @Test func eachTextIsFoundWhereALookForItAloneFindsIt() throws {
    var random = SeededGenerator(seed: setting("SEED", 20_261_121))
    print("substrings: seed \(setting("SEED", 20_261_121)) (SEED)")
    var hits = 0
    for round in 0..<400 {
      // Few letters, so that texts overlap and lie within each other; Korean ones share their first bytes.
      let letters = round % 2 == 0 ? ["a", "b"] : ["제", "젝", "주", "a"]
      func text(_ most: Int) -> [UInt8] {
        (0..<Int.random(in: 0...most, using: &random)).flatMap { _ in
          Array(letters[Int.random(in: 0..<letters.count, using: &random)].utf8)
        }
      }
      var texts = Array(Set((0..<Int.random(in: 1...40, using: &random)).map { _ in text(5) }))
      texts.removeAll(where: \.isEmpty)
      texts.sort { $0.lexicographicallyPrecedes($1) }
      let search = try #require(SubstringSearch(texts))
      for _ in 0..<20 {
        let within = text(30)
        let expected = Set(texts.indices.filter { Self.isIn(texts[$0], within) })
        hits += expected.count
        #expect(Self.found(search, within) == expected, "round \(round)")
      }
    }
    #expect(hits > 1_000)
  }

  @Test func tooManyForATableAreRefused() {
    let long = (0..<300).map { Array("\($0)-".utf8) + [UInt8](repeating: 97, count: 4_000) }
    #expect(SubstringSearch(long) == nil)
    #expect(SubstringSearch([]) != nil)
  }

  /// 300 rules over two columns of texts, beside the scalar evaluator; a dictionary that is emptied in between.
  @Test func rulesWithManyTextsSayWhatTheScalarEvaluatorSays() throws {
    var text = "rules:\n"
    for index in 0..<300 {
      let fact = index % 3 == 0 ? "channel" : "grade"
      text += "  - {id: r\(index), if: '\(fact).contains(\"\(index % 150)\")', then: {labels: [x]}}\n"
    }
    let set = try RuleSet.load(files: [("r.yaml", text)])
    let plan = try Plan([set])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    let evaluator = Evaluator(plan: plan, capacity: 64)
    var trues = 0
    for round in 0..<3 {
      batch.reset()
      for row in 0..<64 {
        batch.beginOrder()
        if row % 5 != 0 { batch.setString(.grade, "g\(row * 7 + round)") }
        if row % 7 != 0 { batch.setString(.channel, "c\(row * 13 + round)") }
      }
      if round == 1 { for filler in 0..<70_000 { _ = batch.dictionary.intern("filler \(filler)") } }
      evaluator.evaluate(batch)
      for row in 0..<64 {
        let scalar = ScalarEvaluator(batch: batch, row: row, zone: plan.zone)
        for rule in set.rules.indices {
          let outcome = evaluator.outcome(rule: rule, row: row)
          if outcome == .true { trues += 1 }
          #expect(scalar.outcome(set.rules[rule].terms[0].typed) == outcome, "rule \(rule), row \(row)")
        }
      }
    }
    #expect(trues > 500)
  }
}
