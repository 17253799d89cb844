import Glibc
import Testing

@testable import Rules

@Suite struct RuleFileTests {
  static func shipped() throws -> [(path: String, text: String)] {
    let templates = [
      "FIRST_ORDER", "ISLAND_SHIP", "HIGH_VALUE", "BUNDLE_SHIP", "BANK_ALERT", "VIP_GIFT", "FRAUD_CHECK",
      "RETURN_RISK",
      "SAME_DAY", "STOCK_ALERT",
    ]
    return try (templates.map { "config/templates/\($0).yaml" } + ["config/rules/examples.yaml"]).map {
      ($0, try text(of: $0))
    }
  }

  /// A file of the repository, at most 64 KiB of it.
  static func text(of path: String) throws -> String {
    let root = String(#filePath.dropLast("Tests/RulesTests/RuleFileTests.swift".count))
    let file = try #require(fopen(root + path, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let length = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<length], as: UTF8.self)
  }

  private func problems(_ text: String) -> [Diagnostic] {
    do throws(Diagnostics) {
      _ = try RuleSet.load(files: [("r.yaml", text)])
      return []
    } catch { return error.list }
  }

  @Test func theTenTemplatesAndNineExamplesLoad() throws {
    let set = try RuleSet.load(files: RuleFileTests.shipped())
    #expect(set.rules.count == 19)
    #expect(set.demand.lists == ["best", "event", "new", "same_day"])
    #expect(
      set.demand.claimWindows == [
        .init(scope: .returns, months: 3), .init(scope: .returnsOrExchanges, months: 3),
      ])
    #expect(
      set.demand.needsStock && set.demand.needsHoliday && set.demand.needsZones && set.demand.needsBundle)
    let kept = set.rules.filter(\.keepsOnCancel).map(\.id)
    #expect(kept == ["FRAUD_CHECK", "RETURN_RISK", "example-cs-care", "example-high-risk"])
    #expect(try RuleSet.load(files: RuleFileTests.shipped().reversed()).hash == set.hash)
  }

  @Test func theContentHashIsSHA256() {
    #expect(
      SHA256.hex(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test func aTemplateTakesItsParametersFromTheRule() throws {
    let files = try RuleFileTests.shipped().filter { $0.path.contains("HIGH_VALUE") }
    let text =
      "rules:\n  - {template: HIGH_VALUE, id: big, params: {at_least: 150000.5}, then: {labels: [BIG]}}\n"
    let set = try RuleSet.load(files: files + [("r.yaml", text)], installsTemplates: false)
    #expect(set.rules.map(\.id) == ["big"])
    #expect(set.rules[0].terms.map(\.text) == ["amount.items >= 150000.5"])
    #expect(set.rules[0].actions.labels == ["BIG"])
  }

  @Test func everyProblemOfAFileComesAtOnceWithItsPlace() {
    let found = problems(
      """
      rules:
        - id: one
          nmae: x
          if: amount.item >= 1
          then: {labels: ["a,b"]}
        - id: one
          if: "true"
          then: {labels: [a]}
          on_cancel: kep
        - {if: "true"}
        - {id: two, if: "true", template: NONE}
      """)
    #expect(found.map(\.line).sorted() == [3, 4, 5, 6, 9, 10, 11])
    #expect(found.contains { $0.line == 3 && $0.hint == "did you mean name?" })
    #expect(found.contains { $0.line == 4 && $0.hint == "did you mean amount.items?" })
  }

  @Test func labelsThatTheShopCannotTakeAreRefused() {
    for label in ["a,b", "a/b", "a?b", "a#b", "50%", "a\\nb", " a", "", String(repeating: "가", count: 34)] {
      #expect(
        !problems("rules:\n  - {id: a, if: \"true\", then: {labels: [\"\(label)\"]}}").isEmpty, "\(label)")
    }
    #expect(problems("rules:\n  - {id: a, if: \"true\", then: {labels: [제주배송]}}").isEmpty)
  }

  @Test func anItemRuleLabelsOnlyTheLinesThatMatch() throws {
    let text = """
      rules:
        - id: item
          scope: item
          if: amount.items >= 10
          match: item.sku == "A" && amount.items >= 20
          then: {labels: [a]}
      """
    let plan = try Plan([RuleSet.load(files: [("r.yaml", text)])])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    batch.beginOrder()
    batch.setMoney(.amountItems, minorUnits: 20)
    for (sku, live) in [("A", true), ("B", true), ("A", false)] {
      batch.addItem(live: live, gift: false)
      batch.setItemString(.itemSku, sku)
    }
    let evaluator = Evaluator(plan: plan, capacity: 64)
    evaluator.evaluate(batch)
    #expect(evaluator.outcome(rule: 0, row: 0) == .true)
    #expect((0..<3).map { evaluator.isLineMatched(rule: 0, row: 0, itemIndex: $0) } == [true, false, false])
  }

  @Test func brokenFilesAreProblemsNotCrashes() {
    for text in [
      "", "[", "rules", "rules: 3", "rules: [3]", "rules: [{id: [1]}]", "template: x", "a: b", "- 1",
      "template: \"a b\"\nif: \"true\"\nthen: {labels: [a]}",
    ] {
      #expect(!problems(text).isEmpty, "\(text)")
    }
  }

  @Test func actionsAreReadAndFaultyOnesTold() throws {
    let set = try RuleSet.load(files: [
      (
        "r.yaml",
        """
        rules:
          - {id: a, if: true, then: {mark: 냉장, memo: 확인, surcharge: true, stock_alert: true}}
          - {id: b, if: true, then: {mark: {name: 냉동, team: 물류팀}}}
        """
      )
    ])
    #expect(set.rules[0].actions.mark == "냉장" && set.rules[0].actions.memo == "확인")
    #expect(set.rules[0].actions.surcharge && set.rules[0].actions.stockAlert)
    #expect(set.rules[1].actions.mark == "냉동" && set.rules[1].actions.markTeam == "물류팀")
    func message(_ actions: String) -> [String] {
      problems("rules:\n  - {id: a, if: true, then: {\(actions)}}").map(\.message)
    }
    #expect(message("mark: {team: 물류팀}") == ["a mark needs a name"])
    #expect(message("memo: ''") == ["the text is empty"])
    #expect(message("memo: \(String(repeating: "a", count: 501))") == ["the text is longer than 500 bytes"])
    #expect(message("surcharge: maybe").first?.hasPrefix("expected true or false") == true)
    #expect(message("labels: [A], stok_alert: true").first?.hasPrefix("unknown key in then") == true)
  }
}
