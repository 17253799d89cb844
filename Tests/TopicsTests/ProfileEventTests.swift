import Orders
import TestKit
import Testing

@testable import Topics

/// Profiles of customers as they are sent.
@Suite struct ProfileEventTests {
  static let full = """
    {"schema": "passflow.profile/1", "mall_id": "demomall", "shop_no": 2, "member_id": "kim01",
     "at": "2026-10-10T09:30:00+09:00", "grade": "gold", "currency": "USD",
     "coupons": [{"coupon_no": "C1", "type": "signup", "issued_at": "2026-10-01T00:00:00+09:00",
       "expires_at": "2026-11-01T00:00:00+09:00"}, {"coupon_no": "C2"}],
     "cart": [{"product_code": "P1", "sku": "S1", "quantity": 3, "unit_price": "12.50", "option_price": "-0.50",
       "added_at": "2026-10-09T00:00:00+09:00"}, {"product_code": "P2", "unit_price": 4}]}
    """

  private func readProfile(
    _ text: String, of owner: ProfileOwner? = nil
  ) throws -> (profile: ProfileEventValue?, key: [UInt8], bytes: [UInt8], problems: [Problem]) {
    let reader = OrderEventReader(secret: try #require(Sample.secret))
    var writer = ProtobufWriter()
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBytes { event in
      switch reader.read(event, profileOf: owner, into: &writer) {
      case .accepted(let routing):
        #expect(routing.isProfile && routing.hasAddress && routing.orderId.isEmpty)
        let value = writer.bytes
        #expect(value.withUnsafeBytes { ProfileEventValue.isHeld(by: $0) })
        return (value.withUnsafeBytes { ProfileEventValue(orders: $0) }, [UInt8](routing.key), value, [])
      case .refused(let problems):
        #expect(writer.count == 0)
        return (nil, [], [], problems)
      }
    }
  }

  private func small(_ more: String) -> String {
    """
    {"schema": "passflow.profile/1", "mall_id": "m", "shop_no": 1, "member_id": "kim01",
     "at": "2026-10-10T09:30:00+09:00", \(more)}
    """
  }

  @Test func everyPartIsReadAndTheMemberIsTheOneOfHisOrders() throws {
    let told = try readProfile(Self.full)
    #expect(told.problems == [])
    let profile = try #require(told.profile)
    #expect(profile.mallId == "demomall" && profile.shopNo == 2 && profile.grade == "gold")
    #expect(profile.at == Instant(rfc3339: "2026-10-10T09:30:00+09:00"))
    #expect(profile.coupons?.coupons.map(\.couponNo) == ["C1", "C2"])
    #expect(profile.coupons?.coupons[0].type == "signup")
    #expect(profile.coupons?.coupons[0].expiresAt == Instant(rfc3339: "2026-11-01T00:00:00+09:00"))
    #expect(profile.coupons?.coupons[1].issuedAt == nil)
    #expect(profile.cart?.currency == "USD")
    #expect(profile.cart?.lines.map(\.unitPrice) == [1250, 400])
    #expect(profile.cart?.lines.map(\.optionPrice) == [-50, 0])
    #expect(profile.cart?.lines.map(\.quantity) == [3, 1])
    #expect(profile.ordersValue == told.bytes)
    // The same partition and digest as the member's orders.
    let order = try read(
      Sample.event.replacing("\"shop_no\": 1", with: "\"shop_no\": 2"))
    #expect(order.key == told.key && order.snapshot?.customer == profile.customer)
    #expect(!String(decoding: told.bytes, as: UTF8.self).contains("kim01"))
  }

  @Test func onlyWhatIsToldIsThere() throws {
    let grade = try #require(try readProfile(small("\"grade\": \"vip\", \"coupons\": null")).profile)
    #expect(grade.coupons == nil && grade.cart == nil)
    let empty = try #require(try readProfile(small("\"coupons\": [], \"cart\": []")).profile)
    #expect(empty.grade.isEmpty && empty.coupons?.coupons == [] && empty.cart?.lines == [])
    #expect(empty.cart?.currency == "KRW")
  }

  @Test func thePathSaysOfWhichShopItIs() throws {
    let owner = ProfileOwner(mallId: "demomall", shopNo: 2)
    let body = "{\"member_id\": \"kim01\", \"at\": \"2026-10-10T09:30:00+09:00\", \"grade\": \"gold\"}"
    let told = try readProfile(body, of: owner)
    #expect(told.problems == [] && told.profile?.mallId == "demomall" && told.profile?.shopNo == 2)
    #expect(try told.key == readProfile(Self.full).key)
    #expect(try readProfile(Self.full, of: owner).profile != nil)
    let other = try readProfile(Self.full, of: ProfileOwner(mallId: "othermall", shopNo: 1))
    #expect(other.problems.map(\.code) == ["path.mismatch", "path.mismatch"])
    #expect(try readProfile(Sample.event, of: owner).problems.first?.code == "schema.unknown")
  }

  static let canary = "canary-7493"
  static let refused: [(String, String, String)] = [
    ("\"grade\": \"\"", "text.empty", "grade"), ("\"grade\": 3", "type.string", "grade"),
    ("\"grade\": \"\(String(repeating: "a", count: 129))\"", "text.too_long", "grade"),
    ("\"points\": 3", "missing", "grade"), ("\"coupons\": {}", "type.array", "coupons"),
    ("\"coupons\": [\"\(canary)\"]", "type.object", "coupons[0]"),
    ("\"coupons\": [{}]", "missing", "coupons[0].coupon_no"),
    (
      "\"coupons\": [{\"coupon_no\": \"a\", \"expires_at\": \"2026-10-10\"}]", "time.invalid",
      "coupons[0].expires_at"
    ),
    ("\"cart\": [{\"unit_price\": 1}]", "missing", "cart[0].product_code"),
    ("\"cart\": [{\"product_code\": \"a\"}]", "missing", "cart[0].unit_price"),
    (
      "\"cart\": [{\"product_code\": \"a\", \"unit_price\": 1, \"quantity\": 0}]", "integer.range",
      "cart[0].quantity"
    ),
    (
      "\"cart\": [{\"product_code\": \"a\", \"unit_price\": \"1\", \"option_price\": \"-2\"}]",
      "money.negative",
      "cart[0].option_price"
    ),
    ("\"cart\": [], \"currency\": \"won\"", "currency.invalid", "currency"),
    ("\"grade\": \"a\", \"grade\": \"b\"", "json.duplicate_field", "grade"),
  ]

  @Test func whatIsWrongIsToldWithItsPlaceAndWithoutItsValue() throws {
    for (text, code, place) in Self.refused {
      let told = try readProfile(small(text))
      #expect(told.problems.map(\.code) == [code] && told.problems.map(\.field) == [place], "\(text)")
      #expect(!"\(told.problems)".contains(Self.canary))
    }
    for (limit, list, element) in [
      (OrderEventLimits.heldCouponsMax, "coupons", "{\"coupon_no\": \"a\"}"),
      (OrderEventLimits.cartLinesMax, "cart", "{\"product_code\": \"a\", \"unit_price\": 1}"),
    ] {
      let full = Array(repeating: element, count: limit)
      #expect(try readProfile(small("\"\(list)\": [\(full.joined(separator: ","))]")).problems == [])
      let more = full + [element]
      #expect(
        try readProfile(small("\"\(list)\": [\(more.joined(separator: ","))]")).problems.map(\.code)
          == ["limit.\(list)"])
    }
    let nobody = "{\"schema\": \"passflow.profile/1\", \"grade\": \"a\"}"
    #expect(try readProfile(nobody).problems.map(\.field) == ["mall_id", "shop_no", "member_id", "at"])
    let blank = small("\"grade\": \"a\"").replacing("kim01", with: "  ")
    #expect(try readProfile(blank).problems.map(\.field) == ["member_id"])
  }

  @Test func noMutationStopsTheReaderAndOrdersAfterwardsAreReadAsEver() throws {
    var random = SeededGenerator.announced("profile mutations", seed: 12)
    let reader = OrderEventReader(secret: try #require(Sample.secret))
    let original = Array(Self.full.utf8)
    let order = read(reader, Array(Sample.event.utf8)).snapshot
    var taken = 0
    for _ in 0..<10_000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] =
          Array("{}[]\",:\\0-eu9").randomElement(using: &random)?.utf8.first ?? 0
      }
      var writer = ProtobufWriter()
      bytes.withUnsafeBytes {
        if case .accepted = reader.read($0, into: &writer) { taken += 1 }
      }
    }
    #expect(taken > 0 && taken < 10_000)
    #expect(read(reader, Array(Sample.event.utf8)).snapshot == order)
  }
}
