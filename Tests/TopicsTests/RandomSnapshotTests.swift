import Orders
import TestKit
import Testing

@testable import Topics

/// Random orders written as JSON and read back: what the event says is what the snapshot holds.
@Suite struct RandomSnapshotTests {
  @Test func aRandomOrderComesBackAsItWasWritten() throws {
    var random = SeededGenerator.announced("random snapshots", seed: 1010)
    let reader = OrderEventReader(secret: try #require(Sample.secret))
    for round in 0..<500 {
      let order = randomOrder(&random)
      var json = JSONWriter()
      write(order, into: &json)
      let reading = read(reader, json.bytes)
      #expect(reading.problems == [], "round \(round)")
      var snapshot = try #require(reading.snapshot)
      #expect(snapshot.protobuf == OrderSnapshotValue(protobuf: snapshot.protobuf)?.protobuf)
      #expect(snapshot.customer?.digest.count == 16)
      snapshot.customer = nil
      #expect(snapshot == order, "round \(round)")
    }
  }

  private func text(_ random: inout SeededGenerator) -> String {
    let letters = Array("ab-19 가힣é😀\"\\\n\t·")
    return String(
      (0..<Int.random(in: 1...12, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
  }

  private func randomOrder(_ random: inout SeededGenerator) -> OrderSnapshotValue {
    var order = OrderSnapshotValue()
    order.mallId = text(&random)
    order.shopNo = Int32.random(in: 1...9, using: &random)
    order.orderId = text(&random)
    order.event = text(&random)
    order.eventTime = Instant(
      microseconds: Int64.random(in: -1_000_000_000_000...4_000_000_000_000_000, using: &random))
    order.version = Int64.random(in: 0...Int64.max, using: &random)
    order.placedAt = Instant(microseconds: Int64.random(in: 0...2_000_000_000_000_000, using: &random))
    if Bool.random(using: &random) { order.paidAt = Instant(microseconds: 1) }
    order.channel = text(&random)
    order.currency = ["KRW", "USD", "KWD"].randomElement(using: &random) ?? "KRW"
    var amounts = AmountsValue()
    amounts.shipping = Int64.random(in: 0...Money.minorUnitsMax, using: &random)
    amounts.paid = Bool.random(using: &random) ? 0 : nil
    amounts.discountCoupon = Bool.random(using: &random) ? 7 : nil
    amounts.refunded = Bool.random(using: &random) ? Int64.random(in: 0...9, using: &random) : nil
    order.amounts = amounts
    order.platformFirst = [nil, false, true].randomElement(using: &random) ?? nil
    order.paymentGateway = ["", "kcp", "토스😀"].randomElement(using: &random) ?? ""
    order.cardIssuer = ["", "신한 1"].randomElement(using: &random) ?? ""
    order.installments = Bool.random(using: &random) ? Int32.random(in: 0...120, using: &random) : nil
    order.paymentStatus = PaymentStatus.allCases.randomElement(using: &random) ?? .unknown
    order.addressState = AddressState.allCases.randomElement(using: &random) ?? .unknown
    order.paymentMethods = (0..<Int.random(in: 0...3, using: &random)).map { _ in text(&random) }
    order.isGift = Bool.random(using: &random)
    order.items = (0..<Int.random(in: 0...30, using: &random)).map { randomItem($0, &random) }
    order.claims = (0..<Int.random(in: 0...2, using: &random)).map { _ in randomClaim(&random) }
    return order
  }

  private func randomItem(_ index: Int, _ random: inout SeededGenerator) -> ItemValue {
    var item = ItemValue()
    item.itemCode = "\(index)-" + text(&random)
    item.productCode = text(&random)
    item.sku = text(&random)
    item.quantity = Int32.random(in: 1...100, using: &random)
    item.unitPrice = Int64.random(in: 0...1_000_000, using: &random)
    item.optionPrice = Int64.random(in: -min(1000, item.unitPrice)...1000, using: &random)
    item.status = (ItemStatus.codes + ["X9"]).randomElement(using: &random) ?? ""
    item.isGiftItem = Bool.random(using: &random)
    item.isVoucher = Bool.random(using: &random)
    item.receiverNo = Int32.random(in: 1...5, using: &random)
    item.categories = (0..<Int.random(in: 0...3, using: &random)).map { _ in text(&random) }
    item.bundleCodes = (0..<Int.random(in: 0...2, using: &random)).map { _ in text(&random) }
    return item
  }

  private func randomClaim(_ random: inout SeededGenerator) -> ClaimValue {
    var claim = ClaimValue()
    claim.claimCode = text(&random)
    claim.kind = ClaimKind.allCases.randomElement(using: &random) ?? .unknown
    claim.status = ClaimStatus.allCases.randomElement(using: &random) ?? .unknown
    claim.reason = "A"
    claim.completedAt = Bool.random(using: &random) ? Instant(microseconds: 1_700_000_000_000_000) : nil
    claim.refundAmount = Int64.random(in: -10...10, using: &random)
    var item = ClaimItemValue()
    item.itemCode = text(&random)
    item.quantity = 2
    claim.items = [item]
    return claim
  }

  /// The printer's form is what the reader takes, apart from persons and receivers.
  private func write(_ order: OrderSnapshotValue, into json: inout JSONWriter) {
    order.writeJSON(into: &json)
  }
}
