import Orders
import TestKit
import Testing
import Topics

@testable import History

/// Orders whose states wait in their record until they are asked for, and go back there when they are settled.
@Suite struct PackedOrderTests {
  private static let demand = FactDemand(
    claimWindows: [ClaimWindow(scope: .returns, months: 1)],
    timed: [TimedFact(.duplicates, span: 3_600_000_000), TimedFact(.unpaid, span: 60_000_000)],
    aggregates: [HistoryAggregate(.quantity, .all), HistoryAggregate(.cancels, .all)])

  private enum Keeping: CaseIterable {
    case inMemory, collected, reloaded, sometimes
  }

  /// Every record that the events gave, in order, without where the input stood.
  private func records(
    of events: [SnapshotBuilder], _ demand: FactDemand, _ keeping: Keeping, _ random: inout SeededGenerator
  ) throws -> [[UInt8]] {
    let bench = Bench(.empty, demand)
    var all: [[UInt8]] = []
    for event in events {
      all += try bench.fold(event).map(\.comparable)
      switch keeping {
      case .inMemory: break
      case .collected: bench.customer.changedRecords { _, _ in }
      case .reloaded: try bench.reload()
      case .sometimes:
        if Int.random(in: 0..<3, using: &random) == 0 { try bench.reload() }
        if Int.random(in: 0..<3, using: &random) == 0 {
          bench.customer.changedRecords { bench.stored[[UInt8]($0)] = [UInt8]($1) }
        }
      }
    }
    return all
  }

  @Test func givesEveryRecordThatOneInMemoryGives() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("packed orders seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for round in 0..<150 {
      let events = ArrivalOrderTests.randomStream(&random).shuffled(using: &random)
      let demand = round % 2 == 0 ? FactDemand() : Self.demand
      let expected = try records(of: events, demand, .inMemory, &random)
      for keeping in Keeping.allCases {
        #expect(
          try records(of: events, demand, keeping, &random) == expected, "seed \(seed), \(round), \(keeping)")
      }
    }
  }

  @Test func anOrderThatNobodyAsksForKeepsItsStatesInItsRecord() throws {
    let bench = Bench()
    let early = SnapshotBuilder("A", at: 0)
    try bench.fold(early)
    try bench.fold(early.shipped(10, version: 2))
    try bench.reload()
    #expect(bench.customer.orders.map(\.isPacked) == [true])
    try bench.fold(SnapshotBuilder("B", at: 20))
    #expect(bench.facts("B").orders == 1)
    #expect(bench.customer.orders.map(\.isPacked) == [true, false])
    #expect(bench.customer.takePurchaseBytes() == 0)
    // What comes late and lies before T(X) asks for it.
    try bench.fold(SnapshotBuilder("C", at: 5))
    #expect(bench.customer.orders.map(\.isPacked) == [false, false, false])
    #expect(bench.customer.takePurchaseBytes() > 0)
  }

  @Test func aSettledOrderGoesBackIntoItsRecordAndTakesLessMemory() throws {
    let bench = Bench()
    let early = SnapshotBuilder("A", at: 0)
    try bench.fold(early)
    try bench.fold(early.shipped(10, version: 2))
    let before = bench.customer.memoryBytes
    bench.customer.changedRecords { _, _ in }
    #expect(bench.customer.orders.map(\.isPacked) == [false])
    try bench.fold(early.shipped(20, version: 3).with { $0.items[0].status = "N40" })
    bench.customer.changedRecords { _, _ in }
    #expect(bench.customer.orders.map(\.isPacked) == [true])
    #expect(bench.customer.takePurchaseBytes() < 0)
    #expect(bench.customer.memoryBytes < before)
  }

  /// As programs before wrote them.
  @Test func aRecordThatTellsNoStandingIsReadAtOnce() throws {
    let bench = Bench()
    let early = SnapshotBuilder("A", at: 0)
    try bench.fold(early)
    try bench.fold(early.shipped(10, version: 2))
    var records: [(key: [UInt8], value: [UInt8])] = []
    bench.customer.changedRecords { records.append(([UInt8]($0), Self.withoutStanding([UInt8]($1)))) }
    #expect(records.count == 1)
    let restored = try CustomerHistory(customer: early.identity, records: records)
    #expect(restored.orders.map(\.isPacked) == [false])
    #expect(restored.standings == bench.customer.standings)
    #expect(restored.latestEventTime == bench.customer.latestEventTime)
  }

  private static func withoutStanding(_ record: [UInt8]) -> [UInt8] {
    var writer = ProtobufWriter()
    record.withUnsafeBytes { bytes in
      var reader = ProtobufReader(bytes)
      while true {
        let start = reader.offset
        guard reader.next() else { return }
        reader.skip()
        if reader.field != 5 { writer.raw(UnsafeRawBufferPointer(rebasing: bytes[start..<reader.offset])) }
      }
    }
    return writer.bytes
  }

  /// The head of the record is sound, a state is not: nothing of the customer may leave.
  @Test func aMalformedStateIsToldWhenItIsAskedForAndNothingIsEmitted() throws {
    let bench = Bench()
    let early = SnapshotBuilder("A", at: 0)
    try bench.fold(early)
    try bench.fold(SnapshotBuilder("B", at: 5))
    try bench.reload()
    for (key, value) in bench.stored where key.last == UInt8(ascii: "A") {
      var standing: [UInt8] = []
      value.withUnsafeBytes { bytes in
        var reader = ProtobufReader(bytes)
        while reader.next() { if reader.field == 5 { standing = reader.array() } else { reader.skip() } }
      }
      var writer = ProtobufWriter()
      standing.withUnsafeBytes { writer.presentBytes(5, $0) }
      writer.message(1) { $0.bytes(8, [0, 1, 1, 0]) }
      bench.stored[key] = writer.bytes
    }
    bench.customer = try CustomerHistory(
      customer: early.identity, records: bench.stored.map { (key: $0.key, value: $0.value) })
    #expect(!bench.customer.isMalformed)
    #expect(try bench.fold(early.later(7, version: 2)).isEmpty)
    #expect(bench.customer.isMalformed)
  }

  @Test func aStandingIsReadBack() throws {
    var latest = Contribution()
    for (placedAt, since, cut, last) in [
      (0, 0, 0, 0), (5, 9, .max, 9), (-7, -9, -10, 4), (1, 2, 1, 9), (.min, .max, .min, 0),
      (.max, .min, .max - 1, .max),
    ] as [(Int64, Int64, Int64, Int64)] {
      latest.placedAt = placedAt
      latest.netAmount = cut
      latest.fingerprintHigh = .max
      latest.fingerprintLow = UInt64(bitPattern: since)
      latest.currencyCode = .max
      latest.flags = [.paid, .hasFaultClaims, .open]
      let standing = OrderStanding(
        latest: latest, latestSince: since, sumsSince: last, cut: cut, isFirstSeenClosed: placedAt == 0,
        lastEventTime: last)
      var writer = ProtobufWriter()
      standing.write(to: &writer)
      let bytes = writer.bytes
      #expect(try bytes.withUnsafeBytes { try OrderStanding(stored: $0) } == standing)
    }
    #expect(throws: HistoryError.malformedRecord) {
      _ = try [UInt8]([8]).withUnsafeBytes { try OrderStanding(stored: $0) }
    }
  }
}
