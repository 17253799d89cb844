import EvaluateStage
import Orders
import Rules
import TestKit
import Testing
import Topics

/// Facts that stand in the order itself, from the record to the label.
struct VocabularyTests {
  /// The labels `L0`, `L1` … of the conditions that hold, and what is waited for.
  private func decide(_ conditions: [String], _ change: (inout EnrichedOrderValue) -> Void) throws -> (
    holds: [Int], pending: [String]
  ) {
    let rules = conditions.enumerated().map { "  - {id: r\($0), if: '\($1)', then: {labels: [L\($0)]}}\n" }
    var record = Fixture.record("a")
    change(&record)
    let decision = try #require(try Decider.of("rules:\n" + rules.joined()).decisions(of: [record]).first)
    return (decision.labels.compactMap { Int($0.label.dropFirst()) }.sorted(), decision.pendingOn)
  }

  private func key(_ kind: CustomerKey.Kind) -> CustomerKeyValue {
    var key = CustomerKeyValue()
    key.kind = kind
    key.digest = [UInt8](repeating: 1, count: 16)
    return key
  }

  @Test func amountsPaymentAndBundlesAreFacts() throws {
    let conditions = [
      "order.platform_first", "amount.discount.grade == 1000 && amount.discount.coupon == 2500",
      "amount.points >= 500", #"payment.gateway == "kcp" && payment.card_issuer == "신한카드""#,
      "payment.installments > 2", #"items.exists_one(i, "P9" in i.bundle_codes)"#,
      "items.exists(i, size(i.bundle_codes) == 2)",
    ]
    let all = try decide(conditions) {
      $0.snapshot?.platformFirst = true
      var amounts = AmountsValue()
      (amounts.discountGrade, amounts.discountCoupon, amounts.points) = (1000, 2500, 500)
      $0.snapshot?.amounts = amounts
      $0.snapshot?.paymentGateway = "kcp"
      $0.snapshot?.cardIssuer = "신한카드"
      $0.snapshot?.installments = 3
      $0.snapshot?.items[1].bundleCodes = ["P9", "P8"]
    }
    #expect(all.holds == Array(conditions.indices) && all.pending == [])
    // Of an order that says nothing, nothing is taken for false.
    let none = try decide(Array(conditions.prefix(5)).map { "!(\($0))" }) { _ in }
    #expect(none.holds == [])
    #expect(
      Set(none.pending)
        == [
          "order.platform_first", "amount.discount.grade", "amount.discount.coupon", "amount.points",
          "payment.gateway", "payment.card_issuer", "payment.installments",
        ])
  }

  @Test func refundsAreThoseOfCompletedClaimsUnlessTheSenderSays() throws {
    func refunded(_ claims: [(ClaimStatus, Int64?)], given: Int64? = nil) throws -> Int64? {
      var record = Fixture.record("a")
      record.snapshot?.currency = "USD"
      record.snapshot?.claims = claims.map { status, refund in
        var claim = ClaimValue()
        (claim.kind, claim.status, claim.refundAmount) = (.exchange, status, refund)
        return claim
      }
      if let given {
        record.snapshot?.amounts = AmountsValue()
        record.snapshot?.amounts?.refunded = given
      }
      // By halves of a cent there is none between the values that are tried.
      for value: Int64 in [-300, 0, 700, 1000, 1700] {
        let text = "\(value / 100).\(value % 100 == 0 ? "00" : "\(abs(value) % 100)")"
        let decider = try Decider.of(
          "rules:\n  - {id: r, if: amount.refunded == \(text), then: {labels: [L]}}\n")
        if try decider.decisions(of: [record])[0].labels.count == 1 { return value }
      }
      return nil
    }
    #expect(try refunded([]) == 0)
    #expect(try refunded([(.requested, 700), (.refused, 1000), (.withdrawn, nil)]) == 0)
    #expect(try refunded([(.completed, 700), (.completed, 1000), (.accepted, nil)]) == 1700)
    #expect(try refunded([(.completed, -300)]) == -300)
    #expect(try refunded([(.completed, 700), (.completed, nil)]) == nil)
    #expect(try refunded([(.completed, 700), (.completed, nil)], given: 1000) == 1000)
    #expect(try refunded([(.completed, .max), (.completed, .max)]) == nil)
  }

  /// F183: sales channel, payment status, member or guest.
  @Test func channelPaymentAndKindOfBuyerMakeAFilter() throws {
    let conditions = [
      #"channel == "self" && payment.status == "unpaid" && buyer.is_guest"#, "buyer.is_member",
      #"channel in ["coupang", "sk11st"] && order.has_market_number"#,
    ]
    func holds(_ kind: CustomerKey.Kind?, _ channel: String, _ status: PaymentStatus, market: String = "")
      throws -> [Int]
    {
      try decide(conditions) {
        $0.snapshot?.customer = kind.map { key($0) }
        $0.snapshot?.channel = channel
        $0.snapshot?.paymentStatus = status
        $0.snapshot?.marketOrderNo = market
      }.holds
    }
    #expect(try holds(.phone, "self", .unpaid) == [0])
    #expect(try holds(.email, "self", .unpaid) == [0])
    #expect(try holds(.member, "self", .unpaid) == [1])
    #expect(try holds(.phone, "self", .paid) == [])
    #expect(try holds(.phone, "coupang", .unpaid, market: "M-1") == [2])
    // Neither member nor guest, but nobody knows whom: both wait.
    let nobody = try decide(["buyer.is_member", "buyer.is_guest", "!buyer.is_guest"]) {
      $0.snapshot?.customer = key(.none)
    }
    #expect(nobody.holds == [] && Set(nobody.pending) == ["buyer.is_member", "buyer.is_guest"])
  }

  @Test func theCustomersProfileIsReadFromTheRecord() throws {
    let conditions = [
      #"customer.grade == "gold""#, "customer.coupons == 2 && size(heldCoupons) == 2",
      #"heldCoupons.exists_one(c, c.number == "C1" && c.type == "signup" && c.expires_at > order.placed_at)"#,
      "heldCoupons.exists(c, isMissing(c.issued_at))", "cart.products == 2 && cart.quantity == 6",
      "cart.amount == 8500", #"cart.exists(c, c.sku == "S1" && c.quantity == 2 && c.price == 1500)"#,
      "sum(cart.map(c, c.price * c.quantity)) == cart.amount",
      "cart.exists(c, c.added_at == order.placed_at)",
    ]
    func fill(_ record: inout EnrichedOrderValue, currency: String) {
      record.facts?.customerGrade = "gold"
      var coupon = HeldCouponValue()
      (coupon.couponNo, coupon.type, coupon.issuedAt) = ("C1", "signup", Fixture.noon)
      coupon.expiresAt = Instant(microseconds: Fixture.noon.microseconds + 1)
      var other = HeldCouponValue()
      other.couponNo = "C2"
      record.facts?.heldCoupons = HeldCouponsValue()
      record.facts?.heldCoupons?.coupons = [coupon, other]
      record.facts?.cart = CartValue()
      record.facts?.cart?.currency = currency
      record.facts?.cart?.lines = [("P1", "S1", 2), ("P1", "S2", 1), ("P2", "S3", 3)].map {
        product, sku, quantity in
        var line = CartLineValue()
        (line.productCode, line.sku, line.quantity) = (product, sku, Int32(quantity))
        (line.unitPrice, line.optionPrice) = (1000, 500)
        line.addedAt = Fixture.noon
        return line
      }
      record.facts?.cart?.lines[1].optionPrice = 0
    }
    // 2 × 1500 + 1 × 1000 + 3 × 1500
    let all = try decide(conditions) { fill(&$0, currency: "KRW") }
    #expect(all.holds == Array(conditions.indices) && all.pending == [])
    // Prices of another currency say nothing of this order; how many pieces there are does.
    let dollars = try decide(conditions) { fill(&$0, currency: "USD") }
    #expect(dollars.holds == [0, 1, 2, 3, 4, 8] && dollars.pending.contains("cart.amount"))
    let nothing = try decide(conditions + ["!cart.exists(c, true)"]) { _ in }
    #expect(nothing.holds == [])
    #expect(
      Set(nothing.pending).isSuperset(of: [
        "customer.grade", "customer.coupons", "cart.products", "cart.amount",
      ]))
    let empty = try decide(["cart.products == 0 && cart.amount == 0", "size(heldCoupons) == 0"]) {
      $0.facts?.cart = CartValue()
      $0.facts?.cart?.currency = "KRW"
      $0.facts?.heldCoupons = HeldCouponsValue()
    }
    #expect(empty.holds == [0, 1])
  }

  @Test func noMutationOfAProfileStopsTheDecider() throws {
    let decider = try Decider.of(
      """
      rules:
        - {id: a, if: 'cart.exists(c, c.price * c.quantity > cart.amount) || cart.products > 3', then: {labels: [A]}}
        - {id: b, if: 'heldCoupons.all(c, c.expires_at > c.issued_at) && customer.grade != "x"', then: {labels: [B]}}
        - {id: c, if: 'receivers.all(r, r.zone == "none") && amount.refunded < 5', then: {labels: [C]}}
      """)
    var record = Fixture.record("a")
    record.snapshot?.receivers = [ReceiverValue(), ReceiverValue()]
    record.snapshot?.claims = [ClaimValue()]
    record.facts?.receiverZones = ["none", "제주"]
    record.facts?.customerGrade = "gold"
    record.facts?.heldCoupons = HeldCouponsValue()
    record.facts?.heldCoupons?.coupons = [HeldCouponValue(), HeldCouponValue()]
    record.facts?.cart = CartValue()
    record.facts?.cart?.currency = "KRW"
    var line = CartLineValue()
    (line.productCode, line.quantity, line.unitPrice) = ("P1", .max, .max)
    record.facts?.cart?.lines = [line, line]
    let sound = record.protobuf
    var generator = SeededGenerator.announced("noMutationOfAProfileStopsTheDecider", seed: 31)
    var taken = decider.bytes(of: [sound]).count
    for _ in 0..<20_000 {
      var bytes = sound
      for _ in 0...2 {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= .random(in: 1...255, using: &generator)
      }
      taken += decider.bytes(of: [bytes]).count
    }
    #expect(taken > 100 && taken < 20_000)
  }

  @Test func eachReceiverHasItsZone() throws {
    func receivers(_ count: Int) -> [ReceiverValue] {
      (0..<count).map { index in
        var receiver = ReceiverValue()
        receiver.receiverNo = Int32(index + 1)
        return receiver
      }
    }
    let conditions = [
      #"receivers.exists(r, r.zone == "제주")"#, #"receivers.all(r, r.zone == "제주")"#,
      #"size(receivers.filter(r, r.zone != "none")) == 2"#, "receivers.exists(r, isMissing(r.zone))",
    ]
    let three = try decide(conditions) {
      $0.snapshot?.receivers = receivers(3)
      $0.facts?.zones = ["제주", "none", "도서산간"]
      $0.facts?.receiverZones = ["제주", "none", "도서산간"]
    }
    #expect(three.holds == [0, 2])
    let single = try decide(conditions) {
      $0.snapshot?.receivers = receivers(1)
      $0.facts?.zones = ["제주"]
    }
    #expect(single.holds == [0, 1])
    let pending = try decide(conditions) {
      $0.snapshot?.receivers = receivers(2)
      $0.facts?.zones = ["제주"]
      $0.facts?.zoneMissing = true
      $0.facts?.receiverZones = ["제주", ""]
    }
    #expect(pending.holds == [0, 3] && pending.pending.contains("receiver.zone"))
    // More zones than receivers, or fewer, put nothing in another order's place.
    let odd = try decide(conditions) {
      $0.snapshot?.receivers = receivers(2)
      $0.facts?.receiverZones = ["none", "none", "제주", "제주"]
    }
    #expect(odd.holds == [])
  }
}
