import EvaluateStage
import History
import LaneTestKit
import Orders
import RuleVersions
import Rules
import TestKit
import Testing
import Topics

@testable import EnrichStage

/// What published rules ask for, computed from a recorded position on, in lanes on an embedded broker.
@Suite(.serialized)
struct DemandRecordTests {
  private static func rules(_ lists: String...) -> String {
    "rules:\n"
      + lists.map { "  - {id: r-\($0), if: 'inList(\"\($0)\")', then: {labels: [X]}}\n" }.joined()
  }

  private static let reference: ReferenceData = {
    var builder = ReferenceBuilder()
    let rows = ["base", "one", "two", "three"].map { "\($0),S1,,,\n" }.joined()
    Array(("list,sku,valid_from,valid_to,note\n" + rows).utf8).withUnsafeBytes {
      builder.add(.lists, $0, file: "lists.csv")
    }
    return builder.build()
  }()

  private static func order(_ customer: Int, _ number: Int = 0, mall: String = "demomall") -> [UInt8] {
    var order = EnrichProcessorTests.snapshot(
      customer: customer, order: number, version: 1, atMinute: Int64(customer))
    order.mallId = mall
    return order.protobuf
  }

  /// Two orders of each of some customers, so that siblings are emitted too.
  private static func orders(_ customers: Range<Int>, _ number: Int = 0) -> [[UInt8]] {
    customers.map { order($0, number) }
  }

  /// Lists of each record, by the offset of the input that caused it.
  private func lists(_ bench: DemandBench) throws -> [(offset: Int64, lists: [String])] {
    try bench.emitted().map { ($0.position.offset, $0.facts?.lists ?? []) }
  }

  /// 30 orders, a demand record, 30 more of the same customers.
  private static func mixed() throws -> DemandBench {
    let bench = try DemandBench()
    let end = try bench.putInForce(rules("one"))
    try bench.send(orders(0..<30))
    try bench.demand(end)
    try bench.send(orders(0..<30, 1))
    return bench
  }

  @Test func theFactsAreThoseOfTheRecordFromWhereItLies() throws {
    let bench = try Self.mixed()
    let counts = try bench.run(reference: Self.reference)
    #expect(counts.folded == 60 && counts.deadLetters == 0)
    let found = try lists(bench)
    // A sibling is emitted with the second order of each customer.
    #expect(found.count == 90)
    for (offset, lists) in found {
      #expect(lists == (offset < 30 ? ["base"] : ["base", "one"]), "at \(offset)")
    }
    let told = try #require(try bench.announced().last)
    #expect(told.rulesEnd == 2 && told.partition == 0 && told.offset == 30 && told.partitionCount == 1)
  }

  @Test(arguments: [30, 31, 45]) func aCrashAfterTheRecordAndBeforeTheStateCommitGivesEqualBytes(
    _ stopAt: Int64
  ) throws {
    let whole = try Self.mixed()
    try whole.run(reference: Self.reference)
    let expected = try whole.emitted()
    let broken = try Self.mixed()
    try broken.run(reference: Self.reference, dyingAt: stopAt)
    let first = try broken.read("orders.enriched").count
    try broken.run(reference: Self.reference)
    // It really repeated some.
    let all = try broken.read("orders.enriched").count
    #expect(first > 0 && all > expected.count)
    #expect(try broken.emitted() == expected)
  }

  @Test func aStaleOrRepeatedRecordIsPassedOver() throws {
    let bench = try DemandBench()
    let first = try bench.putInForce(Self.rules("one"))
    let second = try bench.putInForce(Self.rules("two"))
    try bench.demand(second)
    try bench.send(Self.orders(0..<2))
    for end in [first, second] {
      try bench.demand(end)
      try bench.send(Self.orders(0..<2, Int(end)))
    }
    try bench.run(reference: Self.reference)
    #expect(Set(try lists(bench).map(\.lists)) == [["base", "one", "two"]])
    #expect(bench.reports.count { if case .switched = $0 { true } else { false } } == 1)
  }

  @Test func whoGoesOnDoesSoUnderTheRecordOfItsStateNotUnderTheNewestRules() throws {
    let bench = try DemandBench()
    let first = try bench.putInForce(Self.rules("one"))
    try bench.demand(first)
    try bench.send(Self.orders(0..<5))
    try bench.run(reference: Self.reference)
    try bench.putInForce(Self.rules("two"))
    try bench.send(Self.orders(5..<10))
    // It writes the newest one's record itself, behind the orders that are there.
    try bench.run(reference: Self.reference) { _ in
      bench.reports.contains { if case .switched(_, _, let end, _) = $0 { end > first } else { false } }
    }
    #expect(try lists(bench).map(\.lists) == Array(repeating: ["base", "one"], count: 10))
    let offset = try #require(try bench.announced().last?.offset)
    // The first lane may have written its record once more before it read the one that was there.
    #expect(offset >= 11)
    try bench.send(Self.orders(10..<12))
    try bench.run(reference: Self.reference) { _ in try bench.emitted().count == 12 }
    #expect(try lists(bench)[10...].allSatisfy { $0.lists == ["base", "one", "two"] })
  }

  @Test func aReplayOfTheLogGivesEqualBytesWithoutStateAndWithAllRulesThere() throws {
    let bench = try DemandBench()
    try bench.send(Self.orders(0..<5))
    try bench.run(reference: Self.reference)
    for (round, list) in ["one", "two", "three"].enumerated() {
      let end = try bench.putInForce(Self.rules(list))
      try bench.run(reference: Self.reference) { _ in
        bench.reports.contains { if case .switched(_, _, end, _) = $0 { true } else { false } }
      }
      try bench.send(Self.orders(0..<5, round + 1))
      try bench.run(reference: Self.reference) { _ in
        try bench.emitted().contains { $0.snapshot?.orderId == "c4-o\(round + 1)" && $0.own }
      }
    }
    let expected = try bench.read("orders.enriched")
    #expect(Set(try lists(bench).map(\.lists)).count == 4)
    let replay = try DemandBench()
    let rules = try bench.access.records("rules")
    try replay.send(rules.compactMap(\.value), to: "rules", keys: rules.map(\.key))
    try replay.send(try bench.read("orders"))
    try replay.run(reference: Self.reference)
    #expect(try replay.read("orders.enriched") == expected)
  }

  @Test func partitionsGoByTheirOwnRecordsAndEachMallByItsOwnRules() throws {
    let bench = try DemandBench(partitions: 2)
    let first = try bench.putInForce(Self.rules("one"), RegistryScope(mallId: "mall1"))
    let second = try bench.putInForce(Self.rules("two"), RegistryScope(mallId: "mall2"))
    for (partition, end) in [first, second].enumerated() {
      try bench.demand(end, partition: Int32(partition))
      try bench.send(
        (0..<3).map { Self.order($0 + 10 * partition, mall: "mall\($0)") }, partition: Int32(partition))
    }
    try bench.run(reference: Self.reference)
    var found: [String: [String]] = [:]
    for record in try bench.emitted() {
      found["\(record.position.partition) \(record.snapshot?.mallId ?? "")"] = record.facts?.lists
    }
    #expect(
      found == [
        "0 mall0": ["base"], "0 mall1": ["base", "one"], "0 mall2": ["base"],
        "1 mall0": ["base"], "1 mall1": ["base", "one"], "1 mall2": ["base", "two"],
      ])
    var told: [Int32: Int64] = [:]
    for one in try bench.announced() { told[one.partition] = max(told[one.partition] ?? 0, one.rulesEnd) }
    #expect(told[1] == second && (told[0] ?? 0) >= first)
  }

  @Test func moreListsOverAllMallsThanARecordHasBitsForIsNoMatter() throws {
    let bench = try DemandBench()
    for mall in 0..<70 {
      try bench.putInForce(Self.rules("list-\(mall)", "one"), RegistryScope(mallId: "mall\(mall)"))
    }
    try bench.demand(140)
    try bench.send((0..<70).map { Self.order($0, mall: "mall\($0)") })
    try bench.run(reference: Self.reference)
    let records = try bench.emitted()
    #expect(records.count == 70)
    for (mall, record) in records.enumerated() {
      #expect(record.facts?.lists == ["base", "one"] && record.facts?.listsMissing == ["list-\(mall)"])
      #expect(record.facts?.itemLists == [3])
    }
  }

  // MARK: Deadlines

  private static let overdue =
    "rules:\n  - {id: late, if: 'overdue(\"unpaid\", duration(\"30m\"))', then: {labels: [LATE]}}"

  private static func unpaid(_ customer: Int, atMinute minute: Int64) -> [UInt8] {
    var order = EnrichProcessorTests.snapshot(customer: customer, order: 0, version: 1, atMinute: minute)
    order.placedAt = order.eventTime
    order.paymentStatus = .unpaid
    return order.protobuf
  }

  /// Forty unpaid orders, half of them in the file already, a record from which on it counts, and the time going on.
  private static func waiting(dyingAt stops: [Int64]) throws -> DemandBench {
    let bench = try DemandBench()
    try bench.send((0..<20).map { unpaid($0, atMinute: Int64($0)) })
    try bench.run(reference: reference)
    let end = try bench.putInForce(overdue)
    try bench.send((20..<40).map { unpaid($0, atMinute: Int64($0)) })
    try bench.demand(end)
    try bench.send([order(100), order(101), order(102)])
    for stop in stops { try bench.run(reference: reference, dyingAt: stop) }
    try bench.run(reference: reference)
    return bench
  }

  @Test func whatNobodyWatchedIsFoundOverdueAfterTheRecordAlsoAfterACrash() throws {
    let bench = try Self.waiting(dyingAt: [])
    let late = try bench.emitted().filter { $0.facts?.timed.map(\.value) == [1] }
    // The order of customer 100 is at minute 100: all are due by then.
    #expect(Set(late.compactMap { $0.snapshot?.orderId }).count == 40)
    #expect(Set(late.map(\.position.offset)) == [41] && late.allSatisfy { !$0.own })
    #expect(late.map(\.position.n) == (1...40).map { UInt32($0) })
    for stops in [[40], [41], [40, 41, 42]] as [[Int64]] {
      #expect(try Self.waiting(dyingAt: stops).emitted() == bench.emitted(), "dying at \(stops)")
    }
  }

  // MARK: Trouble

  @Test func aRecordThatNoRulesAreThereForStopsTheLaneAndFilesPassItOver() throws {
    let bench = try DemandBench(withRules: false)
    try bench.send(Self.orders(0..<1))
    try bench.demand(4)
    try bench.send(Self.orders(1..<2))
    #expect(throws: DemandBench.Failure.self) { try bench.run(reference: Self.reference) }
    #expect(bench.reports.contains(.noTopic("rules")))
    let counts = try bench.run(reference: Self.reference, follows: false)
    #expect(counts.deadLetters == 0)
    #expect(try lists(bench).map(\.lists) == [["base"], ["base"]])
  }

  @Test func aMalformedRecordBecomesADeadLetter() throws {
    let bench = try DemandBench()
    try bench.send([[0xC2, 0x02, 0x05, 0x08], RuleSwitchValue().ordersValue, Self.order(1)])
    let counts = try bench.run(reference: Self.reference)
    #expect(counts.deadLetters == 2 && counts.folded == 1)
  }

  @Test func aVersionThatCannotBeReadIsHeldBackInTheRecordAndTheOneBeforeItStays() throws {
    let bench = try DemandBench()
    try bench.putInForce(Self.rules("one"))
    var bad = RuleVersionValue()
    bad.hash = "bad"
    bad.files = [RuleFileValue(path: "bad.yaml", text: "rules: [x")]
    bad.digest = RuleSet.textDigest(bad.files.map(\.text))
    var activation = RuleActivationValue()
    activation.number = 2
    activation.hash = "bad"
    try bench.send(
      [bad.protobuf, activation.protobuf], to: "rules",
      keys: [Array(RuleRegistry.key(of: bad).utf8), Array(RuleRegistry.key(of: activation).utf8)])
    try bench.run(reference: Self.reference) { _ in
      bench.reports.contains { if case .switched = $0 { true } else { false } }
    }
    try bench.send([Self.order(1)])
    try bench.run(reference: Self.reference) { _ in try bench.emitted().count == 1 }
    #expect(try lists(bench).map(\.lists) == [["base", "one"]])
    let told = try #require(try bench.announced().last)
    #expect(told.rulesEnd == 4 && told.held.map(\.number) == [1])
    #expect(bench.reports.contains { if case .refused(_, "bad", _) = $0 { true } else { false } })
  }
}
