public import Orders

/// Kind and 16-byte digest of the customer (D13).
public struct CustomerKeyValue: ProtobufValue {
  public var kind: CustomerKey.Kind = CustomerKey.Kind(wire: 0)
  public var digest: [UInt8] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: kind = CustomerKey.Kind(wire: reader.uint64())
    case 2: digest = reader.array()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.uint64(1, UInt64(kind.rawValue))
    writer.bytes(2, digest)
  }
}

/// Amounts in minor units; nil = not given (D11).
public struct AmountsValue: ProtobufValue {
  /// As given by the sender; rules use the computed one.
  public var items: Int64?
  public var shipping: Int64?
  public var discount: Int64?
  public var ordered: Int64?
  public var current: Int64?
  public var paid: Int64?
  public var surcharge: Int64?
  /// Of the discount: by the buyer's grade.
  public var discountGrade: Int64?
  /// Of the discount: by coupons.
  public var discountCoupon: Int64?
  public var points: Int64?
  /// Paid back so far.
  public var refunded: Int64?

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: items = reader.int64()
    case 2: shipping = reader.int64()
    case 3: discount = reader.int64()
    case 4: ordered = reader.int64()
    case 5: current = reader.int64()
    case 6: paid = reader.int64()
    case 7: surcharge = reader.int64()
    case 8: discountGrade = reader.int64()
    case 9: discountCoupon = reader.int64()
    case 10: points = reader.int64()
    case 11: refunded = reader.int64()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.optionalInt64(1, items)
    writer.optionalInt64(2, shipping)
    writer.optionalInt64(3, discount)
    writer.optionalInt64(4, ordered)
    writer.optionalInt64(5, current)
    writer.optionalInt64(6, paid)
    writer.optionalInt64(7, surcharge)
    writer.optionalInt64(8, discountGrade)
    writer.optionalInt64(9, discountCoupon)
    writer.optionalInt64(10, points)
    writer.optionalInt64(11, refunded)
  }
}

/// A coupon used on the order.
public struct CouponValue: ProtobufValue {
  public var couponNo: String = ""
  public var issueType: String = ""

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: couponNo = reader.string()
    case 2: issueType = reader.string()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, couponNo)
    writer.string(2, issueType)
  }
}

/// A receiver, reduced to what rules need.
public struct ReceiverValue: ProtobufValue {
  public var receiverNo: Int32 = 0
  /// Trimmed, as given.
  public var zip: String = ""
  /// First two tokens of address1 (province, city or county), NFC.
  public var region1: String = ""
  public var region2: String = ""
  public var hasAddress: Bool = false
  /// As given; empty = not given.
  public var country: String = ""
  /// 16 bytes; empty when name, zip and addresses all are (facts.md, "same receiver").
  public var fingerprint: [UInt8] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: receiverNo = reader.int32()
    case 2: zip = reader.string()
    case 3: region1 = reader.string()
    case 4: region2 = reader.string()
    case 5: hasAddress = reader.bool()
    case 6: country = reader.string()
    case 7: fingerprint = reader.array()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.int32(1, receiverNo)
    writer.string(2, zip)
    writer.string(3, region1)
    writer.string(4, region2)
    writer.bool(5, hasAddress)
    writer.string(6, country)
    writer.bytes(7, fingerprint)
  }
}

/// An order line.
public struct ItemValue: ProtobufValue {
  public var itemCode: String = ""
  public var productCode: String = ""
  public var sku: String = ""
  public var quantity: Int32 = 0
  public var unitPrice: Int64 = 0
  public var optionPrice: Int64 = 0
  /// The platform's raw code.
  public var status: String = ""
  public var isGiftItem: Bool = false
  public var isVoucher: Bool = false
  public var receiverNo: Int32 = 0
  public var hasTracking: Bool = false
  public var categories: [String] = []
  /// Of a bundle: product codes of its parts.
  public var bundleCodes: [String] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: itemCode = reader.string()
    case 2: productCode = reader.string()
    case 3: sku = reader.string()
    case 4: quantity = reader.int32()
    case 5: unitPrice = reader.int64()
    case 6: optionPrice = reader.int64()
    case 7: status = reader.string()
    case 8: isGiftItem = reader.bool()
    case 9: isVoucher = reader.bool()
    case 10: receiverNo = reader.int32()
    case 11: hasTracking = reader.bool()
    case 12: categories.append(reader.string())
    case 13: bundleCodes.append(reader.string())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, itemCode)
    writer.string(2, productCode)
    writer.string(3, sku)
    writer.int32(4, quantity)
    writer.int64(5, unitPrice)
    writer.int64(6, optionPrice)
    writer.string(7, status)
    writer.bool(8, isGiftItem)
    writer.bool(9, isVoucher)
    writer.int32(10, receiverNo)
    writer.bool(11, hasTracking)
    writer.strings(12, categories)
    writer.strings(13, bundleCodes)
  }
}

/// A cancel, return or exchange.
public struct ClaimValue: ProtobufValue {
  public var claimCode: String = ""
  public var kind: ClaimKind = ClaimKind(wire: 0)
  public var status: ClaimStatus = ClaimStatus(wire: 0)
  /// The platform's letter; empty = none given.
  public var reason: String = ""
  public var requestedAt: Instant?
  public var completedAt: Instant?
  public var refundAmount: Int64?
  public var items: [ClaimItemValue] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: claimCode = reader.string()
    case 2: kind = ClaimKind(wire: reader.uint64())
    case 3: status = ClaimStatus(wire: reader.uint64())
    case 4: reason = reader.string()
    case 5: requestedAt = Instant(microseconds: reader.int64())
    case 6: completedAt = Instant(microseconds: reader.int64())
    case 7: refundAmount = reader.int64()
    case 8: items.append(reader.value())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, claimCode)
    writer.uint64(2, UInt64(kind.rawValue))
    writer.uint64(3, UInt64(status.rawValue))
    writer.string(4, reason)
    writer.optionalInt64(5, requestedAt?.microseconds)
    writer.optionalInt64(6, completedAt?.microseconds)
    writer.optionalInt64(7, refundAmount)
    writer.values(8, items)
  }
}

/// An item that a claim names.
public struct ClaimItemValue: ProtobufValue {
  public var itemCode: String = ""
  public var quantity: Int32 = 0

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: itemCode = reader.string()
    case 2: quantity = reader.int32()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, itemCode)
    writer.int32(2, quantity)
  }
}

/// An admin memo on the order, without its text.
public struct MemoValue: ProtobufValue {
  public var memoNo: Int64 = 0
  public var createdAt: Instant = Instant(microseconds: 0)
  public var byUs: Bool = false

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: memoNo = reader.int64()
    case 2: createdAt = Instant(microseconds: reader.int64())
    case 3: byUs = reader.bool()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.int64(1, memoNo)
    writer.int64(2, createdAt.microseconds)
    writer.bool(3, byUs)
  }
}
