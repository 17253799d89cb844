public import Orders

/// A customer of a mall: the unit of history. The kind belongs to the key (facts.md, "Customer key").
public struct CustomerIdentity: Hashable, Sendable {
  public var mallId: String
  public var kind: CustomerKey.Kind
  /// The key's 16 bytes, as two big-endian halves.
  public var digestHigh: UInt64
  public var digestLow: UInt64

  public init(mallId: String, kind: CustomerKey.Kind, digestHigh: UInt64, digestLow: UInt64) {
    self.mallId = mallId
    self.kind = kind
    self.digestHigh = digestHigh
    self.digestLow = digestLow
  }

  /// Nil when the digest has not 16 bytes.
  public init?(mallId: String, key: CustomerKey) {
    guard key.digest.count == 16 else { return nil }
    let (high, low) = key.digest.withUnsafeBytes { halves($0) }
    self.init(mallId: mallId, kind: key.kind, digestHigh: high, digestLow: low)
  }

  /// Of a changelog key (`topics/ledger.proto`); nil when the bytes are none.
  public init?(recordKey: UnsafeRawBufferPointer) {
    guard let parts = RecordKey(recordKey) else { return nil }
    self = parts.customer
  }

  /// Of a `recordPrefix`; nil when the bytes are none.
  public init?(recordPrefix: [UInt8]) {
    guard recordPrefix.count > 18, recordPrefix.last == 0,
      let kind = CustomerKey.Kind(rawValue: recordPrefix[0])
    else { return nil }
    let (high, low) = recordPrefix[1..<17].withUnsafeBytes { halves($0) }
    self.init(
      mallId: String(decoding: recordPrefix[17...].dropLast(), as: UTF8.self), kind: kind, digestHigh: high,
      digestLow: low)
  }

  public var key: CustomerKey {
    var digest: [UInt8] = []
    digest.reserveCapacity(16)
    appendDigest(to: &digest)
    return CustomerKey(kind: kind, digest: digest)
  }

  /// The first bytes of the changelog keys of all this customer's orders: kind ‖ digest ‖ mall ‖ 0x00.
  public var recordPrefix: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(18 + mallId.utf8.count)
    appendKindAndDigest(to: &bytes)
    bytes.append(contentsOf: mallId.utf8)
    bytes.append(0)
    return bytes
  }

  /// 17 bytes: kind ‖ digest.
  public func appendKindAndDigest(to bytes: inout [UInt8]) {
    bytes.append(kind.rawValue)
    appendDigest(to: &bytes)
  }

  private func appendDigest(to bytes: inout [UInt8]) {
    withUnsafeBytes(of: digestHigh.bigEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: digestLow.bigEndian) { bytes.append(contentsOf: $0) }
  }
}

/// Two big-endian halves of 16 bytes; the caller has checked the count.
func halves(_ bytes: UnsafeRawBufferPointer) -> (high: UInt64, low: UInt64) {
  guard bytes.count == 16 else { return (0, 0) }
  return (
    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
  )
}

/// A changelog key taken apart: kind ‖ digest ‖ mall ‖ 0x00 ‖ shop ‖ 0x00 ‖ order id.
struct RecordKey {
  var customer: CustomerIdentity
  var shopNo: Int32
  var orderId: [UInt8]

  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 19, let kind = CustomerKey.Kind(rawValue: bytes[0]) else { return nil }
    let (high, low) = halves(UnsafeRawBufferPointer(rebasing: bytes[1..<17]))
    guard let mallEnd = bytes[17...].firstIndex(of: 0),
      let shopEnd = bytes[(mallEnd + 1)...].firstIndex(of: 0),
      let shop = Int32(String(decoding: bytes[(mallEnd + 1)..<shopEnd], as: UTF8.self)),
      shopEnd + 1 < bytes.count
    else { return nil }
    customer = CustomerIdentity(
      mallId: String(decoding: bytes[17..<mallEnd], as: UTF8.self), kind: kind, digestHigh: high,
      digestLow: low)
    shopNo = shop
    orderId = [UInt8](bytes[(shopEnd + 1)...])
  }

  static func bytes(prefix: [UInt8], shopNo: Int32, orderId: [UInt8]) -> [UInt8] {
    var bytes = prefix
    bytes.append(contentsOf: String(shopNo).utf8)
    bytes.append(0)
    bytes.append(contentsOf: orderId)
    return bytes
  }
}
