import Orders
import TestKit
import Testing
import Topics

@testable import History

private let everything = FactDemand(profile: [.grade, .coupons, .cart])

/// What is known of a customer beside his orders (docs/design.md, "Profiles of customers").
@Suite struct ProfileTests {
  private func told(at minute: Int64, shop: Int32 = 1, _ change: (inout ProfileEventValue) -> Void)
    -> ProfileEventValue
  {
    let builder = SnapshotBuilder("x", at: 0)
    var profile = ProfileEventValue()
    profile.mallId = builder.mall
    profile.shopNo = shop
    var key = CustomerKeyValue()
    key.kind = .member
    key.digest = [UInt8](repeating: builder.digest, count: 16)
    profile.customer = key
    profile.at = Instant(microseconds: SnapshotBuilder.minute(minute))
    change(&profile)
    return profile
  }

  private func grade(_ grade: String, at minute: Int64, shop: Int32 = 1) -> ProfileEventValue {
    told(at: minute, shop: shop) { $0.grade = grade }
  }

  private func coupons(_ coupons: [(String, Int64?, Int64?)], at minute: Int64) -> ProfileEventValue {
    told(at: minute) {
      $0.coupons = HeldCouponsValue()
      $0.coupons?.coupons = coupons.map { number, issued, expires in
        var coupon = HeldCouponValue()
        coupon.couponNo = number
        coupon.issuedAt = issued.map { Instant(microseconds: SnapshotBuilder.minute($0)) }
        coupon.expiresAt = expires.map { Instant(microseconds: SnapshotBuilder.minute($0)) }
        return coupon
      }
    }
  }

  private func cart(_ products: [String], at minute: Int64) -> ProfileEventValue {
    told(at: minute) {
      $0.cart = CartValue()
      $0.cart?.currency = "KRW"
      $0.cart?.lines = products.map { product in
        var line = CartLineValue()
        (line.productCode, line.quantity, line.unitPrice) = (product, 1, 1000)
        return line
      }
    }
  }

  private func bench(_ demand: FactDemand = everything) -> Bench { Bench(.empty, demand) }

  @Test func openOrdersFollowWhatIsToldAndClosedOnesStayAsTheyWere() throws {
    let bench = bench()
    try bench.fold(SnapshotBuilder("A", at: 10))
    #expect(bench.facts("A").grade == "")
    #expect(try bench.fold(grade("gold", at: 12)).map(\.order) == ["A"])
    #expect(bench.facts("A").grade == "gold" && bench.last["A"]?.own == false)
    #expect(bench.last["A"]?.n == 1)
    #expect(bench.last["A"]?.decidingInstant == SnapshotBuilder.minute(12))
    try bench.fold(SnapshotBuilder("A", at: 10).shipped(20, version: 2))
    #expect(try bench.fold(grade("vip", at: 30)).isEmpty)
    #expect(try bench.fold(SnapshotBuilder("A", at: 10).shipped(20, version: 2)).first?.facts.grade == "gold")
    // Told late, of the time before the parcel left: it counts.
    #expect(try bench.fold(grade("silver", at: 15)).map(\.facts.grade) == ["silver"])
    // At the very instant of leaving it is too late.
    #expect(try bench.fold(grade("iron", at: 20)).isEmpty)
    // An order of now sees what is so now; an older profile overwrites nothing.
    try bench.fold(SnapshotBuilder("B", at: 40))
    #expect(bench.facts("B").grade == "vip")
    #expect(try bench.fold(grade("old", at: 29)).isEmpty && bench.facts("B").grade == "vip")
    // First seen shipped: as it was then.
    try bench.fold(SnapshotBuilder("C", at: 16).with { $0.items[0].tracking = true })
    #expect(bench.facts("C").grade == "silver")
  }

  @Test func aProfileIsAskedForByTheRulesOfItsOwnMall() throws {
    let here = SnapshotBuilder("A", at: 10)
    let plan = DemandPlan(FactDemand(), own: [DemandScope(mall: here.mall): FactDemand(profile: .grade)])
    let folder = HistoryFolder(reference: .empty, plan: plan)
    let customer = CustomerHistory(customer: here.identity)
    var emitted: [String] = []
    func note(_ record: EmittedRecord) {
      let read = ReadRecord(record.bytes)
      emitted.append("\(read.order) \(read.facts.grade)")
    }
    let position = InputPosition(partition: 0, offset: 0)
    try here.bytes.withUnsafeBytes { _ = try folder.fold($0, position: position, into: customer, emit: note) }
    // Another mall's order lies between.
    let there = SnapshotBuilder("B", at: 10).with { $0.mall = "z" }
    let other = CustomerHistory(customer: there.identity)
    try there.bytes.withUnsafeBytes { _ = try folder.fold($0, position: position, into: other, emit: note) }
    try folder.fold(grade("gold", at: 12), position: position, into: customer, emit: note)
    #expect(emitted == ["A ", "B ", "A gold"])
  }

  @Test func whatNobodyAsksForIsKeptAndSaysNothing() throws {
    let bench = bench(FactDemand(profile: .cart))
    try bench.fold(SnapshotBuilder("A", at: 10))
    #expect(try bench.fold(grade("gold", at: 12)).isEmpty)
    #expect(try bench.fold(cart(["P1"], at: 13)).map(\.facts.cart) == [["P1"]])
    #expect(bench.facts("A").grade == "")
    // With rules that ask for it the next decision has it.
    bench.customer.changedRecords { key, value in bench.stored[[UInt8](key)] = [UInt8](value) }
    let other = self.bench()
    other.customer = bench.customer
    #expect(try other.fold(SnapshotBuilder("A", at: 10)).first?.facts.grade == "gold")
  }

  @Test func aCouponIsHeldFromItsIssueUntilItExpires() throws {
    let bench = bench()
    try bench.fold(SnapshotBuilder("A", at: 10))
    #expect(bench.facts("A").coupons == nil)
    let all: [(String, Int64?, Int64?)] = [
      ("always", nil, nil), ("later", 20, nil), ("short", nil, 20), ("both", 11, 30), ("gone", 1, 5),
    ]
    try bench.fold(coupons(all, at: 11))
    #expect(bench.facts("A").coupons == ["always", "short", "both"])
    // Another order moves the customer's time on: the first one is decided anew.
    let emitted = try bench.fold(SnapshotBuilder("B", at: 20).with { $0.receivers[0].fingerprint = 1 })
    #expect(emitted.map(\.order) == ["B", "A"])
    #expect(bench.facts("A").coupons == ["always", "later", "both"])
    #expect(bench.facts("B").coupons == ["always", "later", "both"])
    // None is held any more, which is not the same as not known.
    try bench.fold(coupons([], at: 40))
    #expect(bench.facts("A").coupons == [] && bench.facts("B").coupons == [])
  }

  @Test func anotherPartOrAProfileOfAnotherShopMovesTimeOnlyWhereItCounts() throws {
    let bench = bench()
    try bench.fold(SnapshotBuilder("A", at: 10))
    try bench.fold(coupons([("short", nil, 20)], at: 11))
    #expect(try bench.fold(grade("gold", at: 25, shop: 2)).isEmpty)
    #expect(bench.facts("A").coupons == ["short"] && bench.facts("A").grade == "")
    #expect(try bench.fold(grade("vip", at: 25)).map(\.facts.coupons) == [[]])
    try bench.fold(SnapshotBuilder("B", at: 26).with { $0.shop = 2 })
    #expect(bench.facts("B").grade == "gold" && bench.facts("B").coupons == nil)
  }

  @Test func repeatsChangeNothingAndOfOneInstantTheSameStandsWhicheverCameFirst() throws {
    for flip in [false, true] {
      let bench = bench()
      try bench.fold(SnapshotBuilder("A", at: 10))
      let both = [grade("aa", at: 12), grade("ab", at: 12), grade("b", at: 12)]
      for event in flip ? both.reversed() : both { try bench.fold(event) }
      #expect(bench.facts("A").grade == "ab")
      for event in both { #expect(try bench.fold(event).isEmpty) }
    }
  }

  /// Orders and profiles of two shops, open, closed and first seen closed, folded in 200 shuffled orders, with the state
  /// put away and restored on the way: the last records are the same.
  @Test func everyOrderOfArrivalEndsInTheSameRecords() throws {
    let a = SnapshotBuilder("A", at: 10)
    let orders: [SnapshotBuilder] = [
      a, a.later(22, version: 2) { $0.items[0].price = 7 }, a.shipped(30, version: 3),
      SnapshotBuilder("B", at: 12), SnapshotBuilder("C", at: 26).with { $0.items[0].tracking = true },
      SnapshotBuilder("D", at: 27).with { $0.shop = 2 }, SnapshotBuilder("B", at: 12).later(45, version: 2),
    ]
    let profiles = [
      grade("gold", at: 11), grade("vip", at: 25), grade("iron", at: 50), grade("two", at: 20, shop: 2),
      coupons([("c1", nil, 29), ("c2", 28, 44), ("c3", 46, nil)], at: 14), coupons([("c4", nil, 60)], at: 29),
      cart(["P1", "P2"], at: 9), cart([], at: 40), cart(["P3"], at: 29),
    ]
    var random = SeededGenerator.announced("profiles and orders", seed: 33)
    var expected: [String: [UInt8]] = [:]
    for round in 0..<200 {
      let bench = bench()
      var steps = Array(0..<(orders.count + profiles.count))
      if round > 0 { steps.shuffle(using: &random) }
      for step in steps {
        if step < orders.count {
          try bench.fold(orders[step])
        } else {
          try bench.fold(profiles[step - orders.count])
        }
        if Int.random(in: 0..<4, using: &random) == 0 { try bench.reload() }
      }
      let records = bench.last.mapValues(\.comparable)
      if round == 0 { expected = records }
      #expect(records == expected, "round \(round): \(steps)")
    }
    #expect(expected.count == 4)
  }

  @Test func restoredFromItsRecordsItIsTheSame() throws {
    let bench = bench()
    for minute in 0..<5 { try bench.fold(cart(["P\(minute)"], at: Int64(minute))) }
    try bench.fold(coupons([("c", nil, nil)], at: 2))
    try bench.fold(grade("gold", at: 1, shop: 3))
    let before = bench.customer.profiles
    try bench.reload()
    #expect(bench.customer.orderCount == 0 && bench.stored.count == 3)
    #expect(bench.customer.profile(ofShop: 1)?.cart == before[0].cart)
    #expect(bench.customer.profile(ofShop: 1)?.coupons == before[0].coupons)
    #expect(bench.customer.profile(ofShop: 3)?.grade == before[1].grade)
    // Nothing of it looks like an order's record, and none is taken for another customer's.
    for key in bench.stored.keys {
      #expect(key.first == 0xFF)
      #expect(key.withUnsafeBytes { CustomerIdentity(recordKey: $0) } == nil)
    }
    let stranger = SnapshotBuilder("x", at: 0).with { $0.digest = 8 }.identity
    #expect(throws: HistoryError.otherCustomer) {
      try CustomerHistory(
        customer: stranger, records: bench.stored.map { (key: $0.key, value: $0.value) })
    }
    for (key, value) in bench.stored {
      for cut in [0, 1, value.count - 1] {
        #expect(throws: HistoryError.self) {
          try CustomerHistory(customer: bench.customer.customer, records: [(key, Array(value.prefix(cut)))])
        }
      }
    }
  }

  @Test func whatIsKeptIsBoundedAndDoesNotDependOnTheOrderOfArrival() throws {
    var random = SeededGenerator.announced("bounded parts", seed: 5)
    for sizes in [1...8, 1...3_000] {
      let states = (0..<300).map { at in
        DatedPart(
          at: Int64(at),
          bytes: [UInt8](repeating: UInt8(at % 250), count: Int.random(in: sizes, using: &random)))
      }
      var expected: DatedParts?
      for _ in 0..<30 {
        var parts = DatedParts()
        for state in states.shuffled(using: &random) { _ = parts.insert(state) }
        #expect(parts.all.count <= DatedParts.countMax && parts.byteCount <= DatedParts.bytesMax)
        #expect(parts.latest == states.last)
        if let expected { #expect(parts == expected) }
        expected = parts
        #expect(try DatedParts(record: parts.record) == parts)
      }
      // What was dropped is not known, rather than taken from a later state.
      var kept = try #require(expected)
      let oldest = try #require(kept.all.first?.at)
      #expect(oldest > 0 && kept.state(at: oldest - 1) == nil)
      let isTaken = kept.insert(DatedPart(at: oldest - 1, bytes: [1]))
      #expect(!isTaken)
    }
  }

  @Test func whatIsNotThisCustomersOrOutOfRangeIsRefusedAndChangesNothing() throws {
    let bench = bench()
    let other = told(at: 1) { $0.customer?.digest = [UInt8](repeating: 1, count: 16) }
    #expect(throws: HistoryError.otherCustomer) { try bench.fold(other) }
    #expect(throws: HistoryError.otherCustomer) { try bench.fold(told(at: 1) { $0.customer?.digest = [1] }) }
    #expect(throws: HistoryError.invalidField("at_us")) {
      try bench.fold(told(at: 1) { $0.at = Instant(microseconds: .max) })
    }
    for shop in 0..<CustomerHistory.profilesMax { try bench.fold(grade("g", at: 1, shop: Int32(shop))) }
    #expect(throws: HistoryError.tooManyProfiles) { try bench.fold(grade("g", at: 1, shop: 1_000)) }
    #expect(bench.customer.profiles.count == CustomerHistory.profilesMax)
  }

  @Test func aProfileBeforeAnyOrderWaitsForIt() throws {
    let bench = bench()
    #expect(try bench.fold(grade("gold", at: 5)).isEmpty)
    try bench.reload()
    try bench.fold(SnapshotBuilder("A", at: 10))
    #expect(bench.facts("A").grade == "gold")
    // An order of before that was told does not know it while it is closed.
    try bench.fold(SnapshotBuilder("Z", at: 4).with { $0.items[0].tracking = true })
    #expect(bench.facts("Z").grade == "")
  }
}
