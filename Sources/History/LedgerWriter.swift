import Orders
import Topics

/// Buffers for writing orders' records, to be kept and used again: one a lane.
public final class LedgerWriter {
  var record = ProtobufWriter(capacity: 4096)
  var states = ProtobufWriter(capacity: 4096)
  var program = ProtobufWriter(capacity: 1024)
  var small = ProtobufWriter(capacity: 2048)
  var compression = RecordCompression()

  public init() {}
}

extension CustomerIdentity {
  /// How an order's snapshots begin: known to who has its record's key.
  func snapshotHead(shopNo: Int32, orderId: [UInt8]) -> [UInt8] {
    var writer = ProtobufWriter(capacity: 128)
    writer.string(1, mallId)
    writer.int32(2, shopNo)
    writer.bytes(3, orderId)
    writer.message(4) { key in
      key.uint64(1, UInt64(self.kind.rawValue))
      key.bytes(2, self.key.digest)
    }
    return writer.bytes
  }
}
