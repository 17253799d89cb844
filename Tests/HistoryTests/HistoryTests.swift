import Orders
import Testing

@testable import History

private let window3 = FactDemand(claimWindows: [
  ClaimWindow(scope: .returns, months: 3), ClaimWindow(scope: .returnsAndExchanges, months: 3),
])

@Suite struct HistoryFactTests {
  @Test func theFirstOrderHasNoEarlierOnesAndTiesGoByOrderIdBytes() throws {
    let bench = Bench()
    try bench.fold(SnapshotBuilder("B", at: 0))
    try bench.fold(SnapshotBuilder("A", at: 0))
    #expect(bench.facts("A").orders == 0)
    #expect(bench.facts("B").orders == 1)
    #expect(bench.facts("A").historyKnown)
    #expect(bench.emitted.map(\.order) == ["A", "B"])
    #expect(bench.emitted.map(\.n) == [0, 1])
    #expect(bench.emitted.map(\.own) == [true, false])
  }

  @Test func aFullyCancelledOrderDoesNotCountAsEarlierButAnUnpaidOneDoes() throws {
    let bench = Bench()
    let first = SnapshotBuilder("A", at: 0).with { $0.payment = 1 }
    try bench.fold(first)
    try bench.fold(SnapshotBuilder("B", at: 100))
    #expect(bench.facts("B").orders == 1)
    #expect(bench.facts("B").amount == 0)
    try bench.fold(first.cancelled(110, version: 2))
    #expect(bench.emitted.map(\.order) == ["A", "B"])
    #expect(bench.facts("B").orders == 0)
    #expect(bench.last["A"]?.state == 2)
  }

  @Test func theNetAmountLosesWhatCompletedCancelAndReturnClaimsName() throws {
    let bench = Bench()
    let items = [
      SnapshotBuilder.Line(code: "i1", quantity: 3, price: 10_000, option: 500),
      SnapshotBuilder.Line(code: "i2", price: 7_000), SnapshotBuilder.Line(code: "g", price: 1, isGift: true),
    ]
    let first = SnapshotBuilder("A", at: 0).with { $0.items = items }
    try bench.fold(first)
    try bench.fold(SnapshotBuilder("B", at: 100))
    #expect(bench.facts("A").amountItems == 38_500)
    #expect(bench.facts("B").amount == 38_500)
    func claimed(_ claim: SnapshotBuilder.Claim, _ version: Int64) throws -> Int64 {
      try bench.fold(first.later(100 + version, version: version) { $0.claims = [claim] })
      return bench.facts("B").amount
    }
    #expect(try claimed(.init(kind: 1, items: [("i1", 2)]), 2) == 17_500)
    #expect(try claimed(.init(kind: 2, items: [("i2", 1)]), 3) == 31_500)
    #expect(try claimed(.init(kind: 3, items: [("i1", 2)]), 4) == 38_500)
    #expect(try claimed(.init(kind: 1, status: 1, items: [("i1", 2)]), 5) == 38_500)
    #expect(try claimed(.init(kind: 1, items: [("i1", 99)]), 6) == 0)
    #expect(try claimed(.init(kind: 1, items: [("g", 1), ("none", 5)]), 7) == 38_500)
  }

  @Test func theAmountAddsOnlyPaidEarlierOrdersInTheSameCurrency() throws {
    let bench = Bench()
    try bench.fold(SnapshotBuilder("A", at: 0))
    try bench.fold(SnapshotBuilder("B", at: 1).with { $0.payment = 2 })
    try bench.fold(SnapshotBuilder("C", at: 2).with { $0.currency = "USD" })
    try bench.fold(SnapshotBuilder("D", at: 3))
    #expect(bench.facts("D").orders == 3)
    #expect(bench.facts("D").amount == 10_000)
  }

  @Test func claimsCountOncePerOtherOrderAndOnlyByTheCustomersFault() throws {
    let bench = Bench(.empty, window3)
    let completed = SnapshotBuilder.minute(50)
    for (index, reason) in ["A", "E", "F", "", "B", "AA"].enumerated() {
      try bench.fold(
        SnapshotBuilder("R\(index)", at: 60, placed: 0).with {
          $0.claims = [.init(reason: reason, completedAt: completed), .init(completedAt: completed)].dropLast(
            reason == "A" ? 0 : 1)
        })
    }
    try bench.fold(
      SnapshotBuilder("E", at: 60, placed: 0).with {
        $0.claims = [.init(kind: 3, reason: "A", completedAt: completed)]
      })
    try bench.fold(
      SnapshotBuilder("Q", at: 60, placed: 0).with {
        $0.claims = [
          .init(status: 1, completedAt: completed), .init(status: 4, completedAt: completed), .init(),
        ]
      })
    try bench.fold(
      SnapshotBuilder("X", at: 100).with { $0.claims = [.init(completedAt: SnapshotBuilder.minute(99))] })
    #expect(bench.facts("X").claims == [4, 5])
  }

  @Test func theClaimWindowIsHalfOpenAndCountsCalendarMonths() throws {
    func count(placed: String, completed: String) throws -> Int64 {
      let bench = Bench(.empty, window3)
      let placedAt = try #require(Instant(rfc3339: placed)).microseconds
      let completedAt = try #require(Instant(rfc3339: completed)).microseconds
      try bench.fold(
        SnapshotBuilder("A", at: 0).with {
          $0.placedAt = completedAt - 1
          $0.eventTime = completedAt
          $0.claims = [.init(completedAt: completedAt)]
        })
      try bench.fold(
        SnapshotBuilder("B", at: 0).with {
          $0.placedAt = placedAt
          $0.eventTime = placedAt
        })
      return try #require(bench.facts("B").claims.first)
    }
    let november = "2026-11-30T10:00:00+09:00"
    #expect(try count(placed: november, completed: "2026-08-30T10:00:00+09:00") == 1)
    #expect(try count(placed: november, completed: "2026-08-30T09:59:59.999999+09:00") == 0)
    let may = "2026-05-31T10:00:00+09:00"
    #expect(try count(placed: may, completed: "2026-02-28T10:00:00+09:00") == 1)
    #expect(try count(placed: may, completed: "2026-02-28T09:59:59+09:00") == 0)
    #expect(try count(placed: may, completed: may) == 0)
    #expect(try count(placed: may, completed: "2026-05-31T09:59:59.999999+09:00") == 1)
  }

  @Test func theHourOfABundleIncludesBothEnds() throws {
    let bench = Bench()
    try bench.fold(SnapshotBuilder("A", at: 0))
    try bench.fold(SnapshotBuilder("B", at: 60))
    #expect(bench.facts("A").partners == 1)
    #expect(bench.facts("B").partnerIds == ["A"])
    try bench.fold(SnapshotBuilder("C", at: 60).with { $0.placedAt += 1 })
    #expect(bench.facts("C").partnerIds == ["B"])
    #expect(bench.facts("A").partnerIds == ["B"])
    #expect(bench.facts("B").partnerIds == ["A", "C"])
  }

  @Test func bundlesNeedTheSameReceiverAnOpenPartnerAndNoPendingGift() throws {
    let bench = Bench()
    let a = SnapshotBuilder("A", at: 0)
    let b = SnapshotBuilder("B", at: 1)
    try bench.fold(a)
    try bench.fold(b.with { $0.receivers[0].fingerprint = 8 })
    #expect(bench.facts("B").partners == 0)
    try bench.fold(b.later(2, version: 2))
    #expect(bench.facts("A").partners == 1)
    try bench.fold(b.later(3, version: 3) { $0.addressState = 2 })
    #expect(bench.facts("A").partners == 0)
    #expect(bench.facts("B").partners == 0)
    try bench.fold(b.later(4, version: 4) { $0.receivers = [] })
    #expect(bench.facts("A").partners == 0)
    try bench.fold(b.later(5, version: 5))
    #expect(bench.facts("A").partners == 1)
    try bench.fold(b.cancelled(6, version: 6))
    #expect(bench.facts("A").partners == 0)
    #expect(bench.facts("B").partners == 1)  // at T(B) it was open still
  }

  @Test func theReceiverIsNumberOneElseTheFirst() throws {
    let bench = Bench()
    let other = SnapshotBuilder.Receiver(number: 2, fingerprint: 8)
    let one = SnapshotBuilder.Receiver(number: 1, fingerprint: 7)
    try bench.fold(SnapshotBuilder("A", at: 0).with { $0.receivers = [other, one] })
    try bench.fold(SnapshotBuilder("B", at: 1))
    #expect(bench.facts("B").partners == 1)
    try bench.fold(SnapshotBuilder("C", at: 2).with { $0.receivers = [other] })
    #expect(bench.facts("C").partners == 0)
    try bench.fold(SnapshotBuilder("D", at: 3).with { $0.receivers = [other] })
    #expect(bench.facts("D").partnerIds == ["C"])
  }

  @Test func anOrderWithoutCustomerKeyHasNoHistory() throws {
    let one = SnapshotBuilder("A", at: 0).with { $0.kind = 0 }
    let bench = Bench(.empty, window3, customer: one.identity)
    try bench.fold(one)
    try bench.fold(one.with { $0.order = "B" }.later(5, version: 1))
    #expect(bench.emitted.count == 1)
    #expect(!bench.facts("B").historyKnown)
    #expect(bench.facts("B").orders == 0)
    #expect(bench.facts("B").partners == 0)
    #expect(bench.facts("B").claims == [])
    try bench.fold(one.later(3, version: 2))
    #expect(bench.last["A"]?.decidingInstant == SnapshotBuilder.minute(3))
  }

  @Test func aGuestsPhoneAndAMemberAreTwoCustomers() throws {
    let guest = SnapshotBuilder("G", at: 0).with { $0.kind = 2 }
    let bench = Bench()
    #expect(throws: HistoryError.otherCustomer) { try bench.fold(guest) }
    #expect(guest.identity != SnapshotBuilder("A", at: 0).identity)
    #expect(bench.customer.orderCount == 0)
  }
}
