import RuleTools
import Rules
import TestKit
import Testing

/// Measures of earlier orders in the tools around the rules: `rules test`, `explain`, `lint`.
struct HistoryMeasureTests {
  private func run(_ rules: String, _ tests: String, _ language: Language = .en) throws -> RuleTestRun {
    let folder = TemporaryFolder.make(
      "measures", files: ["a.yaml": "rules:\n" + rules, "a.test.yaml": "tests:\n" + tests])
    defer { TemporaryFolder.remove(folder) }
    var run = RuleTestRun(language: language)
    try run.run(path: folder + "/a.test.yaml")
    return run
  }

  private static let rules = """
      - {id: refill, if: 'history.bought("S-A", duration("30d")) >= 2', then: {labels: [재구매]}}
      - {id: rich, if: history.amount(3) >= 30000, then: {labels: [큰손]}}
      - {id: fresh, if: 'order.placed_at - history.last_order_at <= duration("1d")', then: {labels: [연속]}}

    """

  @Test func earlierOrdersOfATestAreCounted() throws {
    let run = try run(
      Self.rules,
      """
        - name: two of them
          earlier: [{items: [{sku: S-A}]}, {items: [{sku: S-A}]}, {items: [{sku: S-B, unit_price: 1}]}]
          expect: {labels: [재구매, 연속], pending: []}
        - name: long ago
          earlier: [{items: [{sku: S-A}], placed_at: "2026-06-13T10:00:00+09:00"}, {items: [{sku: S-A}]}]
          expect: {labels: [연속], rules: {refill: false, rich: false}}
        - name: the first order
          expect: {labels: [], rules: {fresh: unknown}, pending: [history.last_order_at, order.placed_at]}

      """)
    #expect(run.failed == 0, "\(run.text)")
    #expect(run.passed == 3)
  }

  @Test func aTestGivesAMeasureHoweverItsWindowIsWritten() throws {
    let run = try run(
      Self.rules,
      """
        - name: given
          facts: {'history.bought("S-A", duration("720h"))': 2, history.amount(3): 30000, history.last_order_at: "2026-10-13T09:00:00+09:00"}
          expect: {labels: [연속, 재구매, 큰손]}
        - name: another spelling
          facts: {'history.bought("S-A", duration("30d"))': 2}
          expect: {labels: [재구매]}
        - name: taken away
          earlier: [{}]
          facts: {history.last_order_at: null}
          expect: {labels: [], rules: {fresh: unknown}}
        - name: nobody
          facts: {customer: null}
          expect: {rules: {refill: unknown, rich: unknown, fresh: unknown}}

      """)
    #expect(run.failed == 0, "\(run.text)")
    #expect(run.passed == 4)
  }

  @Test func whatCannotBeGivenIsTold() {
    func told(_ facts: String) -> String {
      do {
        _ = try run(Self.rules, "  - {facts: {\(facts)}, expect: {}}\n")
        return ""
      } catch { return "\(error)" }
    }
    #expect(told("history.orders(99): 1").contains("this fact cannot be given: history.orders(99)"))
    #expect(told("stock: 1").contains("or a measure such as history.orders(3)"))
    #expect(told("history.last_order_at: gestern").contains("expected an instant"))
    #expect(told("history.amount(3): many").contains("a.test.yaml:2"))
  }

  @Test func anExplanationSpeaksOfTheMeasureInWords() throws {
    let tests = """
        - name: x
          earlier: [{items: [{sku: S-A}]}]
          expect: {rules: {refill: true, rich: true, fresh: false}}

      """
    let korean = try run(Self.rules, tests, .ko).text
    for part in [
      "최근 30일에 S-A을(를) 산 주문 수 1, 기준 2 이상 (1 모자람)", "최근 3개월의 결제 완료 순 구매 금액 합계 10000",
      #"history.bought("S-A", duration("720h")) = 1"#, "history.amount(3) = 10000",
      "history.last_order_at = 2026-10-12T10:00:00+09:00",
    ] { #expect(korean.contains(part), "\(part) is not in \(korean)") }
    let missing = try run(Self.rules, "  - {name: x, expect: {rules: {fresh: true}}}\n").text
    #expect(
      missing.contains("history.last_order_at is missing: there is no earlier order, or no customer key"))
  }

  private func lint(_ condition: String) -> [String] {
    let rules = "rules:\n  - {id: a, if: '\(condition)', then: {labels: [x]}}\n"
    return Linter.report(files: [("r.yaml", rules)], .init()).findings.map(\.code)
  }

  @Test func lintKnowsThatMeasuresAreNotNegativeAndWhichAreTheSame() {
    for never in [
      "history.orders(3) < 0", #"history.amount(duration("30d")) < 0"#, #"history.bought("A", 3) == 0.5"#,
      #"history.orders("all") >= 2 && history.orders < 2"#,
      #"history.orders(duration("1d")) >= 2 && history.orders(duration("24h")) < 2"#,
      #"history.last_bought_at("A") > timestamp("2026-10-10T00:00:00+09:00") && history.last_bought_at("A") < timestamp("2026-10-09T00:00:00+09:00")"#,
    ] { #expect(lint(never) == ["never-true"], "\(never)") }
    for fine in [
      "history.orders(3) >= 2 && history.orders(2) < 2",
      #"history.bought("A", 3) > 0 && history.bought("B", 3) == 0"#,
      "isMissing(history.last_order_at)",
    ] { #expect(lint(fine).isEmpty, "\(fine): \(lint(fine))") }
  }
}
