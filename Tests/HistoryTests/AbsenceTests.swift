import TestKit
import Testing

@testable import History

private let day: Int64 = 24 * 60
private let dayUs: Int64 = 86_400_000_000
private let demand = FactDemand(
  claimWindows: [ClaimWindow(scope: .returns, months: 3)],
  timed: [
    TimedFact(.purchase, span: 60 * dayUs),
    TimedFact(.purchase, span: 90 * dayUs, code: Array("A1".utf8)),
  ])

/// A customer in a partition that other customers' events move on.
private final class Away {
  let bench: Bench
  private var fired = Int64.min

  init(_ plan: DemandPlan = DemandPlan(demand)) {
    bench = Bench(.empty, demand)
    bench.folder.use(PlannedDemands(plan))
  }

  @discardableResult
  func take(_ event: SnapshotBuilder) throws -> [ReadRecord] {
    bench.folder.clock = max(bench.folder.clock, event.eventTime)
    return try bench.fold(event) + fire()
  }

  @discardableResult
  func come(to minute: Int64, andMicroseconds more: Int64 = 0) -> [ReadRecord] {
    bench.folder.clock = max(bench.folder.clock, SnapshotBuilder.minute(minute) + more)
    return fire()
  }

  func fireAgain() -> [ReadRecord] {
    fired = .min
    return fire()
  }

  private func fire() -> [ReadRecord] {
    let due = bench.folder.nextDue(in: bench.customer, after: fired)
    fired = bench.folder.clock
    guard due <= bench.folder.clock else { return [] }
    var records: [ReadRecord] = []
    _ = bench.folder.fire(
      bench.customer, from: due, position: InputPosition(partition: 3, offset: bench.offset), number: 1
    ) { records.append(ReadRecord($0.bytes)) }
    for record in records { bench.last[record.order] = record }
    return records
  }

  func timed(_ order: String) -> [Int64] { bench.facts(order).timed }
}

@Suite struct AbsenceTests {
  private static func order(_ name: String, _ placed: Int64, _ sku: String = "B1") -> SnapshotBuilder {
    SnapshotBuilder(name, at: placed).with { $0.items[0].sku = sku }
  }

  @Test func aCustomerWhoStaysAwayIsFoundOnceOnTheLastOrder() throws {
    let away = Away()
    try away.take(Self.order("A", 0))
    try away.take(Self.order("B", 5 * day))
    try away.take(Self.order("B", 5 * day).shipped(6 * day, version: 2))
    #expect(away.come(to: 65 * day, andMicroseconds: -1).isEmpty)
    let records = away.come(to: 65 * day)
    #expect(records.map(\.order) == ["B"] && records.map(\.own) == [false] && records.map(\.n) == [1])
    #expect(away.timed("A") == [0, 0] && away.timed("B") == [1, 0])
    #expect(records.map(\.inputTime) == [SnapshotBuilder.minute(65 * day)])
    // All else is as of the moment before it left.
    #expect(records[0].decidingInstant == SnapshotBuilder.minute(6 * day) - 1)
    #expect(records[0].facts.orders == 1 && records[0].lateSnapshot == nil && records[0].state == 1)
    #expect(away.come(to: 400 * day).isEmpty && away.fireAgain().isEmpty)
  }

  @Test func aPurchaseInTimeCancelsItAndALaterOneEndsIt() throws {
    let away = Away()
    try away.take(Self.order("A", 0))
    try away.take(Self.order("B", 59 * day))
    #expect(away.come(to: 60 * day).isEmpty && away.timed("A") == [0, 0])
    #expect(away.come(to: 119 * day).map(\.order) == ["B"])
    let records = try away.take(Self.order("C", 130 * day))
    #expect(records.map(\.order) == ["C", "B"] && away.timed("B") == [0, 0] && away.timed("C") == [0, 0])
    #expect(away.come(to: 190 * day).map(\.order) == ["C"])
  }

  @Test func aCancelledPurchaseOpensItAgain() throws {
    // Long due: with the cancel. Not yet due: at its instant, counted from the purchase before.
    for (cancelled, due) in [(100 * day, 100 * day), (58 * day, 60 * day)] as [(Int64, Int64)] {
      let away = Away()
      try away.take(Self.order("A", 0))
      try away.take(Self.order("B", 50 * day))
      let records = try away.take(Self.order("B", 50 * day).cancelled(cancelled, version: 2))
      #expect(records.map(\.order) == (cancelled == due ? ["B", "A"] : ["B"]))
      #expect(away.come(to: due).map(\.order) == (cancelled == due ? [] : ["A"]))
      #expect(away.timed("A") == [1, 0] && away.timed("B") == [0, 0])
      // A cancel that is taken back ends it again.
      try away.take(Self.order("B", 50 * day).later(cancelled + day, version: 3))
      #expect(away.timed("A") == [0, 0], "cancelled on day \(cancelled / day)")
    }
  }

  @Test func anOrderThatArrivesLateTakesItOver() throws {
    let away = Away()
    try away.take(Self.order("B", 5 * day))
    #expect(away.come(to: 65 * day).map(\.order) == ["B"])
    // Placed before the one that has it: nothing changes there.
    #expect(try away.take(Self.order("A", 4 * day)).map(\.order) == ["A", "B"])
    #expect(away.timed("A") == [0, 0] && away.timed("B") == [1, 0])
    #expect(try away.take(Self.order("C", 6 * day)).map(\.order) == ["C", "B"])
    #expect(away.timed("B") == [0, 0])
    #expect(away.come(to: 66 * day).map(\.order) == ["C"] && away.timed("C") == [1, 0])
    // And one that is long due itself.
    let other = Away()
    other.come(to: 100 * day)
    #expect(try other.take(Self.order("A", 0)).map(\.facts.timed) == [[1, 0]])
    #expect(other.fireAgain().isEmpty)
  }

  @Test func ofOneProductTheLastOrderWithItCounts() throws {
    let away = Away()
    try away.take(Self.order("A", 0, "A1"))
    try away.take(Self.order("B", 10 * day, "A1"))
    try away.take(Self.order("C", 50 * day))
    #expect(away.come(to: 90 * day).isEmpty)
    #expect(away.come(to: 100 * day, andMicroseconds: -1).isEmpty)
    #expect(away.come(to: 100 * day).map(\.order) == ["B"] && away.timed("B") == [0, 1])
    #expect(away.come(to: 110 * day).map(\.order) == ["C"] && away.timed("C") == [1, 0])
    // The product comes back: then B was no purchase of it, and A is the last one.
    try away.take(
      Self.order("B", 10 * day, "A1").later(111 * day, version: 2) {
        $0.items.append($0.items[0])
        $0.items[1].code = "i2"
        $0.items[1].sku = "B1"
        $0.items[0].status = "R40"
      })
    #expect(away.timed("B") == [0, 0] && away.timed("A") == [0, 1] && away.timed("C") == [1, 0])
    try away.take(Self.order("D", 112 * day, "A1"))
    #expect(away.timed("A") == [0, 0] && away.timed("C") == [0, 0])
  }

  @Test func whoAskedIsTheShopOfTheLastOrder() throws {
    let plan = DemandPlan(FactDemand(), own: [DemandScope(mall: "demomall", shop: 2): demand])
    let away = Away(plan)
    try away.take(Self.order("A", 0).with { $0.shop = 2 })
    #expect(away.come(to: 60 * day).map(\.order) == ["A"])
    try away.take(Self.order("B", 61 * day))
    #expect(away.timed("A") == [0, 0] && away.timed("B") == [])
    #expect(away.come(to: 300 * day).isEmpty)
  }

  @Test func withoutACustomerItIsMissing() throws {
    let bench = Bench(
      .empty, demand, customer: SnapshotBuilder("x", at: 0).with { $0.kind = 0 }.identity)
    bench.folder.clock = SnapshotBuilder.minute(100 * day)
    try bench.fold(Self.order("A", 0).with { $0.kind = 0 })
    #expect(bench.facts("A").timed.isEmpty)
    #expect(bench.folder.nextDue(in: bench.customer, after: .min) == .max)
  }

  @Test func everyOrderOfArrivalEndsInTheSameRecords() throws {
    let events = [
      Self.order("A", 0, "A1"), Self.order("A", 0, "A1").shipped(2 * day, version: 2),
      Self.order("B", 30 * day), Self.order("B", 30 * day).cancelled(95 * day, version: 2),
      Self.order("C", 20 * day, "A1"), Self.order("C", 20 * day, "A1").shipped(21 * day, version: 2),
    ]
    var expected: [String: [UInt8]]?
    for (number, order) in permutations(of: events).enumerated() where number % 3 == 0 {
      let away = Away()
      for (index, event) in order.enumerated() {
        if index % 2 == 1 { try away.bench.reload() }
        try away.take(event)
      }
      away.come(to: 111 * day)
      #expect(away.timed("A") == [0, 0] && away.timed("B") == [0, 0] && away.timed("C") == [1, 1])
      let records = away.bench.last.mapValues(\.comparable)
      #expect(records == expected ?? records)
      expected = expected ?? records
    }
  }

  @Test func theLastPurchaseOfManyOrdersIsFoundAsByLookingAtEach() throws {
    var generator = SeededGenerator.announced("last purchase", seed: 118)
    let bench = Bench(.empty, FactDemand())
    for number in 0..<300 {
      let placed = Int64.random(in: 0...1_000, using: &generator)
      let event = Self.order("o\(number)", placed, Bool.random(using: &generator) ? "A1" : "B1")
      // Closed, so that no order has to be decided anew.
      let isCancelled = Int.random(in: 0...9, using: &generator) == 0
      try bench.fold(isCancelled ? event.cancelled(placed, version: 2) : event.shipped(placed, version: 2))
      guard number % 23 == 0 || number > 290 else { continue }
      let customer = bench.customer
      for code in ["", "A1", "C1"] {
        let hash = PurchaseWatch.hash(of: Array(code.utf8))
        let purchases = customer.orders.indices.filter { customer.isPurchase($0, of: hash) }
        let last = purchases.max { customer.isEarlier($0, $1) }
        #expect(customer.lastPurchase(of: hash) == last)
        if let last {
          #expect(
            customer.lastPurchase(of: hash, but: last)
              == purchases.filter { $0 != last }.max { customer.isEarlier($0, $1) })
        }
      }
    }
  }
}
