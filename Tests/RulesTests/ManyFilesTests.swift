import TestKit
import Testing

@testable import Rules

/// Files of many malls are read by two threads: nothing of it shows.
@Suite struct ManyFilesTests {
  private static let shared = [
    (
      "t.yaml",
      "template: T\nname: t\nif: amount.items >= params.n\nparameters:\n  n: {type: decimal, default: 5}\nthen: {labels: [T]}"
    ),
    (
      "s.yaml",
      "conditions:\n  big: amount.items >= 9\nrules:\n  - {id: base, if: cond.big, then: {labels: [B]}}"
    ),
  ]

  private static func mall(_ number: Int) -> [(path: String, text: String)] {
    var files = [
      (
        "m\(number).yaml",
        "mall: m\(number)\nrules:\n  - {id: own, template: T, params: {n: \(number + 1)}, then: {labels: [L]}}\n"
          + "  - {id: named, if: cond.big && history.orders < \(number % 7), then: {labels: [N]}}\n"
      )
    ]
    if number % 3 == 0 {
      files.insert(
        ("s\(number).yaml", "mall: m\(number)\nshop: 2\nrules:\n  - {id: own, params: {n: 7}}\n"), at: 0)
    }
    if number % 5 == 0 {
      files.append(
        ("n\(number).yaml", "mall: m\(number)\nrules:\n  - {id: more, if: ip.foreign, then: {labels: [M]}}\n")
      )
    }
    return files
  }

  @Test func manyFilesSayWhatTheFilesOfEachMallSay() throws {
    let malls = 300
    var files = Self.shared.map { (path: $0.0, text: $0.1) }
    files += (0..<malls).flatMap { Self.mall($0) }
    var generator = SeededGenerator.announced("many files", seed: 7)
    files.shuffle(using: &generator)
    let book = try RuleBook.load(files: files)
    #expect(book.own.count == malls + malls / 3)
    for mall in 0..<malls {
      let alone = try RuleBook.load(files: Self.shared.map { ($0.0, $0.1) } + Self.mall(mall))
      for shop in 1...2 {
        let (one, other) = (
          book.ruleSet(mall: "m\(mall)", shop: shop), alone.ruleSet(mall: "m\(mall)", shop: shop)
        )
        #expect(one.hash == other.hash && one.rules.map(\.id) == other.rules.map(\.id))
      }
    }
  }

  @Test func problemsComeInTheOrderOfTheFilesMallsBeforeTheirShops() throws {
    var files: [(path: String, text: String)] = []
    for mall in 0..<120 {
      files.append(
        (
          "s\(mall).yaml",
          "mall: m\(mall)\nshop: 1\nrules:\n  - {id: a, if: slip\(mall), then: {labels: [x]}}"
        ))
      files.append(
        ("m\(mall).yaml", "mall: m\(mall)\nrules:\n  - {id: a, if: slip\(mall), then: {labels: [x]}}"))
    }
    let problems = RuleBook.examine(files: files).problems
    let expected = (0..<120).map { "m\($0).yaml" } + (0..<80).map { "s\($0).yaml" }
    #expect(problems.map(\.file) == expected && problems.count == RuleFileReader.diagnosticsMax)
    // Texts that are no YAML are told first.
    files.append(("bad.yaml", "rules: ["))
    #expect(RuleBook.examine(files: files).problems.first?.file == "bad.yaml")
  }

  @Test func deepConditionsAreReadByEitherThread() throws {
    let depth = Expression.depthMax / 2
    let deep = String(repeating: "(", count: depth) + "ip.foreign" + String(repeating: ")", count: depth)
    let nested = (0..<20).reduce("ip.foreign") { text, _ in "!(\(text) || is_gift)" }
    let files = (0..<130).map { mall in
      (
        path: "m\(mall).yaml",
        text:
          "mall: m\(mall)\nrules:\n  - {id: a, if: '\(deep) && \(nested.replacing("is_gift", with: "ip.foreign"))', "
          + "then: {labels: [x]}}"
      )
    }
    #expect(try RuleBook.load(files: files).own.count == 130)
    let tooDeep = String(repeating: "(", count: 5_000) + "ip.foreign" + String(repeating: ")", count: 5_000)
    let broken = files.map { ($0.path, $0.text.replacing(deep, with: tooDeep)) }
    #expect(throws: Diagnostics.self) { _ = try RuleBook.load(files: broken) }
  }
}
