import Orders
import Testing
import Topics

@testable import History

/// What a beacon tells of an order (docs/design.md, "An order and its beacon").
@Suite struct ContextFoldTests {
  /// 8.x is American, 9.x Japanese, 1.x Korean; 100.x tells nothing.
  private static let reference: ReferenceData = {
    var builder = ReferenceBuilder()
    let rows = "134217728,150994943,US\n150994944,167772159,JP\n16777216,33554431,KR\n"
    Array(rows.utf8).withUnsafeBytes { builder.add(.geo, $0, file: "geo.csv") }
    return builder.build()
  }()

  private static func told(_ order: String, _ ip: String, at minute: Int64, shop: Int32 = 1)
    -> ContextEventValue
  {
    var context = ContextEventValue()
    let builder = SnapshotBuilder(order, at: 0)
    context.mallId = builder.mall
    context.shopNo = shop
    context.orderId = order
    var key = CustomerKeyValue()
    key.kind = .member
    key.digest = [UInt8](repeating: builder.digest, count: 16)
    context.customer = key
    context.ip = ip
    context.at = Instant(microseconds: SnapshotBuilder.minute(minute))
    return context
  }

  private let order = SnapshotBuilder("A", at: 10)

  private func bench() -> Bench { Bench(Self.reference) }

  @Test func anOrderIsDecidedAgainWhenItsBeaconComes() throws {
    let bench = bench()
    try bench.fold(order)
    #expect(bench.facts("A").country.isEmpty)
    let emitted = try bench.fold(Self.told("A", "8.8.8.8", at: 11))
    #expect(emitted.map(\.order) == ["A"] && bench.facts("A").country == "US")
    #expect(bench.last["A"]?.inputTime == SnapshotBuilder.minute(11))
    // Told again, or told what changes nothing: nothing is emitted.
    #expect(try bench.fold(Self.told("A", "8.8.8.8", at: 11)).isEmpty)
    #expect(try bench.fold(Self.told("A", "8.8.4.4", at: 9)).isEmpty)
    // A later state of the order has it too, and no sibling is touched.
    try bench.fold(SnapshotBuilder("B", at: 12))
    try bench.fold(order.later(20, version: 2) { $0.items[0].price = 3 })
    #expect(bench.facts("A").country == "US" && bench.facts("B").country.isEmpty)
  }

  @Test func aBeaconBeforeItsOrderIsKeptAndMergesAlsoAfterAReload() throws {
    for reloads in [false, true] {
      let bench = bench()
      #expect(try bench.fold(Self.told("A", "8.8.8.8", at: 5)).isEmpty)
      try bench.fold(SnapshotBuilder("B", at: 6))
      if reloads { try bench.reload() }
      #expect(bench.customer.orderCount == 1)
      try bench.fold(Self.told("A", "9.9.9.9", at: 7))
      if reloads { try bench.reload() }
      try bench.fold(order)
      #expect(bench.facts("A").country == "JP" && bench.facts("A").orders == 1)
      if reloads { try bench.reload() }
      #expect(try bench.fold(order).first?.facts.country == "JP")
      #expect(bench.stored.count == (reloads ? 2 : 0))
    }
  }

  @Test func theBeaconWithTheHighestTimeCountsAndOfEqualOnesTheHighestCountry() throws {
    let contexts = [
      Self.told("A", "8.8.8.8", at: 11), Self.told("A", "9.9.9.9", at: 12), Self.told("A", "1.2.3.4", at: 12),
    ]
    for flip in [false, true] {
      let bench = bench()
      try bench.fold(order)
      for context in flip ? contexts.reversed() : contexts { try bench.fold(context) }
      #expect(bench.facts("A").country == "KR")
      // One that tells no country is the last word all the same.
      try bench.fold(Self.told("A", "100.64.0.1", at: 13))
      #expect(bench.facts("A").country.isEmpty)
    }
  }

  @Test func anAddressOfItsOwnGoesBeforeABeacon() throws {
    let bench = bench()
    try bench.fold(Self.told("A", "8.8.8.8", at: 11))
    try bench.fold(order.with { $0.ip = "1.2.3.4" })
    #expect(bench.facts("A").country == "KR")
    try bench.fold(order.later(20, version: 2) { $0.ip = "10.0.0.1" })
    #expect(bench.facts("A").country.isEmpty)
    try bench.reload()
    #expect(try bench.fold(order).first?.facts.country.isEmpty == true)
    try bench.fold(order.later(21, version: 3))
    #expect(bench.facts("A").country == "US")
  }

  @Test func aBeaconAfterTheParcelLeftChangesNothingAndOneBeforeThatArrivesLateDoes() throws {
    let bench = bench()
    try bench.fold(order)
    try bench.fold(order.shipped(30, version: 2))
    #expect(try bench.fold(Self.told("A", "9.9.9.9", at: 30)).isEmpty)
    #expect(try bench.fold(Self.told("A", "9.9.9.9", at: 40)).isEmpty)
    #expect(bench.facts("A").country.isEmpty)
    #expect(try bench.fold(Self.told("A", "8.8.8.8", at: 29)).map(\.facts.country) == ["US"])
    // A reverted shipment opens it again: what was told meanwhile counts.
    try bench.fold(order.later(50, version: 3))
    #expect(bench.facts("A").country == "JP")
    // First seen shipped: what was told until then.
    try bench.fold(SnapshotBuilder("B", at: 60).with { $0.items[0].tracking = true })
    try bench.fold(Self.told("B", "9.9.9.9", at: 61))
    try bench.fold(Self.told("B", "8.8.8.8", at: 60))
    #expect(bench.facts("B").country == "US")
  }

  @Test func everyOrderOfArrivalEndsInTheSameRecords() throws {
    let inputs: [(SnapshotBuilder?, ContextEventValue?)] = [
      (order, nil), (order.later(20, version: 2) { $0.items[0].price = 7 }, nil),
      (order.shipped(30, version: 3), nil), (SnapshotBuilder("B", at: 12), nil),
      (nil, Self.told("A", "8.8.8.8", at: 15)), (nil, Self.told("A", "9.9.9.9", at: 29)),
      (nil, Self.told("A", "1.2.3.4", at: 31)),
    ]
    var expected: [String: [UInt8]] = [:]
    for (index, arrival) in permutations(inputs).enumerated() {
      let bench = bench()
      for (number, (snapshot, context)) in arrival.enumerated() {
        if let snapshot { try bench.fold(snapshot) }
        if let context {
          try bench.fold(context)
          try bench.fold(context)
        }
        if index % 50 == 0, number == index / 50 % 7 { try bench.reload() }
      }
      let found = bench.last.mapValues(\.comparable)
      if index == 0 { expected = found }
      #expect(found == expected, "arrival \(index)")
      #expect(bench.facts("A").country == "JP")
    }
  }

  @Test func theEarliestBeaconsStayHoweverManyThereAre() throws {
    let flood = (0..<100).map { Self.told("A", $0 == 31 ? "8.8.8.8" : "9.9.9.9", at: Int64($0)) }
    for contexts in [flood, flood.reversed()] {
      let bench = bench()
      try bench.fold(order)
      for context in contexts { try bench.fold(context) }
      #expect(bench.facts("A").country == "US")
      try bench.reload()
      #expect(try bench.fold(order).first?.facts.country == "US")
    }
  }

  @Test func theStateHoldsTheCountryOnly() throws {
    let bench = bench()
    try bench.fold(order)
    try bench.fold(Self.told("A", "8.8.8.8", at: 11))
    try bench.fold(Self.told("C", "9.9.9.9", at: 11))
    try bench.reload()
    #expect(bench.stored.count == 2)
    for value in bench.stored.values { #expect(!String(decoding: value, as: UTF8.self).contains(".8.8")) }
  }

  @Test func whatDoesNotFitIsRefusedBeforeAnythingChanges() throws {
    let bench = bench()
    var other = Self.told("A", "8.8.8.8", at: 1)
    other.mallId = "othermall"
    #expect(throws: HistoryError.otherCustomer) { try bench.fold(other) }
    var timeless = Self.told("A", "8.8.8.8", at: 1)
    timeless.at = .distantFuture
    #expect(throws: HistoryError.invalidField("at_us")) { try bench.fold(timeless) }
    var nameless = Self.told("", "8.8.8.8", at: 1)
    #expect(throws: HistoryError.invalidField("order_id")) { try bench.fold(nameless) }
    nameless.customer = nil
    #expect(CustomerIdentity(nameless) == nil)
    #expect(!bench.customer.hasChanges)
    for number in 0..<CustomerHistory.awaitedMax { try bench.fold(Self.told("W\(number)", "8.8.8.8", at: 1)) }
    #expect(throws: HistoryError.tooManyAwaited) { try bench.fold(Self.told("A", "8.8.8.8", at: 1)) }
    try bench.fold(Self.told("W0", "9.9.9.9", at: 2))
    try bench.fold(SnapshotBuilder("W0", at: 3))
    #expect(bench.facts("W0").country == "JP")
    try bench.fold(Self.told("A", "8.8.8.8", at: 1))
  }
}

private func permutations<Element>(_ elements: [Element]) -> [[Element]] {
  guard let first = elements.first else { return [[]] }
  return permutations(Array(elements.dropFirst())).flatMap { rest in
    (0...rest.count).map { index in
      var copy = rest
      copy.insert(first, at: index)
      return copy
    }
  }
}
