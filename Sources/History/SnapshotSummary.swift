public import Orders
import Topics

/// Where a field's bytes lie within the bytes that were scanned. Six of them are kept with every snapshot.
struct ByteRange: Sendable, Equatable {
  private var first: UInt32 = 0
  private var length: UInt32 = 0

  var start: Int { Int(first) }
  var count: Int { Int(length) }

  init() {}

  /// Of a record, which is never as large as 4 GiB; what is larger is taken for empty.
  init(start: Int, count: Int) {
    guard let first = UInt32(exactly: start), let length = UInt32(exactly: count) else { return }
    (self.first, self.length) = (first, length)
  }

  func slice(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard start >= 0, count >= 0, start <= bytes.count, count <= bytes.count - start else {
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    return UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)])
  }
}

/// A completed return or exchange by the customer's fault (facts.md, `history.returns`).
struct FaultClaim: Sendable, Equatable {
  var isReturn: Bool
  var completedAt: Int64
}

/// What the fold needs of one encoded `OrderSnapshot`, read in one pass and without a string per item.
///
/// Identity and ip are kept as places in the scanned bytes and turned into values only when asked for.
public struct SnapshotSummary: Sendable {
  /// Sums of one order are clamped to ± this many minor units, so that sums over a customer cannot overflow.
  public static let amountMax: Int64 = 100_000_000_000_000

  /// Numbers as in `order.proto`.
  public enum PaymentStatus: UInt8, Sendable {
    case unknown = 0
    case unpaid = 1
    case partly = 2
    case paid = 3
  }

  public internal(set) var eventTime = Instant(microseconds: 0)
  public internal(set) var version: Int64 = 0
  public internal(set) var placedAt = Instant(microseconds: 0)
  public internal(set) var paidAt: Instant?
  /// The currency's letters, packed big-endian into the low three bytes.
  public internal(set) var currencyCode: UInt32 = 0
  public internal(set) var paymentStatus: PaymentStatus = .unknown
  /// Σ (unit price + option price) × quantity over live, non-gift items, in minor units, clamped.
  public internal(set) var amountItems: Int64 = 0
  /// `amountItems` less what completed cancel and return claims take off live items; never below 0.
  public internal(set) var netAmount: Int64 = 0
  public internal(set) var itemCount = 0
  public internal(set) var hasLiveItem = false
  /// Every item is cancelled; so is an order without items (facts.md, "fully cancelled").
  public internal(set) var isAllCancelled = false
  /// Some item has a tracking number or a status past shipment.
  public internal(set) var isShipped = false
  /// The gift's receiver has not given an address yet.
  public internal(set) var isGiftPending = false
  public internal(set) var shopNo: Int32 = 0
  public internal(set) var customerKind: CustomerKey.Kind = .none
  public internal(set) var receiverCount = 0

  var digestHigh: UInt64 = 0
  var digestLow: UInt64 = 0
  var hasReceiverFingerprint = false
  var fingerprintHigh: UInt64 = 0
  var fingerprintLow: UInt64 = 0
  var faultClaims: [FaultClaim] = []
  var mall = ByteRange()
  var order = ByteRange()
  var ip = ByteRange()
  /// The whole ip field, tag included.
  var ipField = ByteRange()
  var ipFieldCount = 0
  var firstReceiver = ByteRange()

  /// Shipped or fully cancelled (facts.md, "Closed").
  public var isClosed: Bool { isShipped || isAllCancelled }
  public var isPaid: Bool { paymentStatus == .paid }

  /// Reads an encoded `OrderSnapshot`. Throws `malformedSnapshot`, or `invalidField` for an identity that is
  /// absent, a digest that has not 16 bytes, or a time outside the years 1–9999.
  public init(_ bytes: UnsafeRawBufferPointer) throws(HistoryError) {
    var scan = SnapshotScan()
    guard scan.run(bytes, into: &self) else { throw .malformedSnapshot }
    guard mall.count > 0, !mall.slice(of: bytes).contains(0) else { throw .invalidField("mall_id") }
    guard order.count > 0 else { throw .invalidField("order_id") }
    guard scan.digestIsWhole else { throw .invalidField("customer") }
    guard Self.isInCalendar(eventTime) else { throw .invalidField("event_time_us") }
    guard Self.isInCalendar(placedAt) else { throw .invalidField("placed_at_us") }
    if let paidAt, !Self.isInCalendar(paidAt) { throw .invalidField("paid_at_us") }
    netAmount = max(amountItems, 0)
    if scan.claimCount > 0 {
      guard readClaims(bytes) else { throw .malformedSnapshot }
    }
  }

  public func mallId(in bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: mall.slice(of: bytes), as: UTF8.self)
  }

  public func orderId(in bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: order.slice(of: bytes), as: UTF8.self)
  }

  public func customer(in bytes: UnsafeRawBufferPointer) -> CustomerIdentity {
    CustomerIdentity(
      mallId: mallId(in: bytes), kind: customerKind, digestHigh: digestHigh, digestLow: digestLow)
  }

  /// Whether the snapshot, which the summary was read from, belongs to the customer.
  func isOf(_ customer: CustomerIdentity, in bytes: UnsafeRawBufferPointer) -> Bool {
    guard customer.kind == customerKind, customer.digestHigh == digestHigh, customer.digestLow == digestLow
    else { return false }
    let mallBytes = mall.slice(of: bytes)
    let isSame = customer.mallId.utf8.withContiguousStorageIfAvailable {
      sameBytes(UnsafeRawBufferPointer($0), mallBytes)
    }
    return isSame == true || mallId(in: bytes) == customer.mallId
  }

  /// 0001-01-01 … 9999-12-31, where civil time can be reckoned without overflow.
  static func isInCalendar(_ instant: Instant) -> Bool {
    instant.microseconds >= -62_135_596_800_000_000 && instant.microseconds < 253_402_300_800_000_000
  }
}

/// (unit + option) × quantity, clamped; a negative quantity counts as none.
func clampedLine(unit: Int64, option: Int64, quantity: Int32) -> Int64 {
  let limit = SnapshotSummary.amountMax
  let price = min(max(unit, -limit), limit) + min(max(option, -limit), limit)
  let (product, overflow) = price.multipliedReportingOverflow(by: Int64(max(quantity, 0)))
  if overflow { return price < 0 ? -limit : limit }
  return min(max(product, -limit), limit)
}

func clampedSum(_ left: Int64, _ right: Int64) -> Int64 {
  min(max(left &+ right, -SnapshotSummary.amountMax), SnapshotSummary.amountMax)
}
