import Testing

@testable import Orders

struct ItemStatusTests {
  /// facts.md, "Item codes".
  private let cancelled: Set = ["C40", "C41", "C42", "C43", "C47", "C48", "C49"]
  private let returned: Set = ["R40", "R41", "R42", "R43"]

  @Test func everyCodeIsWhatTheDefinitionSays() {
    #expect(ItemStatus.codes.count == Set(ItemStatus.codes).count)
    for code in ItemStatus.codes {
      let status = ItemStatus(code)
      #expect(status != .unknown, "\(code)")
      #expect(ItemStatus.codes[Int(status.index)] == code)
      #expect(status.isCancelled == cancelled.contains(code), "\(code)")
      #expect(status.isReturned == returned.contains(code), "\(code)")
      #expect(status.isLive == !(cancelled.contains(code) || returned.contains(code)), "\(code)")
      let isShipped = ["N30", "N40", "N50"].contains(code) || code.hasPrefix("R") || code.hasPrefix("E")
      #expect(status.isShipped == isShipped, "\(code)")
    }
    for code in cancelled.union(returned) { #expect(ItemStatus.codes.contains(code)) }
  }

  @Test(arguments: ["", "N", "N1", "N99", "n10", "N100", "X10", "C4O", "Z99", "한", "\u{0}\u{0}\u{0}", "C50"])
  func anUnknownCodeIsLiveAndNotShipped(_ code: String) {
    let status = ItemStatus(code)
    #expect(status == .unknown)
    #expect(status.isLive && !status.isShipped && !status.isCancelled && !status.isReturned)
  }

  @Test func noBytesStopTheProcess() {
    for first in UInt8.min ... .max {
      for second in UInt8.min ... .max {
        [first, 52, second].withUnsafeBufferPointer { _ = ItemStatus($0).isLive }
        [67, first, second].withUnsafeBufferPointer { _ = ItemStatus($0).isLive }
      }
    }
  }

  @Test func identitiesSortByColumnsAsBytes() {
    let first = OrderIdentity(mallId: "a", shopNo: 10, orderId: "9")
    let second = OrderIdentity(mallId: "a", shopNo: 9, orderId: "1")
    // The shop number as text: "10" before "9".
    #expect(first < second && !(second < first))
    #expect(bytesPrecede("Z", "a") && bytesPrecede("a", "가") && bytesPrecede("a", "aa"))
    #expect(!bytesPrecede("a", "a"))
  }
}
