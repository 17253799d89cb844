import Testing

@testable import History

private let hour: Int64 = 3_600_000_000
private let demand = FactDemand(timed: [
  TimedFact(.unpaid, span: 72 * hour), TimedFact(.giftAddress, span: 96 * hour),
  TimedFact(.giftAddress, span: 168 * hour), TimedFact(.unshipped, span: 168 * hour),
])

/// One customer of a partition whose clock other customers move on as well.
private final class Partition {
  let bench = Bench(.empty, demand)
  private var fired = Int64.min

  /// The records that the event and the deadlines that fell due with it gave.
  @discardableResult
  func take(_ event: SnapshotBuilder) throws -> [ReadRecord] {
    bench.folder.clock = max(bench.folder.clock, event.eventTime)
    return try bench.fold(event) + fire()
  }

  /// Somebody else's event.
  @discardableResult
  func come(to minute: Int64, andMicroseconds more: Int64 = 0) -> [ReadRecord] {
    bench.folder.clock = max(bench.folder.clock, SnapshotBuilder.minute(minute) + more)
    return fire()
  }

  /// The same deadlines once more.
  func repeatFiring() -> [ReadRecord] {
    fired = .min
    return fire()
  }

  private func fire() -> [ReadRecord] {
    let due = bench.folder.nextDue(in: bench.customer, after: fired)
    fired = bench.folder.clock
    guard due <= bench.folder.clock else { return [] }
    var records: [ReadRecord] = []
    let outcome = bench.folder.fire(
      bench.customer, from: due, position: InputPosition(partition: 3, offset: bench.offset), number: 1
    ) { records.append(ReadRecord($0.bytes)) }
    #expect(outcome.emitted == records.count)
    for record in records { bench.last[record.order] = record }
    return records
  }

  func timed(_ order: String) -> [Int64] { bench.facts(order).timed }
}

@Suite struct DeadlineTests {
  private static let days = 24 * 60 as Int64
  private static let unpaid = SnapshotBuilder("A", at: 5, placed: 0).with { $0.payment = 1 }
  private static let paid = SnapshotBuilder("A", at: 0).with { $0.paidAt = SnapshotBuilder.minute(10) }

  @Test func aDeadlineFallsDueAtItsInstantAndOnce() throws {
    let partition = Partition()
    try partition.take(Self.unpaid)
    #expect(partition.timed("A") == [0, 0, 0, 0])
    #expect(partition.come(to: 3 * Self.days, andMicroseconds: -1).isEmpty)
    let records = partition.come(to: 3 * Self.days)
    #expect(records.map(\.order) == ["A"] && records.map(\.own) == [false] && records.map(\.n) == [1])
    #expect(partition.timed("A") == [1, 0, 0, 0])
    // It is an event of the order at the instant at which it was due.
    #expect(records.map(\.decidingInstant) == [SnapshotBuilder.minute(3 * Self.days)])
    #expect(records.map(\.inputTime) == [SnapshotBuilder.minute(3 * Self.days)])
    #expect(partition.come(to: 30 * Self.days).isEmpty && partition.repeatFiring().isEmpty)
  }

  @Test func aPaymentInTimeCancelsIt() throws {
    let partition = Partition()
    try partition.take(Self.unpaid)
    try partition.take(Self.unpaid.later(60, version: 2) { $0.payment = 3 })
    #expect(partition.come(to: 4 * Self.days).isEmpty && partition.timed("A") == [0, 0, 0, 0])
    // What was paid waits for its shipment from then on: no `paid_at`, so since the event.
    #expect(partition.come(to: 7 * Self.days + 59).isEmpty)
    #expect(partition.come(to: 7 * Self.days + 60).count == 1)
    #expect(partition.timed("A") == [0, 0, 0, 1])
  }

  @Test func aPaymentInTimeThatArrivesLateWithdrawsIt() throws {
    let partition = Partition()
    try partition.take(Self.unpaid)
    partition.come(to: 3 * Self.days)
    #expect(partition.timed("A") == [1, 0, 0, 0])
    try partition.take(Self.unpaid.later(60, version: 2) { $0.payment = 3 })
    #expect(partition.timed("A") == [0, 0, 0, 0])
  }

  @Test func anOrderThatArrivesAfterItsDeadlineIsOverdueAtOnce() throws {
    let partition = Partition()
    partition.come(to: 9 * Self.days)
    #expect(try partition.take(Self.unpaid).map(\.facts.timed) == [[1, 0, 0, 0]])
    #expect(
      partition.bench.folder.nextDue(in: partition.bench.customer, after: 0) < partition.bench.folder.clock)
    #expect(partition.repeatFiring().isEmpty)
  }

  @Test func aReminderComesBeforeTheEndAndAnAddressEndsBoth() throws {
    let pending = SnapshotBuilder("A", at: 0).with { $0.addressState = 2 }
    let partition = Partition()
    try partition.take(pending)
    partition.come(to: 4 * Self.days)
    #expect(partition.timed("A") == [0, 1, 0, 0])
    try partition.take(pending.later(5 * Self.days, version: 2) { $0.addressState = 1 })
    #expect(partition.timed("A") == [0, 0, 0, 0])
    #expect(partition.come(to: 7 * Self.days).map(\.facts.timed) == [[0, 0, 0, 1]])
  }

  @Test func aClosedOrderKeepsWhatWasSoBeforeItClosed() throws {
    for (day, overdue) in [(8, 1), (6, 0)] as [(Int64, Int64)] {
      let partition = Partition()
      try partition.take(Self.paid)
      try partition.take(Self.paid.shipped(day * Self.days, version: 2))
      #expect(partition.timed("A") == [0, 0, 0, overdue], "shipped on day \(day)")
      #expect(partition.come(to: 30 * Self.days).isEmpty)
    }
    let partition = Partition()
    try partition.take(Self.unpaid.shipped(9 * Self.days, version: 1))
    #expect(partition.timed("A") == [0, 0, 0, 0], "first seen closed")
  }

  @Test func afterABreakItCountsAnew() throws {
    let partition = Partition()
    try partition.take(Self.paid)
    try partition.take(Self.paid.shipped(2 * Self.days, version: 2))
    try partition.take(Self.paid.later(3 * Self.days, version: 3))
    #expect(partition.come(to: 10 * Self.days, andMicroseconds: -1).isEmpty)
    #expect(partition.come(to: 10 * Self.days).map(\.facts.timed) == [[0, 0, 0, 1]])

    let other = Partition()
    try other.take(Self.unpaid)
    try other.take(Self.unpaid.later(60, version: 2) { $0.payment = 3 })
    try other.take(Self.unpaid.later(Self.days, version: 3))
    #expect(other.come(to: 4 * Self.days, andMicroseconds: -1).isEmpty)
    #expect(other.come(to: 4 * Self.days).map(\.facts.timed) == [[1, 0, 0, 0]])
  }

  @Test func whatIsDueIsFoundInTheStoredRecords() throws {
    let partition = Partition()
    try partition.take(Self.unpaid)
    try partition.take(SnapshotBuilder("B", at: 60).with { $0.payment = 1 })
    partition.come(to: 3 * Self.days)
    try partition.bench.reload()
    let folder = partition.bench.folder
    var dues: [Int64] = []
    for (key, record) in partition.bench.stored {
      try key.withUnsafeBytes { key in
        try record.withUnsafeBytes { record in
          let found = try folder.storedDeadline(key: key, record: record, after: folder.clock)
          #expect(CustomerIdentity(recordPrefix: found.customerKey) == partition.bench.customer.customer)
          dues.append(found.nextDue)
        }
      }
    }
    #expect(dues.sorted() == [SnapshotBuilder.minute(3 * Self.days + 60), .max])
    // Fired once, not again after the restart; the other one still fires.
    #expect(partition.repeatFiring().isEmpty)
    #expect(partition.come(to: 3 * Self.days + 60).map(\.order) == ["B"])
  }

  @Test func everyOrderOfArrivalEndsInTheSameRecords() throws {
    let b = SnapshotBuilder("B", at: 60).with { $0.addressState = 2 }
    let events = [
      Self.unpaid, Self.unpaid.later(2 * Self.days, version: 2) { $0.payment = 3 }, b,
      b.later(5 * Self.days, version: 2) { $0.addressState = 1 },
      SnapshotBuilder("C", at: 9 * Self.days),
      SnapshotBuilder("D", at: 3).with { $0.payment = 1 },
    ]
    var expected: [String: [UInt8]]?
    for (number, order) in permutations(of: events).enumerated() where number % 7 == 0 {
      let partition = Partition()
      for (index, event) in order.enumerated() {
        if index == 3 { try partition.bench.reload() }
        try partition.take(event)
      }
      partition.come(to: 9 * Self.days)
      #expect(partition.timed("D") == [1, 0, 0, 0] && partition.timed("B") == [0, 0, 0, 1])
      let records = partition.bench.last.mapValues(\.comparable)
      #expect(records == expected ?? records)
      expected = expected ?? records
    }
  }
}
