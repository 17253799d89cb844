import Files
import RuleTools
import Rules
import TestKit
import Testing
import Topics

/// Tests of rules, and explanations, through the real intake, facts and rules.
struct ExplainAndTestTests {
  static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  private func folder(_ files: [String: String]) -> String { TemporaryFolder.make("ruletools", files: files) }

  @Test func theTestsOfTheShippedRulesPass() throws {
    var run = RuleTestRun()
    let paths = try RuleTestRun.paths([Self.root + "/config/templates", Self.root + "/config/rules"])
    #expect(paths.count == 11)
    for path in paths { try run.run(path: path) }
    #expect(run.failed == 0, "\(run.text)")
    #expect(run.passed >= 55)
  }

  @Test func aFailureShowsExpectedGotAndTheRuleThatDiffers() throws {
    let folder = folder([
      "a.yaml":
        "rules:\n  - {id: big, if: amount.items >= 50000 && history.orders >= 1, then: {labels: [큰]}}\n",
      "a.test.yaml": """
      tests:
        - name: too small
          order: {items: [{unit_price: 49999}]}
          earlier: [{}]
          expect: {labels: [큰], rules: {big: true}}
        - name: fits
          order: {items: [{unit_price: 50000}]}
          earlier: [{}]
          expect: {labels: [큰], pending: [], actions: []}
      """,
    ])
    defer { TemporaryFolder.remove(folder) }
    var run = RuleTestRun(language: .en)
    for path in try RuleTestRun.paths([folder + "/a.yaml"]) { try run.run(path: path) }
    #expect(run.passed == 1)
    #expect(run.failed == 1)
    for part in [
      "a.test.yaml:2  too small", "expected 큰", "got      (none)", "rule big: expected true, got false",
      "✗ amount.items >= 50000", "amount.items is 49999, asked for is at least 50000 (1 short)",
      "✓ history.orders >= 1", "history.orders = 1",
    ] { #expect(run.text.contains(part), "\(part) is not in \(run.text)") }
  }

  @Test func aSlipInATestIsToldWithItsPlace() throws {
    func message(_ test: String) throws -> String {
      let folder = folder([
        "a.yaml": "rules:\n  - {id: big, if: amount.items >= 5, then: {labels: [x]}}\n",
        "a.test.yaml": "tests:\n  - " + test,
      ])
      defer { TemporaryFolder.remove(folder) }
      var run = RuleTestRun()
      do { try run.run(path: folder + "/a.test.yaml") } catch { return "\(error)" }
      return "nothing"
    }
    #expect(try message("{order: {itms: []}, expect: {labels: []}}").contains("did you mean items?"))
    #expect(try message("{order: {items: [{unit_prize: 5}]}, expect: {labels: []}}").contains("unit_price"))
    #expect(try message("{name: x}").contains("a.test.yaml:2:5: the test expects nothing"))
    #expect(try message("{facts: {history.order: 1}, expect: {}}").contains("did you mean history.orders?"))
    #expect(try message("{expect: {rules: {bog: true}}}").contains("did you mean big?"))
    #expect(try message("{order: {placed_at: \"2026-10-13\"}, expect: {}}").contains("placed_at"))
  }

  private let event = """
    {"schema":"passflow.order/1","mall_id":"m","shop_no":1,"order_id":"A-1","version":1,
    "event_time":"2026-10-13T10:00:00+09:00","placed_at":"2026-10-13T10:00:00+09:00",
    "payment":{"status":"unpaid","methods":["cash"]},
    "buyer":{"name":"홍길동","phone":"010-1234-5678","email":"hong@example.com","ip":"8.8.8.8"},
    "receivers":[{"receiver_no":1,"name":"홍길동","zipcode":"63122","address1":"제주특별자치도 제주시 첨단로 242"}],
    "items":[{"item_code":"A-1-1","sku":"S-1","unit_price":"45000"}]}
    """

  private func answer(_ rules: String) throws -> OrderAnswer {
    let folder = folder(["r.yaml": "rules:\n" + rules])
    defer { TemporaryFolder.remove(folder) }
    var search = OrderSearch()
    search.order = Array(event.utf8)
    return try search.answer(RuleFiles.book([folder + "/r.yaml"]), ReferenceFiles.load(directory: nil).0)
  }

  @Test func everyTermComesWithItsValueAndItsReasonInBothLanguages() throws {
    let answer = try answer(
      """
        - {id: a, if: 'amount.items >= 100000 && (ip.foreign || "card" in payment.methods)', then: {labels: [x]}}
        - {id: b, if: 'items.exists(i, i.quantity >= 2)', then: {labels: [y]}}
        - {id: c, if: 'payment.status == "unpaid"', then: {labels: [z]}}
      """)
    let english = answer.text(.en)
    for part in [
      "labels: z", "✗ no  a", "amount.items = 45000", "asked for is at least 100000 (55000 short)",
      "? ip.foreign || \"card\" in payment.methods", "? ip.foreign",
      "because: ip.country is missing: there is no public address with a known country",
      "✗ \"card\" in payment.methods", "payment.methods = [cash]", "✗ i.quantity >= 2", "item 1",
      "✓ yes  c → z",
    ] { #expect(english.contains(part), "\(part) is not in \(english)") }
    let korean = answer.text(.ko)
    for part in ["라벨: z", "✗ 아님  a", "상품 금액 45000, 기준 100000 이상 (55000 모자람)", "품목 1", "✓ 해당  c → z"] {
      #expect(korean.contains(part), "\(part) is not in \(korean)")
    }
  }

  @Test func anExplanationNamesNoPersonalData() throws {
    let answer = try answer(
      """
        - {id: a, if: '"제주" in zones && ip.foreign && history.orders == 0 && grade == "1"', then: {labels: [x]}}
        - {id: b, if: 'items.exists(i, i.sku == "S-1") && bundle.partners >= 1', then: {labels: [y]}}
      """)
    for text in [answer.text(.ko), answer.text(.en)] {
      for secret in ["홍길동", "1234", "hong@", "8.8.8.8", "63122", "첨단로"] { #expect(!text.contains(secret)) }
    }
  }

  @Test func aRuleBehindAnotherNamesWhatKeepsItFromActing() throws {
    let answer = try answer(
      """
        - {id: a, priority: 5, stop: true, if: amount.items >= 1, then: {labels: [x]}}
        - {id: b, if: amount.items >= 1, then: {labels: [y]}}
      """)
    #expect(answer.text(.en).contains("a rule before it acts: a"))
    #expect(answer.text(.en).contains("labels: x\n"))
  }

  @Test func anOrderIsFoundAmongOthersWithItsHistory() throws {
    func line(_ id: String, _ day: Int, member: String) -> String {
      """
      {"mall_id":"m","shop_no":1,"order_id":"\(id)","version":1,"event_time":"2026-10-\(day)T10:00:00+09:00",\
      "placed_at":"2026-10-\(day)T10:00:00+09:00","buyer":{"member_id":"\(member)"},\
      "items":[{"item_code":"\(id)-1","unit_price":"1000"}]}

      """
    }
    let text =
      line("A", 10, member: "k") + line("B", 11, member: "other") + "no json\n" + line("C", 12, member: "k")
    let folder = folder([
      "orders.ndjson": text, "r.yaml": "rules:\n  - {id: a, if: history.orders == 1, then: {labels: [x]}}\n",
    ])
    defer { TemporaryFolder.remove(folder) }
    var search = OrderSearch()
    search.history = folder + "/orders.ndjson"
    let book = try RuleFiles.book([folder + "/r.yaml"])
    let reference = try ReferenceFiles.load(directory: nil).0
    search.orderId = "C"
    #expect(try search.answer(book, reference).decision.labels.map(\.label) == ["x"])
    search.orderId = "m/1/B"
    #expect(try search.answer(book, reference).decision.labels.isEmpty)
    search.orderId = "D"
    #expect(throws: UserError.self) { try search.answer(book, reference) }
  }
}
