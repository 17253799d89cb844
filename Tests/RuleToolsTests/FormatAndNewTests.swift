import Files
import RuleTools
import Rules
import Testing

/// The layout of rule files, and rules made from templates.
struct FormatAndNewTests {
  static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  @Test func aFileGetsItsLayoutAndKeepsItsComments() throws {
    let text = """
      # head

      rules:   # list
      - if:   amount.items>=100000&&  ("제주" in zones   ||"도서산간" in zones)   # why
        id: a
        then: {labels:  [x, 'y'] }
        name: "n # m"


      # second
      - then:
          # inner
          labels:
          - z   # label
        id: b
        description: |
          lines
            # none
        if: >-
          inList("same_day") && payment.status == "paid" && timeOfDay(order.paid_or_placed_at) < "11:00" &&
          !isHoliday(order.placed_at)
      # end

      """
    let expected = """
      # head

      rules:  # list
        - id: a
          name: "n # m"
          if: amount.items >= 100000 && ("제주" in zones || "도서산간" in zones)  # why
          then: {labels: [x, 'y']}

        # second
        - id: b
          description: |
            lines
              # none
          if: >-
            inList("same_day") && payment.status == "paid" && timeOfDay(order.paid_or_placed_at) < "11:00"
            && !isHoliday(order.placed_at)
          then:
            # inner
            labels:
              - z  # label
      # end

      """
    let formatted = try RuleFormatter.text(of: text, path: "r.yaml")
    #expect(formatted == expected)
    #expect(try RuleFormatter.text(of: formatted, path: "r.yaml") == formatted)
  }

  @Test func theShippedRulesHaveTheLayout() throws {
    for file in try RuleFiles.texts([Self.root + "/config/templates", Self.root + "/config/rules"]) {
      #expect(try RuleFormatter.text(of: file.text, path: file.path) == file.text, "\(file.path)")
    }
  }

  @Test func whatIsNoRuleFileIsRefused() {
    #expect(throws: UserError.self) { try RuleFormatter.text(of: "- a\n", path: "r") }
    #expect(throws: UserError.self) { try RuleFormatter.text(of: "rules: [", path: "r") }
  }

  private func draft() throws -> RuleDraft {
    try RuleDraft(files: RuleFiles.texts([Self.root + "/config/templates"]))
  }

  @Test func everyTemplateGivesARuleThatLoadsAndIsInTheLayout() throws {
    let files = try RuleFiles.texts([Self.root + "/config/templates"])
    for template in try RuleSet.load(files: files).rules.map(\.id) {
      let text = try draft().rule(template: template, id: "mine", parameters: [])
      let set = try RuleSet.load(files: files + [("new.yaml", text)])
      let (mine, its) = (set.rules.first { $0.id == "mine" }, set.rules.first { $0.id == template })
      #expect(mine?.condition == its?.condition)
      #expect(mine?.actions == its?.actions)
      #expect(mine?.keepsOnCancel == its?.keepsOnCancel)
      #expect(try RuleFormatter.text(of: text, path: "new.yaml") == text)
    }
  }

  @Test func parametersAndLabelsAreTakenAndSlipsAreTold() throws {
    let text = try draft().rule(
      template: "SAME_DAY", id: nil, parameters: [("cutoff", "12:30")], labels: ["당일"])
    #expect(text.contains("- id: same-day-own\n"))
    #expect(text.contains("cutoff: \"12:30\"  # time, 마감 시각 (미만); default \"11:00\"\n"))
    #expect(text.contains("labels: [당일]\n"))
    func message(_ template: String, _ parameters: [(name: String, value: String)]) -> String {
      do { return try draft().rule(template: template, id: nil, parameters: parameters) } catch {
        return "\(error)"
      }
    }
    #expect(message("SAME_DAI", []).contains("did you mean SAME_DAY?"))
    #expect(message("SAME_DAY", [("cutof", "12:30")]).contains("did you mean cutoff?"))
    #expect(message("SAME_DAY", [("cutoff", "25:00")]).contains("expected a value of type time"))
    #expect(try draft().list.contains("at_least: decimal = 100000"))
  }
}
