/// What a record of topic `orders` may hold in place of a snapshot: one field of `OrderSnapshot`, all others are absent
/// (topics/order.proto).
public protocol SnapshotStandIn: ProtobufValue {
  /// Number of that field, 16 to 2,047.
  static var ordersField: Int { get }
  /// What that field holds; nil: it is absent.
  static func held(in snapshot: OrderSnapshotValue) -> Self?
}

extension SnapshotStandIn {
  /// Whether a value of topic `orders` is one: it then begins with that field.
  @inlinable @inline(__always) public static func isHeld(by value: UnsafeRawBufferPointer) -> Bool {
    // Length-delimited.
    let tag = ordersField << 3 | 2
    return value.count >= 2 && value[0] == UInt8(tag & 0x7F | 0x80) && value[1] == UInt8(tag >> 7)
  }

  /// Of a value of topic `orders`; nil when it is malformed or none.
  public init?(orders value: UnsafeRawBufferPointer) {
    guard let held = OrderSnapshotValue(protobuf: value).flatMap(Self.held) else { return nil }
    self = held
  }

  /// Value of topic `orders`.
  public var ordersValue: [UInt8] {
    var writer = ProtobufWriter(capacity: 256)
    writer.value(Self.ordersField, self)
    return writer.bytes
  }
}
