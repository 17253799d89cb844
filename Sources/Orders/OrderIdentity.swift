internal import Glibc

/// Identity of an order: mall, shop number and the platform's order number together (D28).
public struct OrderIdentity: Hashable, Sendable, Comparable {
  public var mallId: String
  public var shopNo: Int32
  public var orderId: String

  public init(mallId: String, shopNo: Int32, orderId: String) {
    self.mallId = mallId
    self.shopNo = shopNo
    self.orderId = orderId
  }

  /// Column by column as bytes (the shop number as decimal text), the order of `labels.csv`.
  public static func < (left: OrderIdentity, right: OrderIdentity) -> Bool {
    if left.mallId != right.mallId { return bytesPrecede(left.mallId, right.mallId) }
    if left.shopNo != right.shopNo { return bytesPrecede(String(left.shopNo), String(right.shopNo)) }
    return bytesPrecede(left.orderId, right.orderId)
  }
}

/// True when the UTF-8 bytes of `left` sort before those of `right` (never Unicode collation).
public func bytesPrecede(_ left: String, _ right: String) -> Bool { compareBytes(left, right) < 0 }

/// Below zero, zero or above, as bytes: Swift's `<` on strings would normalise them.
public func compareBytes(_ left: String, _ right: String) -> Int {
  let direct = left.utf8.withContiguousStorageIfAvailable { one in
    right.utf8.withContiguousStorageIfAvailable { other in
      let order =
        if let first = one.baseAddress, let second = other.baseAddress {
          memcmp(first, second, min(one.count, other.count))
        } else { Int32(0) }
      return order == 0 ? one.count - other.count : Int(order)
    }
  }
  if let order = direct ?? nil { return order }
  if left.utf8.elementsEqual(right.utf8) { return 0 }
  return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
}

/// Who an order belongs to, within its mall: the first identity that exists (D13).
///
/// The kind is part of the key. The digest is a keyed BLAKE2b-128 of (mall, kind, normalised value), made by
/// ingest, so that no member id, phone or e-mail leaves it.
public struct CustomerKey: Hashable, Sendable {
  public enum Kind: UInt8, Sendable, CaseIterable {
    /// No member id, phone or e-mail: the order has no history (the digest is of the order's own identity).
    case none = 0
    case member = 1
    case phone = 2
    case email = 3
  }

  public var kind: Kind
  /// 16 bytes.
  public var digest: [UInt8]

  public init(kind: Kind, digest: [UInt8]) {
    self.kind = kind
    self.digest = digest
  }
}
