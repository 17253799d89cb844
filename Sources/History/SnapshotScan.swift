import Orders
import Topics

/// One line of an order as the fold sees it. Text is borrowed.
struct ScannedItem {
  var code = UnsafeRawBufferPointer(start: nil, count: 0)
  var productCode = UnsafeRawBufferPointer(start: nil, count: 0)
  var sku = UnsafeRawBufferPointer(start: nil, count: 0)
  var status = ItemStatus.unknown
  var quantity: Int32 = 0
  var unitPrice: Int64 = 0
  var optionPrice: Int64 = 0
  var isGift = false
  var hasTracking = false

  var isLive: Bool { status.isLive }
  /// Counts for amounts and lists.
  var isPriced: Bool { isLive && !isGift }

  /// Nil when the bytes are malformed.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var reader = ProtobufReader(bytes)
    while reader.next() {
      switch reader.field {
      case 1: code = reader.slice()
      case 2: productCode = reader.slice()
      case 3: sku = reader.slice()
      case 4: quantity = reader.int32()
      case 5: unitPrice = reader.int64()
      case 6: optionPrice = reader.int64()
      case 7: status = reader.slice().withMemoryRebound(to: UInt8.self) { ItemStatus($0) }
      case 8: isGift = reader.bool()
      case 11: hasTracking = reader.bool()
      default: reader.skip()
      }
    }
    if reader.failed { return nil }
  }
}

/// The single pass of `SnapshotSummary`.
struct SnapshotScan {
  var claimCount = 0
  var digestIsWhole = true
  private var cancelled = 0
  private var hasFirstNumbered = false

  /// False when the bytes are malformed.
  mutating func run(_ bytes: UnsafeRawBufferPointer, into summary: inout SnapshotSummary) -> Bool {
    var reader = ProtobufReader(bytes)
    while true {
      let fieldStart = reader.offset
      guard reader.next() else { break }
      switch reader.field {
      case 1: summary.mall = Self.range(&reader)
      case 2: summary.shopNo = reader.int32()
      case 3: summary.order = Self.range(&reader)
      case 4: if !readCustomer(reader.slice(), into: &summary) { return false }
      case 6: summary.eventTime = Instant(microseconds: reader.int64())
      case 7: summary.version = reader.int64()
      case 8: summary.placedAt = Instant(microseconds: reader.int64())
      case 9: summary.paidAt = Instant(microseconds: reader.int64())
      case 12: summary.currencyCode = Self.packedCode(reader.slice())
      case 14: summary.paymentStatus = .init(rawValue: UInt8(clamping: reader.uint64())) ?? .unknown
      case 17: summary.isGiftPending = reader.uint64() == 2
      case 21: if !readReceiver(Self.range(&reader), of: bytes, into: &summary) { return false }
      case 22: if !readItem(reader.slice(), into: &summary) { return false }
      case 23:
        reader.skip()
        claimCount += 1
      case 30:
        summary.ip = Self.range(&reader)
        summary.ipField = ByteRange(start: fieldStart, count: reader.offset - fieldStart)
        summary.ipFieldCount += 1
      default: reader.skip()
      }
    }
    summary.isAllCancelled = cancelled == summary.itemCount
    return !reader.failed
  }

  private static func range(_ reader: inout ProtobufReader) -> ByteRange {
    let count = reader.slice().count
    return ByteRange(start: reader.offset - count, count: count)
  }

  private static func packedCode(_ code: UnsafeRawBufferPointer) -> UInt32 {
    guard code.count == 3 else { return 0 }
    return UInt32(code[0]) << 16 | UInt32(code[1]) << 8 | UInt32(code[2])
  }

  private mutating func readCustomer(
    _ bytes: UnsafeRawBufferPointer, into summary: inout SnapshotSummary
  ) -> Bool {
    var reader = ProtobufReader(bytes)
    while reader.next() {
      switch reader.field {
      case 1:
        guard let kind = CustomerKey.Kind(rawValue: UInt8(clamping: reader.uint64())) else { return false }
        summary.customerKind = kind
      case 2:
        let digest = reader.slice()
        digestIsWhole = digest.count == 16
        (summary.digestHigh, summary.digestLow) = halves(digest)
      default: reader.skip()
      }
    }
    return !reader.failed
  }

  /// Keeps the fingerprint of receiver number 1, else of the first one.
  private mutating func readReceiver(
    _ range: ByteRange, of bytes: UnsafeRawBufferPointer, into summary: inout SnapshotSummary
  ) -> Bool {
    var reader = ProtobufReader(range.slice(of: bytes))
    var number: Int32 = 0
    var fingerprint = UnsafeRawBufferPointer(start: nil, count: 0)
    while reader.next() {
      switch reader.field {
      case 1: number = reader.int32()
      case 7: fingerprint = reader.slice()
      default: reader.skip()
      }
    }
    if reader.failed { return false }
    if summary.receiverCount == 0 { summary.firstReceiver = range }
    summary.receiverCount += 1
    guard summary.receiverCount == 1 || (number == 1 && !hasFirstNumbered) else { return true }
    hasFirstNumbered = number == 1
    summary.hasReceiverFingerprint = fingerprint.count == 16
    (summary.fingerprintHigh, summary.fingerprintLow) = halves(fingerprint)
    return true
  }

  private mutating func readItem(
    _ bytes: UnsafeRawBufferPointer, into summary: inout SnapshotSummary
  ) -> Bool {
    guard let item = ScannedItem(bytes) else { return false }
    summary.itemCount += 1
    if item.status.isCancelled { cancelled += 1 }
    if item.hasTracking || item.status.isShipped { summary.isShipped = true }
    guard item.isLive else { return true }
    summary.hasLiveItem = true
    if !item.isGift {
      let line = clampedLine(unit: item.unitPrice, option: item.optionPrice, quantity: item.quantity)
      summary.amountItems = clampedSum(summary.amountItems, line)
    }
    return true
  }
}
