import TestKit
import Testing

@testable import Topics

@Suite struct MutationTests {
  @Test func noMutationOfAnEventStopsTheReader() throws {
    var random = SeededGenerator.announced("event mutations", seed: 20_261_010)
    let reader = OrderEventReader(secret: try #require(Sample.secret))
    let original = Array(Sample.event.utf8)
    var accepted = 0
    for _ in 0..<20_000 {
      let reading = read(reader, mutated(original, &random))
      #expect(reading.snapshot != nil || !reading.problems.isEmpty)
      if reading.snapshot != nil { accepted += 1 }
    }
    #expect(accepted > 0)
  }

  @Test func noMutationOfAMessageStopsItsDecoder() throws {
    var random = SeededGenerator.announced("message mutations", seed: 7)
    let snapshot = try #require(try read(Sample.event).snapshot)
    var enriched = EnrichedOrderValue()
    enriched.snapshot = snapshot
    var facts = FactsValue()
    facts.itemLists = [1, 0, 300]
    facts.stock = [StockLevelValue()]
    facts.heldCoupons = HeldCouponsValue()
    facts.heldCoupons?.coupons = [HeldCouponValue(), HeldCouponValue()]
    facts.cart = CartValue()
    facts.cart?.lines = [CartLineValue()]
    enriched.facts = facts
    let original = enriched.protobuf
    for _ in 0..<20_000 {
      let bytes = mutated(original, &random)
      if let value = EnrichedOrderValue(protobuf: bytes) {
        #expect(EnrichedOrderValue(protobuf: value.protobuf) == value)
      }
      _ = DecisionValue(protobuf: bytes)
      _ = AppliedLedgerValue(protobuf: bytes)
      _ = DeadLetterValue(protobuf: bytes)
    }
  }

  @Test func noMutationOfAWebhookStopsItsReader() {
    var random = SeededGenerator.announced("webhook mutations", seed: 11)
    let reader = Cafe24WebhookReader()
    let original = Array(
      #"{"event_no":90071,"resource":{"mall_id":"m","event_shop_no":"1","order_id":"a-1,b-2"}}"#.utf8)
    for _ in 0..<20_000 {
      mutated(original, &random).withUnsafeBytes { _ = reader.read($0) }
    }
  }

  /// One to four bytes changed, removed, doubled, or pieces moved.
  private func mutated(_ original: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = original
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
      let index = Int.random(in: 0..<bytes.count, using: &random)
      let end = min(index + Int.random(in: 1...40, using: &random), bytes.count)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes[index] = Array("{}[]\",:\\0-eu".utf8).randomElement(using: &random) ?? 0
      case 2: bytes.removeSubrange(index..<end)
      case 3: bytes.insert(contentsOf: Array(bytes[index..<end]), at: index)
      case 4: bytes.removeSubrange(end...)
      default: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
    }
    return bytes
  }
}
