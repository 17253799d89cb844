import Orders
import Topics

@testable import History

/// Builds encoded `OrderSnapshot`s for tests. Times are minutes after 2026-10-01T00:00:00+09:00 unless said so.
struct SnapshotBuilder {
  struct Line {
    var code = "i1"
    var product = "P1"
    var sku = "S1"
    var quantity: Int32 = 1
    var price: Int64 = 10_000
    var option: Int64 = 0
    var status = "N10"
    var isGift = false
    var tracking = false
  }
  struct Receiver {
    var number: Int32 = 1
    var zip = "06236"
    var region1 = "서울특별시"
    var region2 = "강남구"
    var hasAddress = true
    var country = ""
    var fingerprint: UInt8 = 7
  }
  struct Claim {
    var kind: UInt64 = 2
    var status: UInt64 = 3
    var reason = ""
    var completedAt: Int64?
    var items: [(code: String, quantity: Int32)] = []
  }

  var mall = "demomall"
  var shop: Int32 = 1
  var order = "A"
  var kind: UInt64 = 1
  var digest: UInt8 = 9
  var digestCount = 16
  var eventTime: Int64 = 0
  var version: Int64 = 1
  var placedAt: Int64 = 0
  var paidAt: Int64?
  var currency = "KRW"
  var payment: UInt64 = 3
  var methods = ["card"]
  var addressState: UInt64 = 1
  var receivers = [Receiver()]
  var items = [Line()]
  var claims: [Claim] = []
  var ip = ""

  static let start = Instant(rfc3339: "2026-10-01T00:00:00+09:00")?.microseconds ?? 0
  static func minute(_ value: Int64) -> Int64 { start + value * 60_000_000 }

  init(_ order: String, version: Int64 = 1, at minute: Int64, placed: Int64? = nil) {
    self.order = order
    self.version = version
    eventTime = Self.minute(minute)
    placedAt = Self.minute(placed ?? minute)
  }

  func with(_ change: (inout SnapshotBuilder) -> Void) -> SnapshotBuilder {
    var copy = self
    change(&copy)
    return copy
  }

  func later(_ minute: Int64, version: Int64, _ change: (inout SnapshotBuilder) -> Void = { _ in })
    -> SnapshotBuilder
  {
    with {
      $0.eventTime = Self.minute(minute)
      $0.version = version
      change(&$0)
    }
  }

  func shipped(_ minute: Int64, version: Int64) -> SnapshotBuilder {
    later(minute, version: version) { for index in $0.items.indices { $0.items[index].status = "N30" } }
  }

  func cancelled(_ minute: Int64, version: Int64) -> SnapshotBuilder {
    later(minute, version: version) { for index in $0.items.indices { $0.items[index].status = "C40" } }
  }

  var identity: CustomerIdentity {
    let half = UInt64(digest) &* 0x0101_0101_0101_0101
    return CustomerIdentity(
      mallId: mall, kind: CustomerKey.Kind(rawValue: UInt8(kind)) ?? .none, digestHigh: half, digestLow: half)
  }

  var bytes: [UInt8] {
    var writer = ProtobufWriter()
    writer.string(1, mall)
    writer.int32(2, shop)
    writer.string(3, order)
    writer.message(4) {
      $0.uint64(1, kind)
      $0.bytes(2, [UInt8](repeating: digest, count: digestCount))
    }
    writer.string(5, "order.changed")
    writer.int64(6, eventTime)
    writer.int64(7, version)
    writer.int64(8, placedAt)
    writer.optionalInt64(9, paidAt)
    writer.string(12, currency)
    writer.uint64(14, payment)
    writer.strings(15, methods)
    writer.uint64(17, addressState)
    for receiver in receivers { writer.message(21) { Self.write(receiver, &$0) } }
    for item in items { writer.message(22) { Self.write(item, &$0) } }
    for claim in claims { writer.message(23) { Self.write(claim, &$0) } }
    writer.string(30, ip)
    return writer.bytes
  }

  private static func write(_ receiver: Receiver, _ writer: inout ProtobufWriter) {
    writer.int32(1, receiver.number)
    writer.string(2, receiver.zip)
    writer.string(3, receiver.region1)
    writer.string(4, receiver.region2)
    writer.bool(5, receiver.hasAddress)
    writer.string(6, receiver.country)
    writer.bytes(7, [UInt8](repeating: receiver.fingerprint, count: 16))
  }

  private static func write(_ item: Line, _ writer: inout ProtobufWriter) {
    writer.string(1, item.code)
    writer.string(2, item.product)
    writer.string(3, item.sku)
    writer.int32(4, item.quantity)
    writer.int64(5, item.price)
    writer.int64(6, item.option)
    writer.string(7, item.status)
    writer.bool(8, item.isGift)
    writer.bool(11, item.tracking)
  }

  private static func write(_ claim: Claim, _ writer: inout ProtobufWriter) {
    writer.string(1, "C1")
    writer.uint64(2, claim.kind)
    writer.uint64(3, claim.status)
    writer.string(4, claim.reason)
    writer.optionalInt64(6, claim.completedAt)
    for item in claim.items {
      writer.message(8) {
        $0.string(1, item.code)
        $0.int32(2, item.quantity)
      }
    }
  }
}
