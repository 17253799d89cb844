import Glibc
import Testing

@testable import Rules

/// Patterns, lengths, and what they cost on texts made to be slow.
@Suite struct TextTests {
  /// The outcome of a condition for an order of the given grade.
  private func outcome(_ condition: String, grade: String) throws -> Outcome {
    let quoted =
      "'" + condition.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    let set = try RuleSet.load(files: [
      ("r.yaml", "rules:\n  - {id: a, if: \(quoted), then: {labels: [x]}}\n")
    ])
    let plan = try Plan([set])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    batch.beginOrder()
    batch.setString(.grade, grade)
    let evaluator = Evaluator(plan: plan, capacity: 64)
    evaluator.evaluate(batch)
    let scalar = ScalarEvaluator(batch: batch, row: 0, zone: plan.zone)
    let outcome = evaluator.outcome(rule: 0, row: 0)
    #expect(scalar.outcome(set.rules[0].terms[0].typed) == outcome)
    return outcome
  }

  @Test func aPatternMatchesSomePartOfTheTextUnlessItIsAnchored() throws {
    #expect(try outcome(#"grade.matches("i")"#, grade: "vip") == .true)
    #expect(try outcome(#"grade.matches("^i")"#, grade: "vip") == .false)
    #expect(try outcome(#"grade.matches("^[가-힣]{2}$")"#, grade: "제주") == .true)
    #expect(try outcome(#"grade.matches("^.$")"#, grade: "제") == .true)
    #expect(try outcome(#"grade.matches("\\d+원")"#, grade: "3000원") == .true)
    #expect(try outcome(#"grade.matches("v")"#, grade: "") == .unknown)
  }

  @Test func lengthsAreCodePoints() throws {
    #expect(try outcome("size(grade) == 2", grade: "제주") == .true)
    #expect(try outcome("grade.size() == 2", grade: "e\u{301}") == .true)
    #expect(try outcome("size(grade) == 1", grade: "🛍") == .true)
    #expect(try outcome("size(grade) >= 0", grade: "") == .unknown)
  }

  @Test func aHostilePatternCostsTimeThatIsLinearInTheText() throws {
    let long = String(repeating: "a", count: 100_000) + "!"
    let start = clock()
    for pattern in ["(a+)+$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)(.*)(.*)(.*)(.*)[^!]$"] {
      #expect(try outcome("grade.matches(\"\(pattern)\")", grade: long) == .false, "\(pattern)")
    }
    // Milliseconds; backtracking would need longer than the world will last.
    #expect(Double(clock() - start) / Double(CLOCKS_PER_SEC) < 10)
  }

  @Test func aPatternThatIsNoneOrTooLargeIsRefusedAtItsPlace() throws {
    for (pattern, reason) in [
      ("(", "missing )"), ("a{1001}", "repetition"), ("((((a{100}){100}){100}){100})", ""),
      ("[z-a]", "range"),
      ("(?=a)", "perl operator"), ("\\\\1", "escape"), (String(repeating: "a", count: 1_001), "1000 bytes"),
      ("((a{1000}){1000})", ""), ("[\\\\pL]{900}[\\\\pL]{900}", "too large"),
    ] {
      let source = "grade == \"x\" || grade.matches(\"\(pattern)\")"
      guard case .failure(let problems) = Checker.check(try Parser.parse(source).get()) else {
        Issue.record("taken: \(pattern)")
        continue
      }
      #expect(problems.list.map(\.offset) == [30], "\(pattern)")
      #expect(problems.list[0].message.contains(reason), "\(problems.list[0].message)")
    }
  }

  @Test func equalPatternsAreCompiledOnce() throws {
    let one = try TextPattern.compiling(Array("^a+$".utf8))
    let other = try TextPattern.compiling(Array("^a+$".utf8))
    #expect(one === other)
  }
}
