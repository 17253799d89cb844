import Testing

@testable import History

private let demand = FactDemand(timed: [
  TimedFact(.duplicates, span: 600_000_000), TimedFact(.duplicates, span: 3_600_000_000),
])

func permutations<Element>(of elements: [Element]) -> [[Element]] {
  guard let first = elements.first else { return [[]] }
  return permutations(of: Array(elements.dropFirst())).flatMap { rest in
    (0...rest.count).map { index in
      var copy = rest
      copy.insert(first, at: index)
      return copy
    }
  }
}

@Suite struct DuplicateTests {
  private static let a = SnapshotBuilder("A", at: 0)

  private func counts(_ events: SnapshotBuilder...) throws -> [String: [Int64]] {
    let bench = Bench(.empty, demand)
    for event in events { try bench.fold(event) }
    return bench.last.mapValues(\.facts.timed)
  }

  @Test func bothOrdersAreSuspectedAndTheFirstIsEmittedAgain() throws {
    let bench = Bench(.empty, demand)
    try bench.fold(Self.a)
    #expect(try bench.fold(SnapshotBuilder("B", at: 5)).map(\.order) == ["B", "A"])
    #expect(bench.facts("A").timed == [1, 1] && bench.facts("B").timed == [1, 1])
  }

  @Test func bothEndsOfTheSpanCount() throws {
    #expect(try counts(Self.a, SnapshotBuilder("B", at: 10)) == ["A": [1, 1], "B": [1, 1]])
    let beyond = SnapshotBuilder("B", at: 10).with { $0.placedAt += 1 }
    #expect(try counts(Self.a, beyond) == ["A": [0, 1], "B": [0, 1]])
    let hour = SnapshotBuilder("B", at: 60).with { $0.placedAt += 1 }
    #expect(try counts(Self.a, hour) == ["A": [0, 0], "B": [0, 0]])
  }

  @Test func otherThingsOtherCountsOtherPlacesAreNoDuplicates() throws {
    let b = SnapshotBuilder("B", at: 5)
    #expect(try counts(Self.a, b.with { $0.items[0].quantity = 2 })["A"] == [0, 0])
    #expect(try counts(Self.a, b.with { $0.items[0].sku = "S2" })["A"] == [0, 0])
    #expect(try counts(Self.a, b.with { $0.items.append(.init(code: "i2", sku: "S2")) })["A"] == [0, 0])
    #expect(try counts(Self.a, b.with { $0.receivers[0].fingerprint = 8 })["A"] == [0, 0])
    #expect(try counts(Self.a, b.with { $0.items[0].price = 1 })["A"] == [1, 1])
    // A line that was cancelled is no longer one of the things.
    let more = b.with { $0.items.append(.init(code: "i2", sku: "S2", status: "C40")) }
    #expect(try counts(Self.a, more)["A"] == [1, 1])
    // The lines' order does not count; without a SKU the product's code does; without either nothing is known.
    let two = Self.a.with { $0.items = [.init(sku: "S1"), .init(code: "i2", sku: "S2")] }
    let turned = b.with { $0.items = [.init(sku: "S2"), .init(code: "i2", sku: "S1")] }
    #expect(try counts(two, turned)["A"] == [1, 1])
    let plain = Self.a.with { $0.items[0].sku = "" }
    #expect(try counts(plain, b.with { $0.items[0].sku = "" })["A"] == [1, 1])
    #expect(try counts(plain, b.with { ($0.items[0].sku, $0.items[0].product) = ("", "P2") })["A"] == [0, 0])
    let unknown = Self.a.with { ($0.items[0].sku, $0.items[0].product) = ("", "") }
    #expect(
      try counts(unknown, b.with { ($0.items[0].sku, $0.items[0].product) = ("", "") })["A"] == [0, 0])
  }

  @Test func notWhileAnAddressIsPendingAndNotAfterOneLeft() throws {
    let bench = Bench(.empty, demand)
    try bench.fold(Self.a)
    let b = SnapshotBuilder("B", at: 5).with { $0.addressState = 2 }
    try bench.fold(b)
    #expect(bench.facts("A").timed == [0, 0] && bench.facts("B").timed == [0, 0])
    try bench.fold(b.later(6, version: 2) { $0.addressState = 1 })
    #expect(bench.facts("A").timed == [1, 1] && bench.facts("B").timed == [1, 1])
    // Nothing but the lines changes: prices cancel each other out.
    let changed = b.later(7, version: 3) {
      $0.addressState = 1
      $0.items[0].sku = "S9"
    }
    #expect(try bench.fold(changed).map(\.order) == ["B", "A"])
    #expect(bench.facts("A").timed == [0, 0])
    try bench.fold(b.later(8, version: 4) { $0.addressState = 1 })
    #expect(bench.facts("A").timed == [1, 1])
    try bench.fold(b.cancelled(9, version: 5).with { $0.addressState = 1 })
    #expect(bench.facts("A").timed == [0, 0] && bench.facts("B").timed == [1, 1])
  }

  @Test func withoutACustomerItIsMissing() throws {
    let bench = Bench(
      .empty, demand, customer: SnapshotBuilder("x", at: 0).with { ($0.kind, $0.digest) = (0, 0) }.identity)
    try bench.fold(Self.a.with { ($0.kind, $0.digest) = (0, 0) })
    try bench.fold(SnapshotBuilder("B", at: 5).with { ($0.kind, $0.digest) = (0, 0) })
    #expect(bench.facts("B").timed.isEmpty)
  }

  @Test func everyOrderOfArrivalOfFourOrdersEndsInTheSameRecords() throws {
    let b = SnapshotBuilder("B", at: 8)
    let c = SnapshotBuilder("C", at: 12)
    let events = [
      Self.a, b, c, SnapshotBuilder("D", at: 20), c.later(30, version: 2) { $0.items[0].sku = "S2" },
      b.shipped(25, version: 2),
    ]
    var expected: [String: [UInt8]]?
    for order in permutations(of: events) {
      let bench = Bench(.empty, demand)
      for (index, event) in order.enumerated() {
        if index == 3 { try bench.reload() }
        try bench.fold(event)
      }
      let records = bench.last.mapValues(\.comparable)
      #expect(bench.facts("B").timed == [2, 3] && bench.facts("A").timed == [0, 1])
      #expect(records == expected ?? records)
      expected = expected ?? records
    }
  }

  @Test func whoDoesNotAskGetsTheBytesOfBefore() throws {
    let bench = Bench()
    try bench.fold(Self.a)
    #expect(try bench.fold(SnapshotBuilder("B", at: 5)).allSatisfy { $0.facts.timed.isEmpty })
  }
}
