import Orders
import Rules
import TestKit
import Testing
import Topics

@testable import EvaluateStage
@testable import RuleVersions

struct RuleRegistryTests {
  private struct Record {
    var key: String
    var value: [UInt8]?
  }

  private static func fold(_ records: [(offset: Int64, record: Record)]) -> RuleRegistry {
    var registry = RuleRegistry()
    for (offset, record) in records {
      Array(record.key.utf8).withUnsafeBytes { key in
        if let value = record.value {
          value.withUnsafeBytes { registry.fold(key: key, value: $0, offset: offset) }
        } else {
          registry.fold(key: key, value: nil, offset: offset)
        }
      }
    }
    return registry
  }

  private static func activation(
    _ number: Int64, _ hash: String, mall: String = "", token: String = "t", by author: String = "a"
  ) -> Record {
    var value = RuleActivationValue()
    value.mallId = mall
    value.number = number
    value.hash = hash
    value.token = token
    value.author = author
    return Record(key: RuleRegistry.key(of: value), value: value.protobuf)
  }

  private static func version(_ hash: String, _ text: String = "x") -> Record {
    var value = RuleVersionValue()
    value.hash = hash
    value.files = [RuleFileValue(path: "r.yaml", text: text)]
    return Record(key: RuleRegistry.key(of: value), value: value.protobuf)
  }

  private static func numbered(_ records: [Record]) -> [(offset: Int64, record: Record)] {
    records.enumerated().map { (Int64($0.offset), $0.element) }
  }

  @Test func ofTwoActivationsWithOneNumberTheFirstCountsForEver() {
    let records = Self.numbered([
      Self.version("v1"), Self.version("v2"), Self.activation(1, "v1"),
      Self.activation(2, "v2", token: "x", by: "first"), Self.activation(2, "v1", token: "y", by: "second"),
      Self.activation(3, "v1", token: "z"),
    ])
    let registry = Self.fold(records)
    #expect(registry.activations[.shared]?.map(\.value.hash) == ["v1", "v2", "v1"])
    #expect(registry.activations[.shared]?[1].value.author == "first")
    #expect(registry.lostCount == 1 && registry.activationsEnd == 6)
    // As of any former end.
    #expect(registry.inForce(.shared, before: 0) == nil)
    #expect(registry.inForce(.shared, before: 3)?.value.hash == "v1")
    #expect(registry.inForce(.shared, before: 5)?.value.hash == "v2")
    #expect(registry.inForce(.shared, held: [.shared: 2])?.value.hash == "v2")
    #expect(registry.inForce(.shared, held: [.shared: 0]) == nil)
  }

  @Test func anActivationOutOfTurnNeverCounts() {
    let registry = Self.fold(
      Self.numbered([Self.activation(2, "v"), Self.activation(0, "v"), Self.activation(-5, "v")]))
    #expect(registry.activations.isEmpty && registry.lostCount == 3 && registry.activationsEnd == 0)
  }

  @Test func compactionAndRepeatsChangeNothing() {
    var generator = SeededGenerator.announced("compactionAndRepeatsChangeNothing", seed: 61)
    for _ in 0..<200 {
      var records: [Record] = []
      var next: [String: Int64] = [:]
      for step in 0..<30 {
        let mall = ["", "a", "b"].randomElement(using: &generator) ?? ""
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: records.append(Self.version("v\(step % 5)", "text \(step)"))
        case 1:
          if let again = records.randomElement(using: &generator) { records.append(again) }
        case 2:
          records.append(
            Self.activation(
              .random(in: 0...4, using: &generator), "v\(step % 5)", mall: mall, token: "r\(step)"))
        default:
          next[mall, default: 0] += 1
          records.append(Self.activation(next[mall] ?? 1, "v\(step % 5)", mall: mall, token: "s\(step)"))
        }
      }
      let all = Self.numbered(records)
      // Only the last record of each key is left, at its own offset; versions keep their first text.
      var last: [String: Int64] = [:]
      for (offset, record) in all where record.key.hasPrefix("version/") { last[record.key] = offset }
      let compacted = all.filter { offset, record in (last[record.key] ?? offset) == offset }
      let whole = Self.fold(all)
      let short = Self.fold(compacted)
      #expect(whole.activations == short.activations && whole.activationsEnd == short.activationsEnd)
      #expect(Set(whole.versions.keys) == Set(short.versions.keys))
      // Read twice from the beginning, as after a reconnection.
      #expect(Self.fold(all + all).activations == whole.activations)
    }
  }

  @Test func malformedRecordsAreCountedAndPassedOver() {
    var generator = SeededGenerator.announced("malformedRecordsAreCountedAndPassedOver", seed: 62)
    var records = [
      Record(key: "version/v", value: nil), Record(key: "other", value: [1]), Record(key: "", value: []),
    ]
    for _ in 0..<2_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      records.append(
        Record(key: ["version/v", "activation/*/0/1/x"].randomElement(using: &generator) ?? "", value: bytes))
    }
    records.append(Self.activation(1, "v", mall: "after"))
    let registry = Self.fold(Self.numbered(records))
    #expect(registry.malformedCount > 1_000 && registry.versions.isEmpty)
    #expect(registry.inForce(RegistryScope(mallId: "after"))?.value.hash == "v")
  }

  @Test func theNewestRulesThatCanBeUsedAreTaken() throws {
    func version(_ rules: String, author: String = "") throws -> Record {
      var value = RuleVersionValue()
      value.hash = (try? RuleSet.load(files: [("r.yaml", rules)]).hash) ?? "bad"
      value.files = [RuleFileValue(path: "r.yaml", text: rules)]
      value.digest = RuleSet.textDigest([rules])
      return Record(key: RuleRegistry.key(of: value), value: value.protobuf)
    }
    let rules = "rules:\n  - {id: a, if: amount.items >= 1, then: {labels: [A]}}"
    let hash = try RuleSet.load(files: [("r.yaml", rules)]).hash
    var bulk = "rules:\n"
    for number in 0..<9_900 {
      bulk += "  - {id: r\(number), if: true, then: {labels: [B]}}\n"
    }
    let bulkHash = try RuleSet.load(files: [("r.yaml", bulk)]).hash
    var other = "rules:\n"
    for number in 0..<200 {
      other += "  - {id: s\(number), if: true, then: {labels: [B]}}\n"
    }
    let otherHash = try RuleSet.load(files: [("r.yaml", other)]).hash
    let registry = Self.fold(
      Self.numbered([
        try version(rules), try version("rules: nonsense"), try version(bulk), try version(other),
        Self.activation(1, hash), Self.activation(2, "bad"), Self.activation(3, "never published"),
        Self.activation(1, bulkHash, mall: "m"), Self.activation(4, otherHash),
      ]))
    var refused: [String] = []
    let catalogue = RuleCatalogue(base: try RuleSet.load(files: [("r.yaml", rules)]))
    let edition = RuleEdition.newest(registry, catalogue) { scope, activation, _ in
      refused.append("\(scope) \(activation.value.number)")
    }
    // 9,900 rules of the mall and 200 shared ones are too many together: the later one waits, and what lay under it is
    // no better.
    #expect(refused == ["shared 4", "shared 3", "shared 2"])
    #expect(edition.shared == hash && edition.held == [.shared: 1])
    #expect(edition.layers(mallId: "m", shopNo: 2) == [hash, bulkHash])
    #expect(edition.layers(mallId: "n", shopNo: 2) == [hash])
  }

  @Test func aShopsRuleGoesBeforeItsMallsAndThatBeforeTheSharedOne() throws {
    func set(_ rules: String) throws -> RuleSet { try RuleSet.load(files: [("r.yaml", "rules:\n" + rules)]) }
    let shared = try set(
      "  - {id: a, if: amount.items >= 1, then: {labels: [A]}}\n  - {id: b, if: amount.items >= 1, then: {labels: [B]}}"
    )
    let mall = try set("  - {id: b, if: amount.items >= 2, then: {labels: [MALL]}}")
    let shop = try set("  - {id: c, if: amount.items >= 3, then: {labels: [SHOP]}}")
    let all = try RuleSet.layered([shared, mall, shop], hash: "h")
    #expect(all.hash == "h" && all.rules.map(\.id) == ["a", "b", "c"])
    #expect(all.rules.map { $0.actions.labels } == [["A"], ["MALL"], ["SHOP"]])
    #expect(RuleSet.layeredHash(["x"]) == "x")
    #expect(RuleSet.layeredHash(["x", "y"]) != RuleSet.layeredHash(["y", "x"]))
    #expect(RuleSet.textDigest(["ab", "c"]) != RuleSet.textDigest(["a", "bc"]))
  }
}
