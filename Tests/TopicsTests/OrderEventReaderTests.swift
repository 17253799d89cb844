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

  @Test func oddButLegalValuesAreKept() throws {
    let reading = try read(
      Sample.small(
        """
        "event": "order.blessed 🎁", "payment": {"methods": ["card", "달러"], "status": "iou"}, "new_field": {"a": [1]},
        "paid_at": "1970-01-01T00:00:00Z", "buyer": {"name": "\(String(repeating: "a", count: 100_000))", "ip": "::1"},
        "items": [\(Sample.item("\"status2\": 1, \"kind\": \"drone\", \"option_price\": \"-200\"")),
          {"item_code": "😀", "quantity": 1000000, "unit_price": 5, "status": "Z99", "is_gift_item": true}]
        """))
    #expect(reading.problems == [])
    let order = try #require(reading.snapshot)
    #expect(order.event == "order.blessed 🎁")
    #expect(order.paymentMethods == ["card", "달러"])
    #expect(order.paymentStatus == .unknown)
    #expect(order.paidAt == Instant(microseconds: 0))
    #expect(order.ip == "::1")
    #expect(order.items.map(\.itemCode) == ["i-1", "😀"])
    #expect(order.items.map(\.optionPrice) == [-200, 0])
    #expect(order.items.map(\.status) == ["N10", "Z99"])
    #expect(reading.unknownFields == 2)
    #expect(reading.unknownCodes == 5)
  }

  @Test func limitsAreReachedBeforeTheyAreExceeded() throws {
    let items = (0..<256).map { Sample.item(code: "i-\($0)") }.joined(separator: ",")
    let nested = String(repeating: "[", count: 31) + "1" + String(repeating: "]", count: 31)
    let id = String(repeating: "x", count: 128)
    let reading = try read(
      Sample.small(
        "\"items\": [\(items)], \"receivers\": [{},{},{},{},{}], \"x\": \(nested)", order: "\"\(id)\""))
    #expect(reading.problems == [])
    #expect(reading.snapshot?.items.count == 256)
    #expect(reading.snapshot?.receivers.map(\.receiverNo) == [1, 2, 3, 4, 5])
    #expect(reading.snapshot?.orderId == id)
    #expect(reading.snapshot?.receivers.first?.fingerprint == [])
  }

  @Test func anotherAmountThanTheComputedOneIsFlaggedNotRefused() throws {
    func flags(_ given: String, _ items: String) throws -> UInt32? {
      let reading = try read(Sample.small("\"amount\": {\"items\": \(given)}, \"items\": [\(items)]"))
      #expect(reading.flags == reading.snapshot?.flags)
      return reading.snapshot?.flags
    }
    let live = Sample.item()
    let gone = #"{"item_code": "c", "quantity": 2, "unit_price": "1000", "status": "C40"}"#
    let gift =
      #"{"item_code": "g", "quantity": 1, "unit_price": "500", "status": "N10", "is_gift_item": true}"#
    #expect(try flags("\"1000\"", "\(live), \(gone), \(gift)") == 0)
    #expect(try flags("1000", live) == 0)
    #expect(try flags("\"1001\"", live) == 1)
    #expect(try flags("null", live) == 0)
  }

  @Test func moneyIsWholeMinorUnitsOfItsCurrencyWhereverTheCurrencyStands() throws {
    let reading = try read(
      Sample.small("\"items\": [{\"item_code\": \"a\", \"unit_price\": \"12.5\"}], \"currency\": \"USD\""))
    #expect(reading.snapshot?.items.first?.unitPrice == 1250)
    #expect(reading.snapshot?.currency == "USD")
    let whole = try read(Sample.small("\"currency\": \"USD\", \"amount\": {\"paid\": 3}"))
    #expect(whole.snapshot?.amounts?.paid == 300)
  }

  @Test func theOrderOfFieldsDoesNotChangeTheBytes() throws {
    let one = try read(
      #"{"mall_id":"m","shop_no":1,"order_id":"o","event_time":"2026-01-01T00:00:00Z","version":2,"placed_at":"2026-01-01T00:00:00Z","currency":"JPY"}"#
    )
    let two = try read(
      #"{"currency":"JPY","placed_at":"2026-01-01T09:00:00+09:00","version":2,"event_time":"2026-01-01T00:00:00Z","order_id":"o","shop_no":1,"mall_id":"m"}"#
    )
    #expect(one.snapshot != nil && one.snapshot == two.snapshot)
    #expect(one.key == two.key)
  }

  @Test func theCustomerIsTheFirstIdentityThatExists() throws {
    func customer(_ buyer: String) throws -> CustomerKeyValue? {
      try read(Sample.small("\"buyer\": {\(buyer)}")).snapshot?.customer
    }
    func key(_ kind: CustomerKey.Kind, _ value: String) -> CustomerKeyValue {
      var key = CustomerKeyValue()
      key.kind = kind
      key.digest =
        Sample.secret?.customerDigest(mallId: "m", kind: kind.rawValue, normalisedValue: value) ?? []
      return key
    }
    let phone = key(.phone, "01012345678")
    #expect(try customer(#""member_id": "kim", "phone": "010-1234-5678""#) == key(.member, "kim"))
    #expect(try customer(#""member_id": " \u3000", "phone": "010-1234-5678", "email": "a@b""#) == phone)
    #expect(try customer(#""phone": "+82 10-1234-5678""#) == phone)
    #expect(try customer(#""phone": "821012345678""#) == phone)
    #expect(
      try customer(#""phone": "0504-1234-5678", "email": " Kim@Example.COM\n""#)
        == key(.email, "kim@example.com"))
    #expect(try customer(#""phone": "-", "email": """#)?.kind == CustomerKey.Kind.none)
    #expect(try customer(#""phone": "050-1234-5678""#) == key(.none, "1\u{0}o-1"))
  }

  @Test func theSameReceiverIsOneWhateverTheSpacingAndComposition() throws {
    func print(_ name: String, _ address: String) throws -> [UInt8]? {
      let text =
        "\"receivers\": [{\"name\": \"\(name)\", \"zipcode\": \" 63000 \", \"address1\": \"\(address)\"}]"
      return try read(Sample.small(text)).snapshot?.receivers.first?.fingerprint
    }
    let plain = try print("김하나", "제주특별자치도 제주시")
    #expect(plain?.count == 16)
    #expect(try print("  김하나", "제주특별자치도 \\t\\u3000제주시\\n") == plain)
    #expect(try print("\u{1100}\u{1175}\u{11B7}하나", "제주특별자치도 제주시") == plain)
    #expect(try print("김하나", "제주특별자치도제주시") != plain)
  }

  @Test func regionsAreTheFirstTwoTokensOfTheAddress() throws {
    func receiver(_ address: String) throws -> ReceiverValue? {
      try read(Sample.small("\"receivers\": [{\"address1\": \"\(address)\"}]")).snapshot?.receivers.first
    }
    #expect(try receiver("  경상북도   울릉군 울릉읍")?.region2 == "울릉군")
    #expect(try receiver("\u{110C}\u{1166}\u{110C}\u{116E} 시")?.region1 == "제주")
    #expect(try receiver(" ")?.hasAddress == false)
    #expect(try receiver("제주")?.region2 == "")
    let long = try receiver(String(repeating: "가", count: 40))
    #expect(long?.region1 == String(repeating: "가", count: 21))
  }
}
