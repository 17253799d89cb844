import EnrichStage
import History
import Orders
import Stage
import TestKit
import Testing
import Topics

/// Profiles of customers through the stage: evicted, killed, restored, and beside records that are none.
@Suite(.serialized) struct ProfileProcessorTests {
  private static let demand = FactDemand(
    timed: [TimedFact(.unshipped, span: 3_600_000_000)], profile: [.grade, .coupons, .cart])

  private static func profile(customer: Int, atMinute minute: Int64, grade: String) -> ProfileEventValue {
    let order = EnrichProcessorTests.snapshot(customer: customer, order: 0, version: 1, atMinute: 0)
    var profile = ProfileEventValue()
    profile.mallId = order.mallId
    profile.shopNo = order.shopNo
    profile.customer = order.customer
    profile.at = Instant(microseconds: EnrichProcessorTests.start + minute * 60_000_000)
    profile.grade = grade
    profile.cart = CartValue()
    profile.cart?.currency = "KRW"
    var line = CartLineValue()
    (line.productCode, line.quantity, line.unitPrice) = ("P\(minute)", 1, 1000)
    profile.cart?.lines = [line]
    return profile
  }

  private static func stream(customers: Int, seed: UInt64) -> [[UInt8]?] {
    var generator = SeededGenerator.announced("profiles and orders", seed: seed)
    var events: [[UInt8]?] = []
    for round in 0..<6 {
      for customer in 0..<customers {
        let status = round < 3 ? "N10" : ["N10", "N10", "N30", "C40"].randomElement(using: &generator) ?? ""
        let order = EnrichProcessorTests.snapshot(
          customer: customer, order: round % 3, version: Int64(round), atMinute: Int64(round * 15),
          status: status)
        events.append(order.protobuf)
        let minute = Int64.random(in: 0...90, using: &generator)
        events.append(profile(customer: customer, atMinute: minute, grade: "g\(minute % 7)").ordersValue)
      }
    }
    return events.shuffled(using: &generator)
  }

  @Test func aTinyCacheAndADeathGiveTheSameRecords() throws {
    let events = Self.stream(customers: 100, seed: 51)
    let whole = try EnrichBench()
    try whole.send(events)
    let counts = try whole.run(cacheBytes: 64 << 20, demand: Self.demand)
    #expect(counts.profiles == 600 && counts.folded == 600 && counts.deadLetters == 0)
    let expected = try whole.read("orders.enriched")
    let grades = expected.compactMap { bytes in
      bytes.withUnsafeBytes { EnrichedOrderValue(protobuf: $0) }?.facts?.customerGrade
    }
    #expect(grades.count == expected.count && grades.contains("") && Set(grades).count > 5)
    let tiny = try EnrichBench()
    try tiny.send(events)
    let evicting = try tiny.run(cacheBytes: 64 << 10, demand: Self.demand)
    #expect(evicting.loads > 200)
    #expect(try tiny.read("orders.enriched") == expected)

    let broken = try EnrichBench()
    try broken.send(events)
    _ = try broken.run(cacheBytes: 64 << 10, dyingAt: 300, demand: Self.demand)
    _ = try broken.run(cacheBytes: 64 << 10, dyingAt: 800, demand: Self.demand)
    let last = try broken.run(cacheBytes: 64 << 10, demand: Self.demand)
    #expect(last.folded + last.profiles < events.count)
    var seen: Set<[UInt8]> = []
    let distinct = try broken.read("orders.enriched").filter { seen.insert($0).inserted }
    #expect(distinct == expected)
  }

  /// Each position is there once: what falls due with a profile is numbered after what the profile itself caused.
  @Test func aProfileMovesTheClockAndItsRecordsHaveNumbersOfTheirOwn() throws {
    let bench = try EnrichBench()
    let orders = [1, 2].map {
      EnrichProcessorTests.snapshot(customer: $0, order: 0, version: 1, atMinute: 0).protobuf
    }
    try bench.send(orders + [Self.profile(customer: 1, atMinute: 61, grade: "gold").ordersValue])
    _ = try bench.run(cacheBytes: 64 << 20, demand: Self.demand)
    let records = try bench.read("orders.enriched").compactMap { bytes in
      bytes.withUnsafeBytes { EnrichedOrderValue(protobuf: $0) }
    }
    let last = records.filter { $0.position.offset == 2 }
    #expect(last.map(\.position.n) == last.indices.map { UInt32($0 + 1) })
    #expect(Set(last.compactMap { $0.snapshot?.orderId }) == ["c1-o0", "c2-o0"])
    #expect(last.allSatisfy { !$0.own })
  }

  @Test func whatIsNoProfileBecomesADeadLetter() throws {
    let bench = try EnrichBench()
    let sound = Self.profile(customer: 1, atMinute: 1, grade: "gold")
    var nobody = sound
    nobody.customer = nil
    var short = sound
    short.customer?.digest = [1]
    var guest = sound
    guest.customer?.kind = .none
    var never = sound
    never.at = Instant(microseconds: .max)
    let order = EnrichProcessorTests.snapshot(customer: 1, order: 0, version: 1, atMinute: 2).protobuf
    try bench.send(
      [nobody, short, guest, never].map(\.ordersValue) + [
        Array(sound.ordersValue.dropLast(3)), [0x82, 0x02], sound.ordersValue, order,
      ])
    let counts = try bench.run(cacheBytes: 64 << 20, demand: FactDemand(profile: .grade))
    #expect(counts.deadLetters == 6 && counts.profiles == 1 && counts.folded == 1)
    let record = try bench.read("orders.enriched").last?.withUnsafeBytes { EnrichedOrderValue(protobuf: $0) }
    #expect(record?.facts?.customerGrade == "gold")
  }
}
