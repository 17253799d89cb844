public import Orders

/// Two customers are one person: what a record of topic `orders` holds in place of a snapshot (`OrderSnapshot.merge`,
/// topics/order.proto). Keyed by `from`.
public struct MergeEventValue: ProtobufValue {
  public var mallId: String = ""
  /// Whose orders go over: a guest, or a former member.
  public var from: CustomerKeyValue?
  /// Whose they are from now on.
  public var to: CustomerKeyValue?
  /// When it was found out. No fact depends on it.
  public var at: Instant = Instant(microseconds: 0)

  public init() {}

  /// Number of the field of `OrderSnapshot` that holds one.
  static let field = 41

  /// Whether a value of topic `orders` is one: it then begins with that field.
  @inline(__always) public static func isHeld(by value: UnsafeRawBufferPointer) -> Bool {
    // Field 41, length-delimited.
    value.count >= 2 && value[0] == 0xCA && value[1] == 0x02
  }

  /// Of a value of topic `orders`; nil when it is malformed or none.
  public init?(orders value: UnsafeRawBufferPointer) {
    guard let merge = OrderSnapshotValue(protobuf: value)?.merge else { return nil }
    self = merge
  }

  /// Value of topic `orders`.
  public var ordersValue: [UInt8] {
    var writer = ProtobufWriter(capacity: 128)
    writer.value(Self.field, self)
    return writer.bytes
  }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: mallId = reader.string()
    case 2: from = reader.value()
    case 3: to = reader.value()
    case 4: at = Instant(microseconds: reader.int64())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, mallId)
    if let from { writer.value(2, from) }
    if let to { writer.value(3, to) }
    writer.int64(4, at.microseconds)
  }
}

/// States of an order that a merge of customers moves: what a record of topic `orders` holds in place of a snapshot
/// (`OrderSnapshot.moved`, topics/order.proto). Keyed by `to`, written by enrich only.
public struct MovedOrderValue: ProtobufValue {
  public var mallId: String = ""
  public var shopNo: Int32 = 0
  public var orderId: String = ""
  public var to: CustomerKeyValue?
  /// The customers that it came by, the first one first.
  public var path: [CustomerKeyValue] = []
  /// Higher than that of any record that those emitted of the order.
  public var epoch: UInt32 = 0
  /// An `OrderLedger` (topics/ledger.proto) without hash and epoch.
  public var ledger: [UInt8] = []

  public init() {}

  /// Number of the field of `OrderSnapshot` that holds one.
  static let field = 42

  /// Whether a value of topic `orders` is one: it then begins with that field.
  @inline(__always) public static func isHeld(by value: UnsafeRawBufferPointer) -> Bool {
    // Field 42, length-delimited.
    value.count >= 2 && value[0] == 0xD2 && value[1] == 0x02
  }

  /// Of a value of topic `orders`; nil when it is malformed or none.
  public init?(orders value: UnsafeRawBufferPointer) {
    guard let moved = OrderSnapshotValue(protobuf: value)?.moved else { return nil }
    self = moved
  }

  /// Value of topic `orders`.
  public var ordersValue: [UInt8] {
    var writer = ProtobufWriter(capacity: ledger.count + 256)
    writer.value(Self.field, self)
    return writer.bytes
  }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: mallId = reader.string()
    case 2: shopNo = reader.int32()
    case 3: orderId = reader.string()
    case 4: to = reader.value()
    case 5: path.append(reader.value())
    case 6: epoch = UInt32(truncatingIfNeeded: reader.uint64())
    case 7: ledger = reader.array()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, mallId)
    writer.int32(2, shopNo)
    writer.string(3, orderId)
    if let to { writer.value(4, to) }
    writer.values(5, path)
    writer.uint64(6, UInt64(epoch))
    writer.bytes(7, ledger)
  }
}
