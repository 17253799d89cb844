import Orders
import Testing
import Topics

@testable import History

private let hour: Int64 = 60
private let day: Int64 = 24 * 60
private let dayUs: Int64 = 86_400_000_000
private let demand = FactDemand(timed: [
  TimedFact(.coupon, span: dayUs), TimedFact(.cart, span: dayUs),
  TimedFact(.cart, span: 3 * dayUs, code: Array("A1".utf8)),
])

/// Coupons that are about to expire and things left in the cart, by the clock of a partition.
@Suite struct ProfileTimerTests {
  private let bench = Bench(.empty, demand)

  @discardableResult
  private func come(to minute: Int64, andMicroseconds more: Int64 = 0) -> [ReadRecord] {
    let before = bench.folder.clock
    bench.folder.clock = max(before, SnapshotBuilder.minute(minute) + more)
    var records: [ReadRecord] = []
    let due = bench.folder.nextDue(in: bench.customer, after: before)
    guard due <= bench.folder.clock else { return [] }
    _ = bench.folder.fire(
      bench.customer, from: due, position: InputPosition(partition: 3, offset: bench.offset), number: 1
    ) { records.append(ReadRecord($0.bytes)) }
    for record in records { bench.last[record.order] = record }
    return records
  }

  private func told(_ minute: Int64, _ change: (inout ProfileEventValue) -> Void) -> ProfileEventValue {
    let builder = SnapshotBuilder("x", at: 0)
    var profile = ProfileEventValue()
    profile.mallId = builder.mall
    profile.shopNo = 1
    var key = CustomerKeyValue()
    key.kind = .member
    key.digest = [UInt8](repeating: builder.digest, count: 16)
    profile.customer = key
    profile.at = Instant(microseconds: SnapshotBuilder.minute(minute))
    change(&profile)
    return profile
  }

  private func coupons(_ expiries: [Int64?], issued: Int64? = nil, at minute: Int64) -> ProfileEventValue {
    told(minute) {
      $0.coupons = HeldCouponsValue()
      $0.coupons?.coupons = expiries.enumerated().map { number, expires in
        var coupon = HeldCouponValue()
        coupon.couponNo = "C\(number)"
        coupon.issuedAt = issued.map { Instant(microseconds: SnapshotBuilder.minute($0)) }
        coupon.expiresAt = expires.map { Instant(microseconds: SnapshotBuilder.minute($0)) }
        return coupon
      }
    }
  }

  private func cart(_ lines: [(sku: String, added: Int64?)], at minute: Int64) -> ProfileEventValue {
    told(minute) {
      $0.cart = CartValue()
      $0.cart?.currency = "KRW"
      $0.cart?.lines = lines.map { sku, added in
        var line = CartLineValue()
        (line.productCode, line.sku, line.quantity, line.unitPrice) = ("P-\(sku)", sku, 1, 1000)
        line.addedAt = added.map { Instant(microseconds: SnapshotBuilder.minute($0)) }
        return line
      }
    }
  }

  private func order(_ name: String, _ placed: Int64, _ sku: String = "B1") -> SnapshotBuilder {
    SnapshotBuilder(name, at: placed).with {
      $0.items[0].sku = sku
      $0.items[0].product = "P-\(sku)"
    }
  }

  private func timed(_ order: String) -> [Int64] { bench.facts(order).timed }

  @Test func aCouponIsToldADayBeforeItExpiresAndNoLonger() throws {
    try bench.fold(order("A", 0))
    try bench.fold(order("B", 60).shipped(120, version: 2))
    #expect(timed("B") == [])
    try bench.fold(coupons([nil, 10 * day], at: 180))
    // Of the cart nothing was told: missing on the last purchase, false on others.
    #expect(timed("B") == [0] && come(to: 9 * day, andMicroseconds: -1).isEmpty)
    #expect(come(to: 9 * day).map(\.order) == ["B"] && timed("B") == [1])
    #expect(come(to: 10 * day, andMicroseconds: -1).isEmpty)
    #expect(come(to: 10 * day).map(\.order) == ["B"] && timed("B") == [0])
    // One that is issued within its last day begins with that; one that was used is told of no more.
    try bench.fold(coupons([20 * day], issued: 19 * day + hour, at: 11 * day))
    #expect(come(to: 19 * day).isEmpty && come(to: 19 * day + hour).map(\.order) == ["B"])
    #expect(timed("B") == [1])
    try bench.fold(coupons([], at: 19 * day + 2 * hour))
    #expect(timed("B") == [0])
  }

  @Test func itMovesWithTheLastPurchase() throws {
    try bench.fold(order("A", 0))
    try bench.fold(coupons([10 * day], at: 60))
    come(to: 9 * day)
    #expect(timed("A") == [1])
    try bench.fold(order("B", 9 * day + hour))
    #expect(timed("A") == [0, 0, 0] && timed("B") == [1])
    try bench.fold(order("B", 9 * day + hour).cancelled(9 * day + 2 * hour, version: 2))
    #expect(timed("A") == [1] && timed("B") == [0, 0, 0])
    // After a restart the end is still to come.
    try bench.reload()
    #expect(come(to: 10 * day).map(\.order) == ["A"] && timed("A") == [0])
  }

  @Test func whatIsInTheCartAndNotBoughtIsToldAfterItsTime() throws {
    try bench.fold(order("A", 0))
    come(to: 2 * day)
    try bench.fold(cart([("A1", day), ("B1", 2 * day), ("C1", nil)], at: 2 * day))
    #expect(timed("A") == [1, 0], "in the cart for a day when it was told")
    #expect(come(to: 4 * day, andMicroseconds: -1).isEmpty)
    #expect(come(to: 4 * day).map(\.order) == ["A"] && timed("A") == [1, 1])
    // A1 is bought, B1 is still there.
    try bench.fold(order("B", 5 * day, "A1"))
    #expect(timed("A") == [0, 0, 0] && timed("B") == [1, 0])
    // It is cancelled: not bought.
    try bench.fold(order("B", 5 * day, "A1").cancelled(5 * day + 1, version: 2))
    #expect(timed("A") == [1, 1] && timed("B") == [0, 0, 0])
    try bench.fold(cart([], at: 6 * day))
    #expect(timed("A") == [0, 0])
    #expect(bench.folder.nextDue(in: bench.customer, after: bench.folder.clock) == .max)
  }

  @Test func everyOrderOfArrivalEndsInTheSameRecords() throws {
    var expected: [String: [UInt8]]?
    for numbers in permutations(of: Array(0..<5)) {
      let test = ProfileTimerTests()
      for (index, number) in numbers.enumerated() {
        if index % 2 == 1 { try test.bench.reload() }
        switch number {
        case 0: try test.bench.fold(test.order("A", 0, "A1"))
        case 1: try test.bench.fold(test.order("B", 3 * day).shipped(4 * day, version: 2))
        case 2: try test.bench.fold(test.coupons([8 * day], at: 60))
        case 3: try test.bench.fold(test.cart([("A1", 2 * day)], at: 5 * day))
        default: try test.bench.fold(test.order("C", 2 * day).cancelled(5 * day, version: 2))
        }
        test.come(to: 6 * day)
      }
      test.come(to: 7 * day)
      #expect(test.timed("A") == [0, 0, 0] && test.timed("B") == [1, 1, 1] && test.timed("C") == [0, 0, 0])
      let records = test.bench.last.mapValues(\.comparable)
      #expect(records == expected ?? records)
      expected = expected ?? records
    }
  }
}
