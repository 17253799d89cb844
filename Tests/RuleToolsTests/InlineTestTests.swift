import Files
import RuleTools
import Rules
import TestKit
import Testing

/// Tests that stand in the rule file itself.
struct InlineTestTests {
  private func folder(_ files: [String: String]) -> String { TemporaryFolder.make("inline", files: files) }

  private static let rules = """
    rules:
      - {id: big, if: amount.items >= 50000, then: {labels: [big]}}

    """
  private static let tests = """
    tests:
      - name: at the bound
        order: {items: [{unit_price: 50000}]}
        expect: {labels: [big], rules: {big: true}}

      - name: below
        order: {items: [{unit_price: 49999}]}
        expect: {labels: [big]}

    """

  @Test func testsInAFileAndBesideItRunBothAndAFailureSaysWhere() throws {
    let folder = folder([
      "a.yaml": Self.rules + Self.tests, "a.test.yaml": "tests:\n  - {name: any, expect: {labels: []}}\n",
      "b.yaml": Self.rules,
    ])
    defer { TemporaryFolder.remove(folder) }
    for given in [[folder], [folder + "/a.yaml"]] {
      var run = RuleTestRun(language: .en)
      for path in try RuleTestRun.paths(given) { try run.run(path: path) }
      #expect(run.passed == 2)
      #expect(run.failed == 1)
      #expect(run.text.contains("FAIL  \(folder)/a.yaml:8  below"), "\(run.text)")
    }
    #expect(throws: UserError.self) { try RuleTestRun.paths([folder + "/b.yaml"]) }
  }

  @Test func aTemplateHasTestsAndATestBlockMaySayWhatASeparateFileSays() throws {
    let folder = folder([
      "T.yaml": """
      template: T
      parameters: {least: {type: int, default: 5}}
      if: 'amount.items >= params.least && inList("event")'
      then: {labels: [t]}
      tests:
        reference: {lists: {event: [S-9]}}
        order: {items: [{unit_price: 5, sku: S-9}]}
        rules: [more.yaml]
        tests:
          - {expect: {labels: [more, t]}}
          - {order: {items: [{unit_price: 4, sku: S-9}]}, expect: {labels: [more]}}
      """,
      "more.yaml": "rules:\n  - {id: more, if: amount.items >= 1, then: {labels: [more]}}\n",
    ])
    defer { TemporaryFolder.remove(folder) }
    var run = RuleTestRun(language: .en)
    for path in try RuleTestRun.paths([folder + "/T.yaml"]) { try run.run(path: path) }
    #expect(run.passed == 2, "\(run.text)")
    #expect(run.failed == 0, "\(run.text)")
  }

  @Test func testsChangeNeitherTheRulesNorTheirHashAndASlipIsTold() throws {
    let plain = try RuleSet.load(files: [("a.yaml", Self.rules)])
    let tested = try RuleSet.load(files: [("a.yaml", Self.rules + Self.tests)])
    #expect(plain.hash == tested.hash)
    #expect(Linter.report(files: [("a.yaml", Self.rules + Self.tests)], .init()).findings.isEmpty)
    let folder = folder(["a.yaml": Self.rules + "tests:\n  - {expct: {labels: []}}\n"])
    defer { TemporaryFolder.remove(folder) }
    var run = RuleTestRun()
    var message = ""
    do { try run.run(path: folder + "/a.yaml") } catch { message = "\(error)" }
    #expect(message.contains("a.yaml:4:") && message.contains("did you mean expect?"), "\(message)")
  }

  @Test func theFormatterKeepsTestsAsTheyAre() throws {
    let messy =
      "tests:\n    - expect: {rules: {big: true}, labels: [big]}   # why\n      name: x\n\n    - {expect: {labels: []}, name: y}\n"
    let text = try RuleFormatter.text(of: messy + Self.rules, path: "a.yaml")
    let expected =
      Self.rules
      + "tests:\n  - expect: {rules: {big: true}, labels: [big]}  # why\n    name: x\n\n  - {expect: {labels: []}, name: y}\n"
    #expect(text == expected)
    #expect(try RuleFormatter.text(of: text, path: "a.yaml") == text)
  }
}
