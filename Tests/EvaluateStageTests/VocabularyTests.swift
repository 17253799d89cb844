import EvaluateStage
import Orders
import Rules
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
