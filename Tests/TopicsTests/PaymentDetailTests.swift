import Testing

@testable import Topics

/// What an order event tells of its payment, amounts and bundles, and that no card number passes.
@Suite struct PaymentDetailTests {
  @Test func whatIsGivenIsKeptAndWhatIsNotIsMissing() throws {
    let full = try read(
      Sample.small(
        """
        "first_order": false, "currency": "USD",
        "amount": {"discount": "30", "discount_grade": "10.50", "discount_coupon": 19, "points": "0", "refunded": "1.25"},
        "payment": {"methods": ["card"], "gateway": "kcp", "card_issuer": "신한카드", "installments": 3},
        "items": [\(Sample.item("\"bundle_codes\": [\"P1\", \"P2\"]"))]
        """))
    #expect(full.problems == [] && full.unknownFields == 0)
    let order = try #require(full.snapshot)
    #expect(order.platformFirst == false)
    #expect(order.amounts?.discountGrade == 1050 && order.amounts?.discountCoupon == 1900)
    #expect(order.amounts?.points == 0 && order.amounts?.refunded == 125)
    #expect(order.paymentGateway == "kcp" && order.cardIssuer == "신한카드" && order.installments == 3)
    #expect(order.items.first?.bundleCodes == ["P1", "P2"])
    let bare = try #require(
      try read(Sample.small("\"first_order\": null, \"amount\": {}, \"payment\": {}")).snapshot)
    #expect(bare.platformFirst == nil && bare.installments == nil)
    #expect(bare.amounts?.points == nil && bare.amounts?.refunded == nil)
    #expect(bare.paymentGateway.isEmpty && bare.cardIssuer.isEmpty)
    // Told once, forgotten with the next event of the same reader.
    let reader = OrderEventReader(secret: try #require(Sample.secret))
    _ = read(reader, Array(Sample.small("\"payment\": {\"gateway\": \"kcp\", \"installments\": 3}").utf8))
    let next = try #require(read(reader, Array(Sample.small().utf8)).snapshot)
    #expect(next.paymentGateway.isEmpty && next.installments == nil)
  }

  /// Whole numbers, with blanks or dashes, masked ones, full-width ones; in every field that is kept of a payment.
  static let cards = [
    "4111111111111111", "4111-1111-1111-1111", "신한 4111 1111 1111 1111", "4111-11**-****-1111",
    "４１１１１１１１１１１１１１１１", "신한카드 41111111",
  ]

  @Test(arguments: cards) func aCardNumberNeverPasses(_ card: String) throws {
    for field in ["gateway", "card_issuer"] {
      let reading = try read(Sample.small("\"payment\": {\"\(field)\": \"\(card)\"}"))
      #expect(reading.codes == ["payment.card_digits"] && reading.places == ["payment.\(field)"])
      #expect(reading.snapshot == nil && !"\(reading.problems)".contains("1111"))
    }
    let method = try read(Sample.small("\"payment\": {\"methods\": [\"card\", \"\(card)\"]}"))
    #expect(method.codes == ["payment.card_digits"] && method.places == ["payment.methods"])
    // As a field of its own it is left out like every unknown one.
    let unknown = try read(
      Sample.small(
        "\"payment\": {\"card_number\": \"\(card)\", \"gateway\": \"kcp\"}, \"card_no\": \"\(card)\""))
    #expect(unknown.unknownFields == 2)
    let kept = try #require(unknown.snapshot).protobuf
    #expect(!String(decoding: kept, as: UTF8.self).contains(card))
  }

  @Test func theLastFourDigitsAreTooManyAndNamesWithANumberAreNot() throws {
    #expect(try read(Sample.small("\"payment\": {\"card_issuer\": \"신한카드 1234\"}")).snapshot == nil)
    for name in ["kcp2", "토스페이먼츠", "NICE 365", "M3"] {
      #expect(
        try read(Sample.small("\"payment\": {\"gateway\": \"\(name)\"}")).snapshot?.paymentGateway == name)
    }
    #expect(try read(Sample.small("\"payment\": {\"methods\": [\"method-1234567\"]}")).snapshot != nil)
  }

  static let refused: [(String, String, String)] = [
    ("\"first_order\": \"T\"", "type.boolean", "first_order"),
    ("\"payment\": {\"gateway\": 4111}", "type.string", "payment.gateway"),
    ("\"payment\": {\"card_issuer\": \"a\\u0000\"}", "text.nul", "payment.card_issuer"),
    (
      "\"payment\": {\"gateway\": \"\(String(repeating: "a", count: 129))\"}", "text.too_long",
      "payment.gateway"
    ),
    ("\"payment\": {\"installments\": \"3\"}", "type.integer", "payment.installments"),
    ("\"payment\": {\"installments\": 121}", "integer.range", "payment.installments"),
    ("\"payment\": {\"installments\": -1}", "integer.range", "payment.installments"),
    ("\"amount\": {\"points\": \"-1\"}", "money.negative", "amount.points"),
    ("\"amount\": {\"refunded\": true}", "type.money", "amount.refunded"),
    ("\"amount\": {\"discount_grade\": \"1.5\"}", "money.too_many_decimals", "amount.discount_grade"),
    (
      "\"items\": [{\"item_code\": \"a\", \"unit_price\": 1, \"bundle_codes\": \"P1\"}]", "type.array",
      "items[0].bundle_codes"
    ),
    (
      "\"items\": [{\"item_code\": \"a\", \"unit_price\": 1, \"bundle_codes\": [1]}]", "type.string",
      "items[0].bundle_codes"
    ),
  ]

  @Test func wrongTypesAndRangesAreToldWithTheirPlace() throws {
    for (text, code, place) in Self.refused {
      let reading = try read(Sample.small(text))
      #expect(reading.codes == [code] && reading.places == [place], "\(text)")
    }
    let many = (0...OrderEventLimits.bundleCodesMax).map { "\"P\($0)\"" }.joined(separator: ",")
    let reading = try read(
      Sample.small("\"items\": [{\"item_code\": \"a\", \"unit_price\": 1, \"bundle_codes\": [\(many)]}]"))
    #expect(reading.codes == ["limit.bundle_codes"])
  }
}
