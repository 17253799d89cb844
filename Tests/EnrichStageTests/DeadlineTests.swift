import History
import Orders
import Store
import Synchronization
import TestKit
import Testing
import Topics

@testable import EnrichStage

/// Deadlines in a lane: across deaths and restarts, and on a partition where nothing happens.
@Suite(.serialized)
struct DeadlineTests {
  private static let minute: Int64 = 60_000_000
  private static let demand = FactDemand(timed: [
    TimedFact(.unshipped, span: 20 * minute), TimedFact(.unpaid, span: 30 * minute),
  ])

  /// Orders of many customers over more than two hours, in the order of their event times but for some.
  private static func stream(seed: UInt64) -> [[UInt8]] {
    var generator = SeededGenerator.announced("deadlines", seed: seed)
    var events: [(minute: Int64, bytes: [UInt8])] = []
    for customer in 0..<120 {
      let order = customer % 3
      let placed = Int64.random(in: 0...120, using: &generator)
      var snapshot = EnrichProcessorTests.snapshot(
        customer: customer / 3, order: order, version: 1, atMinute: placed)
      snapshot.placedAt = snapshot.eventTime
      snapshot.paymentStatus = customer % 2 == 0 ? .unpaid : .paid
      events.append((placed, snapshot.protobuf))
      guard customer % 5 != 0 else { continue }
      let later = placed + Int64.random(in: 1...45, using: &generator)
      snapshot.version = 2
      snapshot.eventTime = Instant(microseconds: EnrichProcessorTests.start + later * minute)
      if customer % 2 == 0 { snapshot.paymentStatus = .paid } else { snapshot.items[0].status = "N30" }
      events.append((later + (customer % 7 == 0 ? 30 : 0), snapshot.protobuf))
    }
    return events.sorted { $0.minute < $1.minute }.map(\.bytes)
  }

  @Test func aLaneThatDiesBetweenDueAndCommitFiresAgainWithEqualBytes() throws {
    let events = Self.stream(seed: 71)
    let whole = try EnrichBench()
    try whole.send(events)
    let counts = try whole.run(cacheBytes: 64 << 20, demand: Self.demand)
    let expected = try whole.read("orders.enriched")
    #expect(counts.fired > 50 && counts.deadLetters == 0)

    let broken = try EnrichBench()
    try broken.send(events)
    for dyingAt in [30, 60, 61, 110, 150] as [Int64] {
      _ = try broken.run(cacheBytes: 64 << 10, dyingAt: dyingAt, demand: Self.demand)
    }
    _ = try broken.run(cacheBytes: 64 << 10, demand: Self.demand)
    var seen: Set<[UInt8]> = []
    #expect(try broken.read("orders.enriched").filter { seen.insert($0).inserted } == expected)

    // Each deadline once: what can be overdue becomes so at most once, for these orders have no break.
    var last: [String: [Int64]] = [:]
    var rises: [String: [Int64]] = [:]
    for record in expected.compactMap({ EnrichedOrderValue(protobuf: $0) }) {
      let order = record.snapshot?.orderId ?? ""
      let timed = record.facts?.timed.map(\.value) ?? []
      let before = last[order] ?? [0, 0]
      let rise = zip(timed, before).map { max($0 - $1, 0) }
      rises[order] = zip(rises[order] ?? [0, 0], rise).map { $0 + $1 }
      last[order] = timed
    }
    #expect(rises.count == 120 && rises.values.allSatisfy { $0.allSatisfy { $0 <= 1 } })
    #expect(rises.values.count { $0.contains(1) } > 50)
  }

  @Test func rulesThatBeginToWatchFindWhatIsLongDue() throws {
    let bench = try EnrichBench()
    var order = EnrichProcessorTests.snapshot(customer: 1, order: 0, version: 1, atMinute: 0)
    order.paymentStatus = .unpaid
    let other = EnrichProcessorTests.snapshot(customer: 2, order: 0, version: 1, atMinute: 90)
    try bench.send([order.protobuf, other.protobuf])
    #expect(try bench.run(cacheBytes: 64 << 20).fired == 0)
    try bench.send([EnrichProcessorTests.snapshot(customer: 3, order: 0, version: 1, atMinute: 50).protobuf])
    #expect(try bench.run(cacheBytes: 64 << 20, demand: Self.demand).fired == 1)
    // From then on the clock's record knows: nothing fires again.
    try bench.send([EnrichProcessorTests.snapshot(customer: 4, order: 0, version: 1, atMinute: 51).protobuf])
    #expect(try bench.run(cacheBytes: 64 << 20, demand: Self.demand).fired == 0)
  }

  @Test func anIdlePartitionGoesByTheWallClockAndAReplayOfItsMarksGivesEqualBytes() throws {
    let bench = try EnrichBench()
    var order = EnrichProcessorTests.snapshot(customer: 1, order: 0, version: 1, atMinute: 0)
    order.paymentStatus = .unpaid
    try bench.send([order.protobuf])
    // Each look at the clock takes a second; half an hour has to pass, and the partition has to be idle.
    let clock = SteppingClock(from: EnrichProcessorTests.start + 29 * Self.minute)
    let counts = try bench.run(
      cacheBytes: 64 << 20, demand: Self.demand, idle: (15_000_000, clock), awaited: 1)
    #expect(counts.marks == 1 && counts.fired == 1)
    let records = try bench.read("orders.enriched")
    let last = try #require(records.last.flatMap { EnrichedOrderValue(protobuf: $0) })
    #expect(last.facts?.timed.map(\.value) == [0, 1] && last.position.offset == 1 && last.position.n == 1)

    let inputs = try bench.read("orders")
    #expect(inputs.count == 2)
    let replay = try EnrichBench()
    try replay.send(inputs)
    #expect(try replay.run(cacheBytes: 64 << 20, demand: Self.demand).deadLetters == 0)
    #expect(try replay.read("orders.enriched") == records)
    // Who watches nothing takes no notice of it.
    let plain = try EnrichBench()
    try plain.send(inputs)
    let unwatched = try plain.run(cacheBytes: 64 << 20)
    #expect(unwatched.deadLetters == 0 && unwatched.folded == 1 && unwatched.emitted == 1)
  }

  @Test func anEventFromTheFarFutureDoesNotMoveTheClockInService() throws {
    var waiting = EnrichProcessorTests.snapshot(customer: 1, order: 0, version: 1, atMinute: 0)
    waiting.paymentStatus = .unpaid
    waiting.eventTime = Instant(microseconds: 4_000_000_000_000_000)
    waiting.placedAt = waiting.eventTime
    let wrong = EnrichProcessorTests.snapshot(customer: 2, order: 0, version: 1, atMinute: 90_000_000)
    let events = [waiting.protobuf, wrong.protobuf]
    for (isBounded, fired) in [(false, 1), (true, 0)] {
      let bench = try EnrichBench()
      try bench.send(events)
      let counts = try bench.run(cacheBytes: 64 << 20, demand: Self.demand, isBounded: isBounded)
      #expect(counts.fired == fired && counts.folded == 2)
    }
  }

  @Test func deadlinesComeOutByTimeAndTheEarlierOneOfACustomerCounts() {
    var generator = SeededGenerator.announced("heap", seed: 72)
    let deadlines = Deadlines(watchesHash: 1)
    var expected: [[UInt8]: Int64] = [:]
    for _ in 0..<2_000 {
      let key = [UInt8.random(in: 0...200, using: &generator), UInt8.random(in: 0...2, using: &generator)]
      let due = Int64.random(in: 0...500, using: &generator)
      deadlines.schedule(key, due)
      expected[key] = min(expected[key] ?? .max, due)
    }
    #expect(deadlines.popDue() == nil && deadlines.watchedCount == expected.count)
    deadlines.advance(to: 3)
    deadlines.advance(to: 1)
    var found: [(Int64, [UInt8])] = []
    while let (key, due) = deadlines.popDue() { found.append((due, key)) }
    #expect(found.allSatisfy { $0.0 <= 3 } && found.count == expected.values.count { $0 <= 3 })
    deadlines.advance(to: 500)
    while let (key, due) = deadlines.popDue() { found.append((due, key)) }
    let sorted = expected.map { ($0.value, $0.key) }.sorted {
      $0.0 != $1.0 ? $0.0 < $1.0 : $0.1.lexicographicallyPrecedes($1.1)
    }
    #expect(found.map(\.1) == sorted.map(\.1) && found.map(\.0) == sorted.map(\.0))
  }

  @Test func theClocksRecordIsReadBack() {
    let deadlines = Deadlines(clock: -5, watchesHash: 0xFFFF_0000_1234_5678)
    let stored = deadlines.record.withUnsafeBytes { Deadlines.read($0) }
    #expect(stored?.clock == -5 && stored?.watchesHash == 0xFFFF_0000_1234_5678)
    #expect([0x08, 0x80].withUnsafeBytes { Deadlines.read($0) } == nil)
  }
}

/// A second later with each look.
final class SteppingClock: Sendable {
  private let now: Atomic<Int64>
  init(from start: Int64) { now = Atomic(start) }
  func look() -> Int64 { now.add(1_000_000, ordering: .relaxed).newValue }
}
