import EvaluateStage
import Files
import Orders
import RuleVersions
import Rules
import TestKit
import Testing
import Topics

@testable import Pipeline

/// What other rules would do: beside a run with them, and beside shadow rules.
@Suite(.serialized)
struct BacktestTests {
  private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
  private static let fixtures = root + "/Tests/ScenarioTests/Fixtures"
  private static let other = """
    rules:
      - {id: HIGH_VALUE, if: amount.items >= 50000, then: {labels: [고액50]}}
      - {id: island, if: '"제주" in zones', on_cancel: keep, then: {labels: [제주배송]}}
      - {id: returns, if: history.claims(3) >= 1, then: {labels: [CS주의], hold: 확인}}
      - {id: shade, state: shadow, if: amount.items >= 1, then: {labels: [그림자], gift: true, alert: {text: x}}}
    """

  /// Orders of many scenarios, each in a mall of its own.
  private static func orders() -> String {
    let names = Files.names(in: fixtures).filter { Files.exists("\(fixtures)/\($0)/orders.ndjson") }
    return names.enumerated().map { number, name in
      String(decoding: Files.read("\(fixtures)/\(name)/orders.ndjson") ?? [], as: UTF8.self)
        .replacing("\"mall_id\":\"demomall\"", with: "\"mall_id\":\"mall\(number)\"")
    }.joined(separator: "\n")
  }

  @Test func aBacktestEndsAsARunWithTheNewRulesAndShadowRulesDoNothing() throws {
    let folder = TemporaryFolder.make(
      "backtest", files: ["orders.ndjson": Self.orders(), "other.yaml": Self.other])
    defer { TemporaryFolder.remove(folder) }
    var settings = TrialRunSettings(orders: folder + "/orders.ndjson", out: folder + "/out")
    settings.rules = [folder + "/other.yaml"]
    settings.reference = Self.fixtures + "/reference"
    settings.showsProgress = false
    let summary = try TrialRun(settings).run()
    #expect(summary.read > 100)
    var expected: Set<String> = []
    let csv = String(decoding: Files.read(folder + "/out/labels.csv") ?? [], as: UTF8.self)
    for line in csv.split(separator: "\n").dropFirst() {
      let cells = line.split(separator: ",")
      expected.insert("\(cells[0]) \(cells[1]) \(cells[2]) \(cells[4])")
    }
    // The shadow rule is true of nearly every order, and nobody acted upon it.
    #expect(!csv.contains("그림자"))
    let actions = String(decoding: Files.read(folder + "/out/actions.ndjson") ?? [], as: UTF8.self)
    #expect(!actions.contains("shade") && actions.contains("고액50"))

    let live = try RuleFiles.load([Self.root + "/config/templates", Self.root + "/config/rules"])
    let candidate = try RuleFiles.load([folder + "/other.yaml"])
    let backtest = Backtest(live: RuleLayers(shared: live), candidate: RuleLayers(shared: candidate))
    let (reference, _) = try ReferenceFiles.load(directory: Self.fixtures + "/reference")
    try BacktestSources.read(
      file: folder + "/orders.ndjson", reference: reference, rules: [live, candidate], into: backtest)
    var found: Set<String> = []
    for (order, wishes) in backtest.candidateWishes {
      for wish in wishes where !wish.contains(" of ") {
        found.insert("\(order.mallId) \(order.shopNo) \(order.orderId) \(wish)")
      }
    }
    #expect(found == expected && !expected.isEmpty)
    let report = BacktestReport(backtest)
    #expect(report.changedCount > 0 && report.text.contains("고액50") && report.text.contains("HIGH_VALUE"))
    // Against themselves nothing changes.
    let same = Backtest(live: RuleLayers(shared: candidate), candidate: RuleLayers(shared: candidate))
    try BacktestSources.read(
      file: folder + "/orders.ndjson", reference: reference, rules: [candidate], into: same)
    #expect(BacktestReport(same).changedCount == 0)
  }

  private static func record(
    _ order: String, amount: Int64, offset: Int64, mall: String = "demomall"
  ) -> [UInt8] {
    var record = EnrichedOrderValue()
    var snapshot = OrderSnapshotValue()
    snapshot.mallId = mall
    snapshot.shopNo = 1
    snapshot.orderId = order
    snapshot.currency = "KRW"
    snapshot.placedAt = Instant(microseconds: 1_791_592_200_000_000)
    var item = ItemValue()
    item.itemCode = order + "-1"
    item.quantity = 1
    item.status = "N10"
    snapshot.items = [item]
    record.snapshot = snapshot
    var facts = FactsValue()
    facts.amountItems = amount
    record.facts = facts
    record.position = Position(epoch: 0, partition: 0, offset: offset, n: 0)
    return record.protobuf
  }

  @Test func theShadowReportSaysWhatWouldHaveBeenAddedAndWithdrawn() throws {
    let set = try RuleSet.load(
      files: [
        (
          "r.yaml",
          """
          rules:
            - {id: high, if: amount.items >= 100000, then: {labels: [HIGH]}}
            - {id: mid, state: shadow, if: amount.items >= 50000, then: {labels: [MID]}}
          """
        )
      ])
    let report = ShadowReport(RuleRegistry(), base: RuleBook(shared: set))
    let decider = LayeredDecider(RuleLayers(shared: set))
    let steps: [(String, Int64)] = [("A", 120_000), ("B", 60_000), ("C", 10), ("B", 70_000), ("B", 20)]
    for (offset, step) in steps.enumerated() {
      let bytes = Self.record(step.0, amount: step.1, offset: Int64(offset))
      let decisions = try bytes.withUnsafeBytes {
        try decider.decide([(RegistryScope(mallId: "demomall", shopNo: 1), $0)])
      }
      try #require(decisions.first ?? nil).protobuf.withUnsafeBytes { report.add($0) }
    }
    [UInt8](arrayLiteral: 0xFF, 0xFF).withUnsafeBytes { report.add($0) }
    #expect(report.decisionCount == 5 && report.unreadableCount == 1)
    let row = try #require(report.text.split(separator: "\n").first { $0.hasPrefix("mid") })
    // True three times on two orders, withdrawn once; one of them had the active rule too.
    #expect(
      row.split(separator: " ").map(String.init) == [
        "mid", "5", "3", "0", "2", "1", "0", "high", "1", "A", "B",
      ])
    let day = try #require(report.text.split(separator: "\n").first { $0.hasPrefix("2026-10-10") })
    #expect(day.hasSuffix("60.0 %"))
  }

  /// A version as it stands on the topic; returns its hash.
  private static func publish(_ rules: String, in registry: inout RuleRegistry) throws -> String {
    let text = "rules:\n" + rules
    var version = RuleVersionValue()
    version.hash = try RuleSet.load(files: [("r.yaml", text)]).hash
    version.files = [RuleFileValue(path: "r.yaml", text: text)]
    version.digest = RuleSet.textDigest([text])
    fold(RuleRegistry.key(of: version), version.protobuf, &registry)
    return version.hash
  }

  private static func activate(_ hash: String, _ scope: RegistryScope, in registry: inout RuleRegistry) {
    var value = RuleActivationValue()
    (value.mallId, value.shopNo, value.number, value.hash) = (scope.mallId, scope.shopNo, 1, hash)
    fold(RuleRegistry.key(of: value), value.protobuf, &registry)
  }

  private static func fold(_ key: String, _ value: [UInt8], _ registry: inout RuleRegistry) {
    let offset = registry.end
    Array(key.utf8).withUnsafeBytes { key in
      value.withUnsafeBytes { registry.fold(key: key, value: $0, offset: offset) }
    }
  }

  private static func run(_ live: RuleLayers, _ other: RuleLayers, _ scope: RegistryScope) throws -> Backtest
  {
    let backtest = Backtest(live: live, candidate: other, mall: scope)
    let orders: [(String, Int64, String)] = [
      ("A", 60_000, "demomall"), ("B", 60_000, "m1"), ("C", 20_000, "m1"), ("D", 5_000, "m1"),
    ]
    for (offset, order) in orders.enumerated() {
      try record(order.0, amount: order.1, offset: Int64(offset), mall: order.2).withUnsafeBytes {
        try backtest.add($0)
      }
    }
    try backtest.flush()
    return backtest
  }

  @Test func publishedVersionsAreComparedWithWhatIsInForceMallsOverTheSharedRules() throws {
    var registry = RuleRegistry()
    let shared = try Self.publish(
      "  - {id: HIGH, if: amount.items >= 100000, then: {labels: [H]}}\n"
        + "  - {id: all, if: amount.items >= 1, then: {labels: [ALL]}}\n", in: &registry)
    let own = try Self.publish(
      "  - {id: HIGH, if: amount.items >= 50000, then: {labels: [H50]}}\n", in: &registry)
    let next = try Self.publish(
      "  - {id: HIGH, if: amount.items >= 10000, then: {labels: [H10]}}\n", in: &registry)
    let mall = RegistryScope(mallId: "m1")
    Self.activate(shared, .shared, in: &registry)
    Self.activate(own, mall, in: &registry)
    let choice = RuleChoice(
      registry, base: RuleBook(shared: try RuleFiles.load([Self.root + "/config/rules"])))
    let active = try choice.layers(["active"], in: mall)

    let backtest = try Self.run(active, choice.layers([String(next.prefix(8))], in: mall), mall)
    #expect(backtest.excluded == ["of another mall or shop": 1])
    #expect(
      Set(backtest.candidateWishes.map { "\($0.key.orderId) \($0.value.sorted())" }) == [
        "B [\"ALL\", \"H10\"]", "C [\"ALL\", \"H10\"]", "D [\"ALL\"]",
      ])
    func cells(_ text: String, _ start: String) -> [String] {
      text.split(separator: "\n").filter { $0.hasPrefix(start) }.map {
        $0.split(separator: " ").joined(separator: " ")
      }
    }
    let text = BacktestReport(backtest).text
    // Each word of the report: changed, added, withdrawn, unchanged, samples.
    #expect(text.hasPrefix("3 orders of 3 records: decisions of 2 changed, 1 unchanged\n"), "\(text)")
    #expect(cells(text, "H10") == ["H10 2 0 0 +B +C"])
    #expect(cells(text, "H50") == ["H50 0 1 0 -B"])
    #expect(cells(text, "ALL") == ["ALL 0 0 3"])
    // Hits of each rule, and the live rules that hit the same orders.
    #expect(cells(text, "HIGH") == ["HIGH 2 66.6 % 0 all 100.0 %, HIGH 50.0 %"])
    // By day: orders with any wish, then the rule that hits others than before.
    #expect(cells(text, "2026-10-10") == ["2026-10-10 3 100.0 % 100.0 %", "2026-10-10 33.3 %, 66.6 %"])
    #expect(cells(text, "day") == ["day orders hit now hit then", "day HIGH now, then"])

    // One version against another, and what the files of a mall say against both.
    let reversed = try Self.run(choice.layers([next], in: mall), active, mall)
    #expect(cells(BacktestReport(reversed).text, "H10") == ["H10 0 2 0 -B -C"])
    #expect(BacktestReport(try Self.run(active, choice.layers([own], in: mall), mall)).changedCount == 0)
    let folder = TemporaryFolder.make(
      "backtest",
      files: [
        "all.yaml": "rules:\n  - {id: HIGH, if: amount.items >= 100000, then: {labels: [H]}}\n",
        "m1.yaml": "mall: m1\nrules:\n  - {id: low, if: amount.items < 10000, then: {labels: [LOW]}}\n",
      ])
    defer { TemporaryFolder.remove(folder) }
    let files = try choice.layers([folder], in: .shared)
    let wishes = try Self.run(active, files, .shared).candidateWishes
    #expect(
      Set(wishes.map { "\($0.key.orderId) \($0.value.sorted())" }) == [
        "A []", "B []", "C []", "D [\"LOW\"]",
      ])
    #expect(throws: UserError.self) { try choice.layers([folder], in: mall) }
    #expect(throws: UserError.self) { try choice.layers(["0000"], in: mall) }
  }

  @Test func aDiffNamesWhatChangedFieldByField() throws {
    func set(_ rules: String) throws -> RuleSet { try RuleSet.load(files: [("r.yaml", "rules:\n" + rules)]) }
    let old = try set(
      """
        - {id: a, if: amount.items >= 1, then: {labels: [A]}}
        - {id: gone, if: amount.items >= 1, then: {labels: [G]}}
        - {id: same, if: amount.items >= 1, then: {labels: [S]}}
      """)
    let new = try set(
      """
        - {id: a, if: amount.items >= 2, then: {labels: [A, B], hold: 확인}}
        - {id: new, state: shadow, if: amount.items >= 1, then: {labels: [N]}}
        - {id: same, if: "amount.items>=1", then: {labels: [S]}}
      """)
    #expect(
      RuleDiff.text(old, new) == """
        changed a: a
          - if: amount.items >= 1
          + if: amount.items >= 2
          - then.labels: A
          + then.labels: A, B
          + then.hold: 확인
        removed gone: gone
        added new: new
          + name: new
          + if: amount.items >= 1
          + state: shadow
          + then.labels: N

        """)
    #expect(RuleDiff.text(new, new).isEmpty)
  }

  @Test func theHistoryShowsSinceAndUntil() {
    var registry = RuleRegistry()
    func fold(_ key: String, _ value: [UInt8], _ offset: Int64) {
      Array(key.utf8).withUnsafeBytes { key in
        value.withUnsafeBytes { registry.fold(key: key, value: $0, offset: offset) }
      }
    }
    var version = RuleVersionValue()
    version.hash = "idle00000000000"
    fold(RuleRegistry.key(of: version), version.protobuf, 0)
    for number in 1...2 as ClosedRange<Int64> {
      var value = RuleActivationValue()
      value.number = number
      value.hash = "hash\(number)"
      value.author = "kim"
      value.note = "추석"
      value.at = Instant(microseconds: 1_791_592_200_000_000 + number * 60_000_000)
      fold(RuleRegistry.key(of: value), value.protobuf, number)
    }
    let lines = RuleHistory.text(registry).split(separator: "\n").map(String.init)
    #expect(lines.count == 4)
    #expect(lines[1].contains("shared") && lines[1].contains("hash2") && lines[1].contains("now"))
    #expect(lines[2].contains("hash1") && lines[2].contains("2026-10-10T09:32:00+09:00  추석"))
    #expect(lines[3].contains("idle00000000") && lines[3].contains("never"))
    #expect(RuleHistory.text(RuleRegistry()).contains("configuration"))
  }

  @Test func aDateIsItsMidnightInSeoul() {
    #expect(BacktestTime.milliseconds("2026-10-10") == BacktestTime.milliseconds("2026-10-09T15:00:00Z"))
    #expect(BacktestTime.milliseconds("10. Oct") == nil)
  }
}
