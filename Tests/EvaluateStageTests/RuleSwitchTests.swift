import Kafka
import Rules
import Stage
import Synchronization
import Testing
import Topics

@testable import EvaluateStage
@testable import RuleVersions

/// Rules switched while orders come, on an embedded broker.
@Suite(.serialized)
struct RuleSwitchTests {
  private static let second = "rules:\n  - {id: high, if: amount.items >= 1000, then: {labels: [SECOND]}}"
  private static let third = "rules:\n  - {id: high, if: amount.items >= 2000, then: {labels: [THIRD]}}"

  /// 50 orders, a switch, 50 orders; the bench and the hashes before and after.
  private static func switched(partitions: Int = 1, batchMax: Int = 64) throws -> (EvaluateBench, [String]) {
    let bench = try EvaluateBench(partitions: partitions)
    let base = try RuleSet.load(files: [("base.yaml", Fixture.rules)]).hash
    var hashes = [base]
    try bench.sendOrders(0..<50)
    var isSent = false
    try bench.run(batchMax: batchMax) { lane in
      if hashes.count == 1, lane.orders >= 50 { hashes.append(try bench.putInForce(Self.second)) }
      if !isSent, bench.switches.count == partitions {
        isSent = true
        try bench.sendOrders(50..<100)
      }
      if lane.orders >= 100 { lane.context.stop() }
    }
    return (bench, hashes)
  }

  /// Equal inputs gave equal bytes, every order was decided; by number.
  private func byNumber(_ bench: EvaluateBench, _ count: Int) throws -> [(ruleSet: String, bytes: [UInt8])] {
    var found: [Int: (String, [UInt8])] = [:]
    for decision in try bench.decisions() {
      if let known = found[decision.number] { #expect(known.1 == decision.bytes, "order \(decision.number)") }
      found[decision.number] = (decision.ruleSet, decision.bytes)
    }
    #expect(found.keys.sorted() == Array(0..<count))
    return found.keys.sorted().compactMap { found[$0] }
  }

  @Test(arguments: [1, 3]) func eachPartitionSwitchesWhereItsRecordLiesAndAReplayGivesTheSame(
    _ partitions: Int
  ) throws {
    let (bench, hashes) = try Self.switched(partitions: partitions)
    #expect(bench.switches.count == partitions)
    let first = try byNumber(bench, 100)
    #expect(
      first.map(\.ruleSet) == Array(repeating: hashes[0], count: 50) + Array(repeating: hashes[1], count: 50))
    // The index says where.
    let index = try bench.read("rules.switches").compactMap { RuleSwitchValue(protobuf: $0) }
    #expect(
      index.map { "\($0.partition) \($0.offset)" }.sorted()
        == bench.switches.map { "\($0.partition) \($0.offset)" }.sorted())
    // Another group reads all again from the beginning, although the second version is the newest now.
    try bench.run(group: "again") { if $0.orders >= 100 { $0.context.stop() } }
    #expect(try bench.decisions().count == 200)
    _ = try byNumber(bench, 100)
  }

  @Test func aCrashBetweenTheSwitchAndTheFirstOutputChangesNothing() throws {
    let bench = try EvaluateBench()
    let base = try RuleSet.load(files: [("base.yaml", Fixture.rules)]).hash
    try bench.sendOrders(0..<20)
    var hash = ""
    // Nothing is committed, and it dies on the very step that took the switch record.
    try bench.run(batchMax: 1, commitMs: 1_000_000) { lane in
      if hash.isEmpty, lane.orders == 20 { hash = try bench.putInForce(Self.second) }
      if !bench.switches.isEmpty { throw EvaluateBench.Stopped() }
    }
    try bench.sendOrders(20..<40)
    // Again, one order after it.
    try bench.run(batchMax: 1, commitMs: 1_000_000) { if $0.orders == 21 { throw EvaluateBench.Stopped() } }
    try bench.run(batchMax: 1) { if $0.orders == 40 { $0.context.stop() } }
    let decisions = try byNumber(bench, 40)
    #expect(
      decisions.map(\.ruleSet) == Array(repeating: base, count: 20) + Array(repeating: hash, count: 20))
    #expect(try bench.decisions().count > 60)
    // One switch, however often it was read.
    #expect(Set(bench.switches.map(\.offset)) == [20])
  }

  @Test func aPartitionClaimedAfterItsSwitchGoesOnUnderTheNewRules() throws {
    let (bench, hashes) = try Self.switched()
    try bench.sendOrders(100..<130)
    try bench.run { if $0.orders == 30 { $0.context.stop() } }
    let decisions = try byNumber(bench, 130)
    #expect(decisions[100...].allSatisfy { $0.ruleSet == hashes[1] })
    #expect(try bench.decisions().count == 130)
    // Nothing more was written among the orders.
    #expect(try bench.read("orders.enriched").count == 131)
  }

  @Test func aFirstStartBeginsWithTheNewestRulesAndAReplayToo() throws {
    let bench = try EvaluateBench(partitions: 2)
    let hash = try bench.putInForce(Self.second)
    try bench.sendOrders(0..<10)
    try bench.run { if $0.orders == 10 { $0.context.stop() } }
    #expect(try byNumber(bench, 10).allSatisfy { $0.ruleSet == hash })
    let newest = try bench.putInForce(Self.third)
    try bench.run(group: "again") { lane in
      if lane.orders == 10, bench.switches.count == 2 { lane.context.stop() }
    }
    _ = try byNumber(bench, 10)
    #expect(newest != hash && bench.switches.count == 2)
  }

  @Test func aSetThatCannotBeUsedIsRefusedAndTheOldOneStays() throws {
    let (bench, hashes) = try Self.switched()
    var bad = RuleVersionValue()
    bad.hash = "bad"
    bad.files = [
      RuleFileValue(path: "bad.yaml", text: "rules:\n  - {id: x, if: amount.item > 1, then: {labels: [X]}}")
    ]
    bad.digest = RuleSet.textDigest(bad.files.map(\.text))
    var activation = RuleActivationValue()
    activation.number = 2
    activation.hash = "bad"
    try bench.send(
      "rules",
      [
        (Array(RuleRegistry.key(of: bad).utf8), bad.protobuf, 0),
        (Array(RuleRegistry.key(of: activation).utf8), activation.protobuf, 0),
        (Array("noise".utf8), [1, 2], 0),
      ])
    try bench.sendOrders(100..<110)
    var isSent = false
    try bench.run { lane in
      if !isSent, bench.switches.count == 2 {
        isSent = true
        try bench.sendOrders(110..<120)
      }
      if lane.orders == 20 { lane.context.stop() }
    }
    #expect(bench.refusals == ["shared bad"])
    #expect(try byNumber(bench, 120)[50...].allSatisfy { $0.ruleSet == hashes[1] })
    // A mall of its own switches all the same, and the next good version too.
    let publisher = try bench.publisher()
    defer { publisher.close() }
    #expect(throws: RulePublisher.Problem.self) {
      try publisher.activate("bad", in: .shared, author: "a", note: "")
    }
    let good = try bench.putInForce(Self.third)
    var isMore = false
    try bench.run { lane in
      if !isMore, bench.switches.count == 3 {
        isMore = true
        try bench.sendOrders(120..<130)
      }
      if lane.orders == 10 { lane.context.stop() }
    }
    #expect(try byNumber(bench, 130)[120...].allSatisfy { $0.ruleSet == good })
  }

  @Test func aMallsOwnRulesDecideItsOrdersAmongThoseOfOthers() throws {
    let bench = try EvaluateBench()
    let own = "rules:\n  - {id: high, if: amount.items >= 1000, then: {labels: [OWN]}}"
    let hash = try bench.putInForce(own, RegistryScope(mallId: "mall0"))
    let shop = try bench.putInForce(Self.third, RegistryScope(mallId: "mall1", shopNo: 7))
    try bench.sendOrders(0..<90) { "mall\($0 % 3)" }
    try bench.run { if $0.orders == 90 { $0.context.stop() } }
    let base = try RuleSet.load(files: [("base.yaml", Fixture.rules)])
    let together = RuleSet.layeredHash([base.hash, hash])
    let decisions = try byNumber(bench, 90)
    for (number, decision) in decisions.enumerated() {
      // Shop 7 of mall1 has rules, but these are orders of shop 1.
      #expect(decision.ruleSet == (number % 3 == 0 ? together : base.hash))
      let labels = try #require(DecisionValue(protobuf: decision.bytes)).labels.map(\.label)
      #expect(labels.contains("OWN") == (number % 3 == 0))
      // The shared rule of the same id is gone, the others stay.
      #expect(labels.contains("NEW"))
    }
    #expect(!shop.isEmpty)
  }

  @Test func withoutTheTopicOrWithAnEmptyOneTheFilesServe() throws {
    for withRules in [true, false] {
      let bench = try EvaluateBench(withRules: withRules)
      try bench.sendOrders(0..<10)
      try bench.run { if $0.orders == 10 { $0.context.stop() } }
      let base = try RuleSet.load(files: [("base.yaml", Fixture.rules)]).hash
      #expect(try byNumber(bench, 10).allSatisfy { $0.ruleSet == base })
      #expect(bench.reports.first == (withRules ? .read(versions: 0, activations: 0) : .noTopic("rules")))
      #expect(bench.switches.isEmpty)
    }
  }

  @Test func ofTwoWhoActivateAtOnceOneIsTold() throws {
    let bench = try EvaluateBench()
    let one = try bench.publisher()
    let two = try bench.publisher()
    defer {
      one.close()
      two.close()
    }
    let (second, wasThere) = try one.publish([("a.yaml", Self.second)], author: "one", note: "n")
    #expect(!wasThere)
    let (third, _) = try two.publish([("b.yaml", Self.third)], author: "two", note: "")
    #expect(try two.publish([("c.yaml", "# other layout\n" + Self.second)], author: "two", note: "").wasThere)
    try one.activate(second.hash, in: .shared, author: "one", note: "")
    // Two has not looked since.
    #expect {
      try two.activateNow(third.hash, in: .shared, author: "two", note: "", replacing: nil, restores: 0)
    } throws: { "\($0)".contains("somebody was faster") && "\($0)".contains("one activated") }
    #expect(two.registry.inForce(.shared)?.value.hash == second.hash)
    // What is expected to be replaced is looked at.
    #expect(throws: RulePublisher.Problem.self) {
      try two.activate(third.hash, in: .shared, author: "two", note: "", replacing: third.hash)
    }
    try two.activate(
      third.hash, in: .shared, author: "two", note: "", replacing: String(second.hash.prefix(8)))
    #expect(try one.rollback(.shared, author: "one", note: "").hash == second.hash)
    #expect(try one.rollback(.shared, author: "one", note: "").hash == "")
    #expect(throws: RulePublisher.Problem.self) { try one.rollback(.shared, author: "one", note: "") }
    #expect(throws: (any Error).self) { try one.publish([("bad.yaml", "rules: x")], author: "", note: "") }
    #expect(try one.hash(beginning: String(second.hash.prefix(6))) == second.hash)
    #expect(throws: RulePublisher.Problem.self) { try one.hash(beginning: "zz") }
  }
}
