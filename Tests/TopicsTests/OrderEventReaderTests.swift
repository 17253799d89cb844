import Orders
import Testing

@testable import Topics

@Suite struct OrderEventReaderTests {
  @Test func theContractsExampleBecomesItsSnapshot() throws {
    let reading = try read(Sample.event)
    #expect(reading.problems == [])
    let order = try #require(reading.snapshot)
    #expect(order.mallId == "demomall")
    #expect(order.shopNo == 1)
    #expect(order.orderId == "20261010-0000123")
    #expect(order.event == "order.placed")
    #expect(order.eventTime == Instant(rfc3339: "2026-10-10T09:30:00+09:00"))
    #expect(order.version == 1)
    #expect(order.paidAt == nil)
    #expect(order.channel == "self")
    #expect(order.currency == "KRW")
    #expect(order.amounts?.items == 45000)
    #expect(order.amounts?.surcharge == 0)
    #expect(order.paymentStatus == .paid)
    #expect(order.paymentMethods == ["card"])
    #expect(order.addressState == .entered)
    #expect(order.coupons.map(\.couponNo) == ["C1"])
    #expect(order.grade == "3")
    #expect(order.ip == "168.126.63.1")
    #expect(order.customer?.kind == .member)
    #expect(
      order.customer?.digest
        == Sample.secret?.customerDigest(mallId: "demomall", kind: 1, normalisedValue: "kim01"))
    let receiver = try #require(order.receivers.first)
    #expect(receiver.zip == "63000")
    #expect(receiver.region1 == "제주특별자치도")
    #expect(receiver.region2 == "제주시")
    #expect(receiver.hasAddress)
    #expect(receiver.fingerprint.count == 16)
    let item = try #require(order.items.first)
    #expect(item.quantity == 3)
    #expect(item.unitPrice == 15000)
    #expect(item.status == "N10")
    #expect(item.categories == ["24"])
    #expect(!item.hasTracking)
    let claim = try #require(order.claims.first)
    #expect(claim.kind == .return)
    #expect(claim.status == .completed)
    #expect(claim.refundAmount == 15000)
    #expect(claim.items.first?.quantity == 1)
    #expect(order.memos.first?.memoNo == 7)
    #expect(order.flags == 0)
    #expect(reading.unknownFields == 0)
    #expect(reading.unknownCodes == 0)
    #expect(Array(reading.key.prefix(10)) == Array("demomall".utf8) + [0, 1])
    #expect(reading.key.count == 26)
  }
}
