import History
import Orders
import TestKit
import Testing
import Topics

@testable import EnrichStage

/// Customers who do not come back, in a lane: once each, across deaths and restarts, many at once.
@Suite(.serialized)
struct AbsenceLaneTests {
  private static let minute: Int64 = 60_000_000
  private static let demand = FactDemand(timed: [TimedFact(.purchase, span: 30 * minute)])

  /// Orders of 60 customers over four hours; some are cancelled, some come late.
  private static func stream(seed: UInt64) -> [[UInt8]] {
    var generator = SeededGenerator.announced("absence", seed: seed)
    var events: [(minute: Int64, bytes: [UInt8])] = []
    for number in 0..<180 {
      let placed = Int64.random(in: 0...200, using: &generator)
      var snapshot = EnrichProcessorTests.snapshot(
        customer: number / 3, order: number % 3, version: 1, atMinute: placed)
      snapshot.placedAt = snapshot.eventTime
      events.append((placed + (number % 11 == 0 ? 35 : 0), snapshot.protobuf))
      guard number % 4 == 0 else { continue }
      let later = placed + Int64.random(in: 1...60, using: &generator)
      snapshot.version = 2
      snapshot.eventTime = Instant(microseconds: EnrichProcessorTests.start + later * minute)
      snapshot.items[0].status = number % 8 == 0 ? "C40" : "N30"
      events.append((later, snapshot.protobuf))
    }
    var end = EnrichProcessorTests.snapshot(customer: 99, order: 0, version: 1, atMinute: 260)
    end.placedAt = end.eventTime
    events.append((260, end.protobuf))
    return events.sorted { $0.minute < $1.minute }.map(\.bytes)
  }

  private static func last(_ records: [[UInt8]]) -> [String: Int64] {
    var last: [String: Int64] = [:]
    for record in records.compactMap({ EnrichedOrderValue(protobuf: $0) }) {
      last[record.snapshot?.orderId ?? ""] = record.facts?.timed.first?.value ?? -1
    }
    return last
  }

  @Test func eachAbsenceFiresOnceAcrossDeathsAndIsAtTheEndOnTheLastPurchase() throws {
    let events = Self.stream(seed: 117)
    let whole = try EnrichBench()
    try whole.send(events)
    let counts = try whole.run(cacheBytes: 64 << 20, demand: Self.demand)
    let expected = try whole.read("orders.enriched")
    #expect(counts.fired > 60 && counts.deadLetters == 0)

    let broken = try EnrichBench()
    try broken.send(events)
    for dyingAt in [40, 80, 81, 150, 220] as [Int64] {
      _ = try broken.run(cacheBytes: 64 << 10, dyingAt: dyingAt, demand: Self.demand)
    }
    _ = try broken.run(cacheBytes: 64 << 10, demand: Self.demand)
    var seen: Set<[UInt8]> = []
    #expect(try broken.read("orders.enriched").filter { seen.insert($0).inserted } == expected)

    // At each instant one order of each customer who is away: as often as that begins, it is told, and not more often.
    let (rises, away) = Self.simulate(events)
    let last = Self.last(expected)
    #expect(last.count == 181 && away.count > 50 && rises.values.contains { $0 > 1 })
    #expect(Set(last.filter { $0.value == 1 }.keys) == away)
    var told: [String: Int] = [:]
    var value: [String: Int64] = [:]
    for record in expected.compactMap({ EnrichedOrderValue(protobuf: $0) }) {
      let order = record.snapshot?.orderId ?? ""
      let now = record.facts?.timed.first?.value ?? -1
      if now == 1, value[order] != 1 { told[order, default: 0] += 1 }
      value[order] = now
    }
    #expect(told == rises)
  }

  /// By looking at every customer after every event: how often each order begins to be that of one who is away, and
  /// which are at the end.
  private static func simulate(_ events: [[UInt8]]) -> (rises: [String: Int], away: Set<String>) {
    var states: [String: OrderSnapshotValue] = [:]
    var rises: [String: Int] = [:]
    var away: Set<String> = []
    var clock = Int64.min
    for snapshot in events.compactMap({ OrderSnapshotValue(protobuf: $0) }) {
      clock = max(clock, snapshot.eventTime.microseconds)
      if snapshot.version > states[snapshot.orderId]?.version ?? 0 { states[snapshot.orderId] = snapshot }
      let purchases = states.values.filter { $0.items[0].status != "C40" }
      let customers = Dictionary(grouping: purchases) { $0.orderId.prefix { $0 != "-" } }
      let last = customers.values.compactMap { orders in
        orders.max { ($0.placedAt.microseconds, $0.orderId) < ($1.placedAt.microseconds, $1.orderId) }
      }
      let now = Set(
        last.filter { $0.placedAt.microseconds + 30 * minute <= clock }.map(\.orderId))
      for order in now.subtracting(away) { rises[order, default: 0] += 1 }
      away = now
    }
    return (rises, away)
  }

  @Test func manyAtOnceGoOnWithTheNextInputsAndAfterADeathWhereTheyWere() throws {
    var events: [[UInt8]] = (0..<50).map {
      EnrichProcessorTests.snapshot(customer: $0, order: 0, version: 1, atMinute: 0).protobuf
    }
    // All fall due with the first of these; it takes five inputs at ten each.
    for number in 0..<8 {
      let minute = Int64(60 + number)
      events.append(
        EnrichProcessorTests.snapshot(customer: 60 + number, order: 0, version: 1, atMinute: minute).protobuf)
    }
    let whole = try EnrichBench()
    try whole.send(events)
    #expect(try whole.run(cacheBytes: 64 << 20, demand: Self.demand, firedPerInput: 10).fired >= 50)
    let expected = try whole.read("orders.enriched")
    let fired = expected.compactMap { EnrichedOrderValue(protobuf: $0) }.filter { !$0.own }
    let perInput = Dictionary(grouping: fired, by: \.position.offset).mapValues(\.count)
    #expect(perInput.values.allSatisfy { $0 <= 10 } && perInput[50] == 10 && perInput[54] == 10)
    #expect(Set(fired.compactMap { $0.snapshot?.orderId }).count == fired.count)

    for stops in [[51], [51, 52, 53, 54, 55], [53, 56]] as [[Int64]] {
      let broken = try EnrichBench()
      try broken.send(events)
      for dyingAt in stops {
        _ = try broken.run(cacheBytes: 64 << 10, dyingAt: dyingAt, demand: Self.demand, firedPerInput: 10)
      }
      _ = try broken.run(cacheBytes: 64 << 10, demand: Self.demand, firedPerInput: 10)
      var seen: Set<[UInt8]> = []
      #expect(try broken.read("orders.enriched").filter { seen.insert($0).inserted } == expected)
    }
  }

  @Test func anIdlePartitionGoesOnUntilAllHaveFired() throws {
    let bench = try EnrichBench()
    try bench.send(
      (0..<50).map { EnrichProcessorTests.snapshot(customer: $0, order: 0, version: 1, atMinute: 0).protobuf }
    )
    let clock = SteppingClock(from: EnrichProcessorTests.start + 29 * Self.minute)
    // One mark for the wall clock, four for what it left.
    let counts = try bench.run(
      cacheBytes: 64 << 20, demand: Self.demand, idle: (15_000_000, clock), awaited: 5, firedPerInput: 10)
    #expect(counts.fired == 50 && counts.marks >= 5)
    let replay = try EnrichBench()
    try replay.send(try bench.read("orders"))
    _ = try replay.run(cacheBytes: 64 << 20, demand: Self.demand, firedPerInput: 10)
    #expect(try replay.read("orders.enriched") == bench.read("orders.enriched"))
  }

  @Test func rulesThatBeginToAskFindWhoIsLongAway() throws {
    let bench = try EnrichBench()
    var events: [[UInt8]] = []
    for customer in 0..<25 {
      for order in 0..<2 {
        var snapshot = EnrichProcessorTests.snapshot(
          customer: customer, order: order, version: 1, atMinute: Int64(order))
        snapshot.placedAt = snapshot.eventTime
        events.append(snapshot.protobuf)
      }
    }
    try bench.send(events)
    #expect(try bench.run(cacheBytes: 64 << 20).fired == 0)
    // Two inputs are not enough at ten each, and the lane starts again between them.
    for (number, fired) in [10, 10, 5, 0].enumerated() {
      try bench.send([
        EnrichProcessorTests.snapshot(customer: 50, order: 0, version: Int64(number), atMinute: 200).protobuf
      ])
      #expect(try bench.run(cacheBytes: 64 << 20, demand: Self.demand, firedPerInput: 10).fired == fired)
    }
    let last = Self.last(try bench.read("orders.enriched"))
    #expect((0..<25).allSatisfy { last["c\($0)-o1"] == 1 && last["c\($0)-o0"] != 1 })
  }

  // MARK: Published rules

  private static let rules =
    "rules:\n  - {id: away, if: 'overdue(\"purchase\", duration(\"30m\"))', then: {labels: [AWAY]}}"

  private static func order(_ customer: Int, _ number: Int, atMinute minute: Int64) -> [UInt8] {
    var order = EnrichProcessorTests.snapshot(customer: customer, order: number, version: 1, atMinute: minute)
    order.placedAt = order.eventTime
    return order.protobuf
  }

  /// Two orders of each of twenty customers, the first one in the file already, a record from which on it counts, and
  /// the time going on.
  private static func waiting(dyingAt stops: [Int64]) throws -> DemandBench {
    let bench = try DemandBench()
    try bench.send((0..<20).map { order($0, 0, atMinute: Int64($0)) })
    try bench.run()
    let end = try bench.putInForce(rules)
    try bench.send((0..<20).map { order($0, 1, atMinute: Int64($0 + 20)) })
    try bench.demand(end)
    try bench.send((100..<103).map { order($0, 0, atMinute: Int64($0)) })
    for stop in stops { try bench.run(dyingAt: stop) }
    try bench.run()
    return bench
  }

  @Test func publishedRulesThatBeginToAskFindWhoIsLongAwayAlsoAfterACrash() throws {
    let bench = try Self.waiting(dyingAt: [])
    let away = try bench.emitted().filter { $0.facts?.timed.map(\.value) == [1] }
    #expect(Set(away.compactMap { $0.snapshot?.orderId }) == Set((0..<20).map { "c\($0)-o1" }))
    #expect(Set(away.map(\.position.offset)) == [41] && away.map(\.position.n) == (1...20).map { UInt32($0) })
    for stops in [[40], [41], [40, 41, 42]] as [[Int64]] {
      #expect(try Self.waiting(dyingAt: stops).emitted() == bench.emitted(), "dying at \(stops)")
    }
  }
}
