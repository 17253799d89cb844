/// A demand record among the orders (`OrderSnapshot.demand`, topics/order.proto): after it the orders of its partition
/// get the facts that the rules below `rulesEnd` ask for.
extension RuleSwitchValue {
  /// Number of the field of `OrderSnapshot` that holds one.
  static let ordersField = 40

  /// Whether a value of topic `orders` is one: it then begins with that field.
  @inline(__always) public static func isDemand(_ value: UnsafeRawBufferPointer) -> Bool {
    // Field 40, length-delimited.
    value.count >= 2 && value[0] == 0xC2 && value[1] == 0x02
  }

  /// Of a value of topic `orders`; nil when it is malformed or none.
  public init?(orders value: UnsafeRawBufferPointer) {
    guard let demand = OrderSnapshotValue(protobuf: value)?.demand else { return nil }
    self = demand
  }

  /// Value of topic `orders`.
  public var ordersValue: [UInt8] {
    var writer = ProtobufWriter(capacity: 64)
    writer.value(Self.ordersField, self)
    return writer.bytes
  }

  /// Key on topic `rules.demands` of what a partition of `orders` has come to.
  public static func announcementKey(_ partition: Int32) -> [UInt8] { Array("\(partition)".utf8) }
}
