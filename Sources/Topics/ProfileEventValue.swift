public import Orders

/// What is known of a customer beside his orders: what a record of topic `orders` holds in place of a snapshot
/// (`OrderSnapshot.profile`, topics/order.proto).
public struct ProfileEventValue: SnapshotStandIn {
  public var mallId: String = ""
  public var shopNo: Int32 = 0
  public var customer: CustomerKeyValue?
  /// Counts for decisions at this instant and later.
  public var at: Instant = Instant(microseconds: 0)
  /// Empty: not told.
  public var grade: String = ""
  /// Nil: not told. Empty: none is held.
  public var coupons: HeldCouponsValue?
  /// Nil: not told.
  public var cart: CartValue?

  public init() {}

  @inlinable public static var ordersField: Int { 32 }
  public static func held(in snapshot: OrderSnapshotValue) -> Self? { snapshot.profile }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: mallId = reader.string()
    case 2: shopNo = reader.int32()
    case 3: customer = reader.value()
    case 4: at = Instant(microseconds: reader.int64())
    case 5: grade = reader.string()
    case 6: coupons = reader.value()
    case 7: cart = reader.value()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, mallId)
    writer.int32(2, shopNo)
    if let customer { writer.value(3, customer) }
    writer.int64(4, at.microseconds)
    writer.string(5, grade)
    if let coupons { writer.value(6, coupons) }
    if let cart { writer.value(7, cart) }
  }
}

/// The coupons that a customer holds.
public struct HeldCouponsValue: ProtobufValue {
  public var coupons: [HeldCouponValue] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    if reader.field == 1 { coupons.append(reader.value()) } else { reader.skip() }
  }

  public func write(into writer: inout ProtobufWriter) { writer.values(1, coupons) }
}

/// A coupon that was issued to a customer and not used.
public struct HeldCouponValue: ProtobufValue {
  public var couponNo: String = ""
  /// Issue type, as sent.
  public var type: String = ""
  /// Held from this instant on; nil: as long as is known.
  public var issuedAt: Instant?
  /// No longer held at this instant; nil: never.
  public var expiresAt: Instant?

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: couponNo = reader.string()
    case 2: type = reader.string()
    case 3: issuedAt = Instant(microseconds: reader.int64())
    case 4: expiresAt = Instant(microseconds: reader.int64())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, couponNo)
    writer.string(2, type)
    writer.optionalInt64(3, issuedAt?.microseconds)
    writer.optionalInt64(4, expiresAt?.microseconds)
  }
}

/// What lies in a customer's cart.
public struct CartValue: ProtobufValue {
  /// Three capital letters.
  public var currency: String = ""
  public var lines: [CartLineValue] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: currency = reader.string()
    case 2: lines.append(reader.value())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, currency)
    writer.values(2, lines)
  }
}

/// One line of a cart; prices in minor units.
public struct CartLineValue: ProtobufValue {
  public var productCode: String = ""
  public var sku: String = ""
  public var quantity: Int32 = 0
  public var unitPrice: Int64 = 0
  public var optionPrice: Int64 = 0
  public var addedAt: Instant?

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: productCode = reader.string()
    case 2: sku = reader.string()
    case 3: quantity = reader.int32()
    case 4: unitPrice = reader.int64()
    case 5: optionPrice = reader.int64()
    case 6: addedAt = Instant(microseconds: reader.int64())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, productCode)
    writer.string(2, sku)
    writer.int32(3, quantity)
    writer.int64(4, unitPrice)
    writer.int64(5, optionPrice)
    writer.optionalInt64(6, addedAt?.microseconds)
  }
}

/// Value of topic `enrich.history`: one part of a customer's profile in one shop with its dated states.
public struct ProfileLedgerValue: ProtobufValue {
  public struct State: ProtobufValue {
    public var at: Int64 = 0
    public var part: [UInt8] = []

    public init() {}

    public mutating func take(_ reader: inout ProtobufReader) {
      switch reader.field {
      case 1: at = reader.int64()
      case 2: part = reader.array()
      default: reader.skip()
      }
    }

    public func write(into writer: inout ProtobufWriter) {
      writer.int64(1, at)
      writer.bytes(2, part)
    }
  }

  /// By `at`, each once.
  public var states: [State] = []
  /// States of this instant and before are not kept.
  public var droppedUntil: Int64?

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: states.append(reader.value())
    case 2: droppedUntil = reader.int64()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.values(1, states)
    writer.optionalInt64(2, droppedUntil)
  }
}
