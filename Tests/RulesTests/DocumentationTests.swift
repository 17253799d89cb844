import Testing

@testable import Rules

/// `docs/rules.md` is held to the code.
@Suite struct DocumentationTests {
  private func document() throws -> String { try RuleFileTests.text(of: "docs/rules.md") }

  private func row(_ entry: FactCatalog.Entry) -> String {
    let values = entry.values.isEmpty ? "" : " (\(entry.values.joined(separator: ", ")))"
    let missing = entry.missingWhen.isEmpty ? "never" : entry.missingWhen
    return
      "| `\(entry.name)` | \(entry.type) | \(entry.english)\(values) | \(entry.korean) | \(missing) |"
  }

  @Test func everyFactStandsInTheDocumentAsInTheCatalog() throws {
    let lines = Set(try document().split(separator: "\n").map(String.init))
    #expect(FactCatalog.entries.count > 30)
    for entry in FactCatalog.entries { #expect(lines.contains(row(entry)), "\(row(entry))") }
    let named = lines.filter { $0.hasPrefix("| `") && $0.split(separator: "|").count == 5 }
    #expect(named.count == FactCatalog.entries.count, "a row too many, or one twice")
  }

  @Test func everyFunctionStandsInTheDocument() throws {
    let text = try document()
    for function in FactCatalog.functions {
      let signature = function.signature.split(separator: "|").joined(separator: "\\|")
      #expect(text.contains("| `\(signature)` | \(function.korean) |"), "\(function.name)")
    }
  }

  @Test func everyKeyOfARuleFileStandsInTheDocument() throws {
    let text = try document()
    let keys =
      RuleFileReader.bodyKeys + RuleFileReader.events + RuleFileReader.actionKeys + RuleFileReader.fileKeys
      + ["id", "template", "params"] + Template.ParameterType.allCases.map(\.rawValue)
      + Rule.State.allCases.map(\.rawValue)
    for key in keys { #expect(text.contains("`\(key)`") || text.contains(" \(key),"), "\(key)") }
  }

  @Test func everyTemplateStandsInTheDocumentWithItsConditionAndParameters() throws {
    let text = try document()
    let set = try RuleSet.load(files: RuleFileTests.shipped())
    let templates = set.rules.filter { $0.template == $0.id }
    #expect(templates.count == 10)
    for rule in templates {
      let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("| `\(rule.id)` |") })
      #expect(line.hasSuffix(rule.keepsOnCancel ? "| keep |" : "| withdraw |"))
      guard rule.id != "SAME_DAY", rule.id != "STOCK_ALERT" else { continue }
      let condition = (rule.condition?.description ?? "").split(separator: "|").joined(separator: "\\|\\|")
      #expect(line.contains("`\(condition)`"), "\(rule.id): \(condition)")
    }
  }

  @Test func everyExampleInTheDocumentIsAValidRuleFile() throws {
    let blocks = try document().split(separator: "```yaml\n").dropFirst().map {
      String($0.prefix(upTo: $0.firstRange(of: "```")?.lowerBound ?? $0.endIndex))
    }
    let whole = blocks.filter { !$0.contains("…") }
    #expect(whole.count >= 3)
    for text in whole {
      _ = try RuleBook.load(files: RuleFileTests.shipped() + [("document.yaml", text)])
    }
  }
}
