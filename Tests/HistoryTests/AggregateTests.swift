import Orders
import Testing
import Topics

@testable import History

private let hour: Int64 = 3_600_000_000
private let day = 24 * hour

/// Measures of earlier orders, worked out by hand. Minutes are those of `SnapshotBuilder`.
@Suite struct AggregateTests {
  private static let dayMinutes: Int64 = 1_440

  private func bench(_ aggregates: HistoryAggregate...) -> Bench {
    Bench(.empty, FactDemand(aggregates: aggregates))
  }

  private func code(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test func eachMeasureCountsTheEarlierOrdersOfItsWindow() throws {
    let bench = bench(
      .init(.orders, .all), .init(.orders, .span(2 * day)), .init(.amount, .all),
      .init(.amount, .span(2 * day)),
      .init(.cancels, .all), .init(.cancels, .span(day)), .init(.products, .all), .init(.skus, .all),
      .init(.skus, .span(day)), .init(.quantity, .all), .init(.quantity, .span(2 * day)))
    let a = SnapshotBuilder("A", at: 0).with { $0.items[0].quantity = 3 }
    try bench.fold(a)
    #expect(bench.facts("A").aggregates == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    // Unpaid counts as an order and not as an amount.
    try bench.fold(
      SnapshotBuilder("B", at: 2 * Self.dayMinutes).with {
        $0.payment = 1
        $0.items = [
          .init(product: "P1", sku: "S2"), .init(code: "i2", product: "P2", sku: "S3", quantity: 2),
        ]
      })
    #expect(bench.facts("B").aggregates == [1, 1, 30_000, 30_000, 0, 0, 1, 1, 0, 3, 3])
    try bench.fold(SnapshotBuilder("C", at: 3 * Self.dayMinutes).cancelled(3 * Self.dayMinutes, version: 1))
    try bench.fold(SnapshotBuilder("D", at: 3 * Self.dayMinutes + 60))
    #expect(bench.facts("D").aggregates == [2, 1, 30_000, 0, 1, 1, 2, 3, 0, 6, 3])
  }

  @Test func aWindowTakesInItsBeginningAndWhatIsEarlierAtItsEnd() throws {
    let demanded = HistoryAggregate(.orders, .span(day))
    let x = SnapshotBuilder("M", at: 10_000)
    func count(_ order: String, _ microseconds: Int64) throws -> Int64? {
      let bench = bench(demanded)
      try bench.fold(x)
      try bench.fold(SnapshotBuilder(order, at: 10_000).with { $0.placedAt = x.placedAt + microseconds })
      return bench.facts("M").aggregates[0]
    }
    #expect(try count("A", -day) == 1)
    #expect(try count("A", -day - 1) == 0)
    #expect(try count("A", -1) == 1)
    // At the same instant the smaller order id is the earlier one, as for `history.orders`.
    #expect(try count("A", 0) == 1)
    #expect(try count("Z", 0) == 0)
    #expect(try count("A", 1) == 0)
  }

  @Test(arguments: [
    ("2026-05-31T10:00:00+09:00", 3, "2026-02-28T10:00:00+09:00"),
    ("2028-05-31T10:00:00+09:00", 3, "2028-02-29T10:00:00+09:00"),
    ("2026-11-30T00:00:00+09:00", 3, "2026-08-30T00:00:00+09:00"),
    ("2026-03-31T08:59:59+09:00", 1, "2026-02-28T08:59:59+09:00"),
    ("2026-10-01T00:00:00+09:00", 36, "2023-10-01T00:00:00+09:00"),
  ]) func monthsAreThoseOfTheShopsCalendar(_ placed: String, _ months: Int, _ begins: String) throws {
    let x = try #require(Instant(rfc3339: placed)).microseconds
    let begin = try #require(Instant(rfc3339: begins)).microseconds
    for (instant, expected) in [(begin, Int64(1)), (begin - 1, 0)] {
      let bench = bench(.init(.orders, .months(months)), .init(.bought, .months(months), code: code("S1")))
      try bench.fold(SnapshotBuilder("A", at: 0).with { $0.placedAt = instant })
      try bench.fold(SnapshotBuilder("B", at: 1).with { $0.placedAt = x })
      #expect(bench.facts("B").aggregates == [expected, expected])
    }
  }

  @Test func onlyLiveLinesThatAreNoGiftsAreBought() throws {
    let bench = bench(
      .init(.bought, .all, code: code("S1")), .init(.boughtQuantity, .all, code: code("S1")),
      .init(.lastBoughtAt, code: code("S1")), .init(.bought, .all, code: code("P1")),
      .init(.boughtQuantity, .all, code: code("P1")), .init(.bought, .all, code: code("S")),
      .init(.quantity, .all), .init(.products, .all), .init(.skus, .all))
    func facts(_ items: SnapshotBuilder.Line...) throws -> [Int64?] {
      let bench = Bench(.empty, bench.folder.demand)
      try bench.fold(SnapshotBuilder("A", at: 7).with { $0.items = items })
      try bench.fold(SnapshotBuilder("B", at: 9))
      return bench.facts("B").aggregates
    }
    let at = SnapshotBuilder.minute(7)
    #expect(try facts(.init(quantity: 2)) == [1, 2, at, 1, 2, 0, 2, 1, 1])
    // Two lines of one order are one order; the product's code stands for all its SKUs.
    #expect(
      try facts(.init(quantity: 2), .init(code: "i2", sku: "S2", quantity: 4)) == [
        1, 2, at, 1, 6, 0, 6, 1, 2,
      ])
    #expect(try facts(.init(), .init(code: "i2", quantity: 5)) == [1, 6, at, 1, 6, 0, 6, 1, 1])
    // A line whose SKU is its product's code counts once.
    #expect(try facts(.init(product: "S1", quantity: 3)) == [1, 3, at, 0, 0, 0, 3, 1, 1])
    #expect(try facts(.init(isGift: true), .init(code: "i2", sku: "S2")) == [0, 0, nil, 1, 1, 0, 1, 1, 1])
    for status in ["C40", "R40"] {
      #expect(
        try facts(.init(status: status), .init(code: "i2", sku: "S2", status: "N30"))
          == [0, 0, nil, 1, 1, 0, 1, 1, 1])
    }
    // A request takes nothing away yet; a line without codes is a piece of something.
    #expect(try facts(.init(status: "C00")) == [1, 1, at, 1, 1, 0, 1, 1, 1])
    #expect(try facts(.init(product: "", sku: "")) == [0, 0, nil, 0, 0, 0, 1, 0, 0])
    #expect(try facts(.init(quantity: -4)) == [1, 0, at, 1, 0, 0, 0, 1, 1])
  }

  @Test func theFirstAndTheLastOrderAreNotThoseThatWereCancelled() throws {
    let bench = bench(.init(.firstOrderAt), .init(.lastOrderAt), .init(.lastBoughtAt, code: code("S2")))
    let a = SnapshotBuilder("A", at: 0)
    try bench.fold(a)
    #expect(bench.facts("A").aggregates == [nil, nil, nil])
    try bench.fold(SnapshotBuilder("B", at: 5).with { $0.items[0].sku = "S2" })
    try bench.fold(SnapshotBuilder("C", at: 9))
    try bench.fold(SnapshotBuilder("D", at: 20))
    let minute = SnapshotBuilder.minute
    #expect(bench.facts("B").aggregates == [minute(0), minute(0), nil])
    #expect(bench.facts("D").aggregates == [minute(0), minute(9), minute(5)])
    // Every later open order is decided anew.
    #expect(try bench.fold(a.cancelled(30, version: 2)).map(\.order) == ["A", "B", "C", "D"])
    #expect(bench.facts("B").aggregates == [nil, nil, nil])
    #expect(bench.facts("D").aggregates == [minute(5), minute(9), minute(5)])
  }

  @Test func anOrderIsEmittedAnewWhenNothingButAMeasureChanges() throws {
    let bench = bench(.init(.bought, .all, code: code("S2")), .init(.cancels, .all))
    let a = SnapshotBuilder("A", at: 0)
    try bench.fold(a)
    try bench.fold(SnapshotBuilder("B", at: 5))
    // Another SKU at the same price: `history.orders` and `history.amount` stay as they are.
    #expect(try bench.fold(a.later(6, version: 2) { $0.items[0].sku = "S2" }).map(\.order) == ["A", "B"])
    #expect(bench.facts("B").aggregates == [1, 0] && bench.facts("B").orders == 1)
    // What says nothing new emits the order itself alone.
    #expect(try bench.fold(a.later(7, version: 3) { $0.items[0].sku = "S2" }).map(\.order) == ["A"])
    // An earlier order that is first heard of when it is cancelled.
    let late = SnapshotBuilder("0", at: 8, placed: -5).cancelled(8, version: 1)
    #expect(try bench.fold(late).map(\.order) == ["0", "A", "B"])
    #expect(bench.facts("A").aggregates == [0, 1] && bench.facts("B").aggregates == [1, 1])
    // The time of an order may be corrected, to behind another order.
    try bench.fold(late.later(9, version: 2) { $0.placedAt = SnapshotBuilder.minute(3) })
    #expect(bench.facts("A").aggregates == [0, 0] && bench.facts("B").aggregates == [1, 1])
    try bench.fold(late.later(10, version: 3) { $0.placedAt = SnapshotBuilder.minute(6) })
    #expect(bench.facts("B").aggregates == [1, 0])
  }

  @Test func whatHappensLaterLeavesAClosedOrderBitForBitAsItWas() throws {
    let bench = bench(
      .init(.orders, .months(1)), .init(.cancels, .all), .init(.bought, .all, code: code("S1")),
      .init(.quantity, .span(day)), .init(.lastOrderAt), .init(.products, .all))
    let a = SnapshotBuilder("A", at: 0)
    let b = SnapshotBuilder("B", at: 10)
    for event in [a, b, b.shipped(20, version: 2)] { try bench.fold(event) }
    let decided = try #require(bench.last["B"])
    #expect(decided.facts.aggregates == [1, 0, 1, 1, SnapshotBuilder.minute(0), 1])
    let later = [
      SnapshotBuilder("C", at: 30), a.later(31, version: 2) { $0.items[0].sku = "S9" },
      a.cancelled(40, version: 3), SnapshotBuilder("D", at: 50).with { $0.items[0].quantity = 9 },
      // Placed before B, first heard of after B had left.
      SnapshotBuilder("E", at: 60, placed: 5),
    ]
    for event in later {
      try bench.fold(event)
      #expect(bench.last["B"]?.comparable == decided.comparable)
    }
    #expect(bench.facts("D").aggregates[1] == 1)
    // What happened before B left and arrives late still counts.
    #expect(
      try bench.fold(a.later(15, version: 1) { $0.items[0].sku = "S1" }).map(\.order).contains("B") == false)
    #expect(try bench.fold(SnapshotBuilder("F", at: 12, placed: 2)).map(\.order).contains("B"))
    #expect(bench.facts("B").aggregates == [2, 0, 2, 2, SnapshotBuilder.minute(2), 1])
  }

  @Test func aLateChangeShowsTheMeasuresOfItsOwnInstant() throws {
    let bench = bench(.init(.orders, .span(hour)))
    let b = SnapshotBuilder("B", at: 70)
    for event in [SnapshotBuilder("A", at: 0), b, b.shipped(80, version: 2)] { try bench.fold(event) }
    #expect(bench.facts("B").aggregates == [0])
    try bench.fold(
      b.shipped(90, version: 3).with {
        $0.items[0].price = 5
        $0.placedAt = SnapshotBuilder.minute(60)
      })
    #expect(bench.facts("B").aggregates == [0] && bench.last["B"]?.lateFacts?.aggregates == [1])
    // An event of another order that reaches only the late facts.
    let other = SnapshotBuilder("C", at: 75, placed: 61).with {
      $0.placedAt = SnapshotBuilder.minute(60) - hour
    }
    try bench.fold(other)
    #expect(bench.last["B"]?.lateFacts?.aggregates == [2] && bench.facts("B").aggregates == [0])
  }

  @Test func otherCurrenciesAreNotAddedUp() throws {
    let bench = bench(.init(.amount, .months(1)))
    try bench.fold(SnapshotBuilder("A", at: 0).with { $0.currency = "USD" })
    try bench.fold(SnapshotBuilder("B", at: 1))
    try bench.fold(SnapshotBuilder("C", at: 2))
    #expect(bench.facts("C").aggregates == [10_000])
  }

  @Test func withoutACustomerTheyAreMissing() throws {
    let nobody = SnapshotBuilder("A", at: 0).with { ($0.kind, $0.digest) = (0, 0) }
    let bench = Bench(
      .empty, FactDemand(aggregates: [.init(.orders, .months(3))]), customer: nobody.identity)
    try bench.fold(nobody)
    #expect(bench.facts("A").aggregates.isEmpty && !bench.facts("A").historyKnown)
  }

  @Test func whatIsWrittenSaysWhichMeasureItIs() throws {
    let bench = bench(
      .init(.cancels, .span(hour)), .init(.boughtQuantity, .months(3), code: code("S1")), .init(.lastOrderAt))
    var values: [HistoryAggregateValue] = []
    let snapshot = SnapshotBuilder("A", at: 0)
    try snapshot.bytes.withUnsafeBytes { bytes in
      _ = try bench.folder.fold(bytes, position: InputPosition(partition: 0, offset: 0), into: bench.customer)
      {
        values = EnrichedOrderValue(protobuf: $0.bytes)?.facts?.aggregates ?? []
      }
    }
    var cancels = HistoryAggregateValue()
    (cancels.measure, cancels.spanUs, cancels.value) = (2, hour, 0)
    var bought = HistoryAggregateValue()
    (bought.measure, bought.months, bought.code, bought.value) = (7, 3, code("S1"), 0)
    var last = HistoryAggregateValue()
    last.measure = 9
    #expect(values == [cancels, bought, last])
  }

  @Test func noMoreThanTheLimitAreComputed() throws {
    let many = (0..<300).map { HistoryAggregate(.bought, .all, code: code("S\($0)")) }
    let bench = Bench(.empty, FactDemand(aggregates: many))
    try bench.fold(SnapshotBuilder("A", at: 0))
    try bench.fold(SnapshotBuilder("B", at: 1))
    #expect(bench.facts("B").aggregates.count == FactDemand.aggregatesMax)
    #expect(bench.facts("B").aggregates.compactMap { $0 }.reduce(0, +) == 1)
  }

  @Test func whoDoesNotAskGetsTheBytesOfBefore() throws {
    let asking = bench(.init(.orders, .months(3)))
    let plain = Bench()
    for event in [SnapshotBuilder("A", at: 0), SnapshotBuilder("B", at: 5)] {
      #expect(try plain.fold(event).allSatisfy { $0.facts.aggregates.isEmpty })
      try asking.fold(event)
    }
    #expect(plain.last["B"]?.comparable != asking.last["B"]?.comparable)
  }
}
