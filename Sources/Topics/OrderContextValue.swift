public import Orders

/// Value of topic `order.context` (topics/context.proto): one of the two is set.
public struct OrderContextValue: ProtobufValue {
  public var beacon: BeaconValue?
  public var pointer: PointerValue?

  public init() {}

  public init(_ beacon: BeaconValue) { self.beacon = beacon }
  public init(_ pointer: PointerValue) { self.pointer = pointer }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: beacon = reader.value()
    case 2: pointer = reader.value()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    if let beacon { writer.value(1, beacon) }
    if let pointer { writer.value(2, pointer) }
  }
}

/// A storefront tells from where an order was placed.
public struct BeaconValue: ProtobufValue {
  /// IPv4 or IPv6, in its one canonical spelling.
  public var ip: String = ""
  public var at: Instant = Instant(microseconds: 0)
  /// Wall clock of ingest.
  public var takenAt: Instant = Instant(microseconds: 0)

  public init() {}

  public init(ip: String, at: Instant, takenAt: Instant) {
    self.ip = ip
    self.at = at
    self.takenAt = takenAt
  }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: ip = reader.string()
    case 2: at = Instant(microseconds: reader.int64())
    case 3: takenAt = Instant(microseconds: reader.int64())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, ip)
    writer.int64(2, at.microseconds)
    writer.int64(3, takenAt.microseconds)
  }
}

/// An event of an order came without an address: whom the order belongs to.
public struct PointerValue: ProtobufValue {
  public var customer = CustomerKeyValue()
  /// Wall clock of ingest.
  public var takenAt: Instant = Instant(microseconds: 0)

  public init() {}

  public init(customer: CustomerKeyValue, takenAt: Instant) {
    self.customer = customer
    self.takenAt = takenAt
  }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: reader.merge(into: &customer)
    case 2: takenAt = Instant(microseconds: reader.int64())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.value(1, customer)
    writer.int64(2, takenAt.microseconds)
  }
}

/// Value of topic `ingest.context`: what the join knows of one order.
public struct ContextJoinValue: ProtobufValue {
  public var beacons: [HeldBeaconValue] = []
  public var customers: [PointerValue] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: beacons.append(reader.value())
    case 2: customers.append(reader.value())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.values(1, beacons)
    writer.values(2, customers)
  }
}

/// A beacon as it is stored: nobody reads the address without the dead-letter key.
public struct HeldBeaconValue: ProtobufValue {
  public var sealedIP: [UInt8] = []
  public var at: Instant = Instant(microseconds: 0)
  public var takenAt: Instant = Instant(microseconds: 0)
  /// Some customer's history was told of it.
  public var isJoined = false

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: sealedIP = reader.array()
    case 2: at = Instant(microseconds: reader.int64())
    case 3: takenAt = Instant(microseconds: reader.int64())
    case 4: isJoined = reader.bool()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.bytes(1, sealedIP)
    writer.int64(2, at.microseconds)
    writer.int64(3, takenAt.microseconds)
    writer.bool(4, isJoined)
  }
}

/// Keys of `order.context` and `ingest.context`: mall ‖ 0x00 ‖ shop ‖ 0x00 ‖ order id.
public struct OrderContextKey: Hashable, Sendable {
  public var mallId: String
  public var shopNo: Int32
  public var orderId: String

  public init(mallId: String, shopNo: Int32, orderId: String) {
    self.mallId = mallId
    self.shopNo = shopNo
    self.orderId = orderId
  }

  /// Nil when the bytes are no such key.
  public init?(_ key: UnsafeRawBufferPointer) {
    guard let first = key.firstIndex(of: 0), let second = key[(first + 1)...].firstIndex(of: 0), first > 0,
      second + 1 < key.count, let shop = Int32(String(decoding: key[(first + 1)..<second], as: UTF8.self)),
      shop >= 0
    else { return nil }
    self.init(
      mallId: String(decoding: key[..<first], as: UTF8.self), shopNo: shop,
      orderId: String(decoding: key[(second + 1)...], as: UTF8.self))
  }

  public var bytes: [UInt8] {
    Self.bytes(mallId: mallId.utf8, shopNo: shopNo, orderId: orderId.utf8)
  }

  public static func bytes(
    mallId: some Sequence<UInt8>, shopNo: Int32, orderId: some Sequence<UInt8>
  ) -> [UInt8] {
    var key: [UInt8] = []
    key.append(contentsOf: mallId)
    key.append(0)
    key.append(contentsOf: String(shopNo).utf8)
    key.append(0)
    key.append(contentsOf: orderId)
    return key
  }
}
