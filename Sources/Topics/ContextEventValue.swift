public import Orders

/// From where an order was placed, told beside it: what a record of topic `orders` holds in place of a snapshot
/// (`OrderSnapshot.context`, topics/order.proto).
public struct ContextEventValue: SnapshotStandIn {
  public var mallId: String = ""
  public var shopNo: Int32 = 0
  public var orderId: String = ""
  public var customer: CustomerKeyValue?
  /// IPv4 or IPv6, in its one canonical spelling.
  public var ip: String = ""
  /// Counts for decisions at this instant and later.
  public var at: Instant = Instant(microseconds: 0)

  public init() {}

  @inlinable public static var ordersField: Int { 31 }
  public static func held(in snapshot: OrderSnapshotValue) -> Self? { snapshot.context }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: mallId = reader.string()
    case 2: shopNo = reader.int32()
    case 3: orderId = reader.string()
    case 4: customer = reader.value()
    case 5: ip = reader.string()
    case 6: at = Instant(microseconds: reader.int64())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, mallId)
    writer.int32(2, shopNo)
    writer.string(3, orderId)
    if let customer { writer.value(4, customer) }
    writer.string(5, ip)
    writer.int64(6, at.microseconds)
  }
}
