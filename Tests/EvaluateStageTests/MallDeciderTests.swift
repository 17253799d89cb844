import Orders
import Rules
import TestKit
import Testing
import Topics

@testable import EvaluateStage
@testable import RuleVersions

/// One decider for the rules of many malls says what a decider of each mall's own says, to the byte.
struct MallDeciderTests {
  private static let conditions = [
    "amount.items >= N", "history.orders == 0", "history.amount < N && amount.items > N", "'\"제주\" in zones'",
    "bundle.partners >= 1 || amount.items < N", "history.claims(3) >= 1", "inList(\"best\")",
    "inList(\"LIST\")",
    "items.exists(i, i.price >= N)", "currency == \"KRW\" && history.orders < N",
  ]

  /// Rules by chance; some take the place of a wider one with their id.
  private static func rules(_ generator: inout SeededGenerator) -> String {
    var ids = (0..<9).map { "r\($0)" }
    ids.shuffle(using: &generator)
    return ids.prefix(.random(in: 1...6, using: &generator)).map { id in
      var condition = conditions.randomElement(using: &generator) ?? ""
      while let place = condition.firstIndex(of: "N") {
        condition.replaceSubrange(
          place...place, with: String(Int.random(in: 0...4, using: &generator) * 50_000))
      }
      condition.replace("LIST", with: "l\(Int.random(in: 0...3, using: &generator))")
      let label = "L\(Int.random(in: 0...4, using: &generator))"
      var fields = ["id: \(id)", "then: {labels: [\(label)], gift: \(Bool.random(using: &generator))}"]
      if !condition.hasPrefix("'") { condition = "'\(condition)'" }
      func some(_ text: String, _ chance: Int = 4) {
        if Int.random(in: 0..<chance, using: &generator) == 0 { fields.append(text) }
      }
      if Int.random(in: 0..<4, using: &generator) == 0 {
        fields += ["scope: item", "match: 'item.price >= 60000 && item.sku == \"S1\"'"]
      } else {
        fields.append("if: \(condition)")
      }
      some("otherwise: {labels: [NOT-\(label)], mark: \(id)}")
      some("stop: true", 8)
      some("priority: \(Int.random(in: 0...2, using: &generator))")
      some("group: g", 5)
      some("on_cancel: keep")
      some("state: \(["shadow", "draft", "retired"].randomElement(using: &generator) ?? "draft")", 6)
      return "  - {\(fields.joined(separator: ", "))}"
    }.joined(separator: "\n")
  }

  private static func book(malls: Int, _ generator: inout SeededGenerator) throws -> RuleBook {
    var files = [("shared.yaml", "rules:\n" + rules(&generator))]
    for mall in 0..<malls where Int.random(in: 0..<4, using: &generator) > 0 {
      files.append(("m\(mall).yaml", "mall: mall\(mall)\nrules:\n" + rules(&generator)))
      guard Bool.random(using: &generator) else { continue }
      files.append(("s\(mall).yaml", "mall: mall\(mall)\nshop: 2\nrules:\n" + rules(&generator)))
    }
    return try RuleBook.load(files: files)
  }

  private static func records(_ count: Int, malls: Int, _ generator: inout SeededGenerator)
    -> [EnrichedOrderValue]
  {
    (0..<count).map { number in
      var record = Fixture.random(number, &generator)
      record.snapshot?.mallId = "mall\(Int.random(in: 0...malls, using: &generator))"
      record.snapshot?.shopNo = .random(in: 1...3, using: &generator)
      record.facts?.lists = ["l1", "best", "l0"]
      record.facts?.itemLists = [.random(in: 0...7, using: &generator), 0]
      record.lateSnapshot?.mallId = record.snapshot?.mallId ?? ""
      return record
    }
  }

  /// What one decider for each shop says, by the order of the records.
  private static func separately(_ records: [EnrichedOrderValue], _ book: RuleBook) throws -> [[UInt8]] {
    var deciders: [String: Decider] = [:]
    return try records.flatMap { record in
      let set = book.ruleSet(
        mall: record.snapshot?.mallId ?? "", shop: Int(record.snapshot?.shopNo ?? 0))
      let decider = try deciders[set.hash] ?? Decider(plan: Plan([set]), capacity: 64)
      deciders[set.hash] = decider
      return decider.bytes(of: [record])
    }
  }

  @Test func oneDeciderForManyMallsSaysWhatOneForEachSays() throws {
    var generator = SeededGenerator.announced("oneDeciderForManyMallsSaysWhatOneForEachSays", seed: 77)
    for _ in 0..<12 {
      let malls = Int.random(in: 1...12, using: &generator)
      let book = try Self.book(malls: malls, &generator)
      let records = Self.records(150, malls: malls, &generator)
      let decider = Decider(try MallPlan(book), capacity: 128)
      #expect(decider.bytes(of: records) == (try Self.separately(records, book)))
    }
  }

  @Test func rulesChangeBetweenBatchesAndNothingOfTheFormerOnesIsLeft() throws {
    var generator = SeededGenerator.announced(
      "rulesChangeBetweenBatchesAndNothingOfTheFormerOnesIsLeft", seed: 78)
    var plan = try MallPlan(Self.book(malls: 5, &generator))
    let decider = Decider(plan, capacity: 128)
    for _ in 0..<20 {
      let book = try Self.book(malls: 5, &generator)
      plan = try plan.changed(shared: book.shared, own: book.effective)
      let next = DecisionRules(plan, after: decider.rules)
      decider.adopt(next)
      let records = Self.records(80, malls: 5, &generator)
      #expect(decider.bytes(of: records) == (try Self.separately(records, book)))
    }
    // Many malls more: compiled anew.
    let book = try Self.book(malls: 60, &generator)
    decider.adopt(DecisionRules(try plan.changed(shared: book.shared, own: book.effective)))
    let records = Self.records(200, malls: 60, &generator)
    #expect(decider.bytes(of: records) == (try Self.separately(records, book)))
  }

  @Test func theOnlySetOfAPlanIsReplaced() throws {
    let second = "rules:\n  - {id: high, if: amount.items >= 1000, then: {labels: [SECOND]}}"
    let sets = try [Fixture.rules, second].map { try RuleSet.load(files: [("r.yaml", $0)]) }
    let decider = Decider(try MallPlan(shared: sets[0]), capacity: 64)
    let records = (0..<10).map { Fixture.record("\($0)", amount: Int64($0 * 300)) }
    for set in [sets[1], sets[0], sets[1]] {
      decider.adopt(DecisionRules(try decider.malls.changed(shared: set, own: [:]), after: decider.rules))
      #expect(decider.bytes(of: records) == Decider(plan: try Plan([set])).bytes(of: records))
    }
  }

  @Test func mallsThatDifferInConstantsShareOneLabelPlan() throws {
    let malls = (0..<50).map { mall in
      (
        "\(mall).yaml",
        "mall: m\(mall)\nrules:\n  - {id: own, if: amount.items >= \(mall * 100), then: {labels: [OWN]}}"
      )
    }
    let book = try RuleBook.load(files: [("r.yaml", Fixture.rules)] + malls)
    let table = LabelTable(try MallPlan(book).plan)
    // The shared rules, and one more for all malls together.
    #expect(table.plans.count == 2 && table.labels(of: 3) === table.labels(of: 40))
    #expect(table.labels(of: 3) !== table.labels(of: 0))
  }

  @Test func filesOfMallsDecideUntilASharedVersionIsInForce() throws {
    let book = try RuleBook.load(files: [
      ("r.yaml", Fixture.rules),
      ("m.yaml", "mall: a\nrules:\n  - {id: own, if: amount.items >= 1, then: {labels: [FILE]}}"),
    ])
    let preparer = RulePreparer(base: book)
    let files = try preparer.newest(RuleRegistry()).prepared.get()
    #expect(files.rules.malls.ruleSet(mall: "a", shop: 1).rules.contains { $0.id == "own" })
    #expect(!files.rules.malls.ruleSet(mall: "b", shop: 1).rules.contains { $0.id == "own" })
    var registry = RuleRegistry()
    func publish(_ text: String, _ scope: RegistryScope, _ offset: Int64) throws {
      var version = RuleVersionValue()
      version.files = [RuleFileValue(path: "v.yaml", text: text)]
      version.hash = try RuleSet.load(files: [("v.yaml", text)]).hash
      version.digest = RuleSet.textDigest([text])
      var activation = RuleActivationValue()
      activation.mallId = scope.mallId
      activation.number = 1
      activation.hash = version.hash
      let records = [
        (RuleRegistry.key(of: version), version.protobuf),
        (RuleRegistry.key(of: activation), activation.protobuf),
      ]
      for (place, (key, value)) in records.enumerated() {
        Array(key.utf8).withUnsafeBytes { key in
          value.withUnsafeBytes { registry.fold(key: key, value: $0, offset: offset + Int64(place)) }
        }
      }
    }
    // A mall's version lies over the files of its mall.
    try publish(
      "rules:\n  - {id: two, if: amount.items >= 2, then: {labels: [TWO]}}", RegistryScope(mallId: "a"), 0)
    preparer.begin(registry)
    var outcome: RulePreparer.Outcome?
    while outcome == nil { outcome = preparer.take() }
    let over = try #require(try outcome?.prepared.get()).rules.malls.ruleSet(mall: "a", shop: 1)
    #expect(over.rules.contains { $0.id == "own" } && over.rules.contains { $0.id == "two" })
    // A shared version takes the place of all files.
    try publish("rules:\n  - {id: all, if: amount.items >= 3, then: {labels: [ALL]}}", .shared, 2)
    let shared = try preparer.newest(registry).prepared.get().rules.malls.ruleSet(mall: "a", shop: 1)
    #expect(shared.rules.map(\.id) == ["all", "two"])
    preparer.close()
  }
}
