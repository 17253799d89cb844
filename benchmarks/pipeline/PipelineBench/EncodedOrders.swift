import IngestStage
import Kafka
import Topics

/// Orders encoded as ingest encodes them, in one piece of memory: sending costs no parsing.
struct EncodedOrders {
  struct Entry {
    let start: Int
    let keyCount: Int
    let valueCount: Int
    let partition: Int32
  }

  private(set) var bytes: [UInt8] = []
  private(set) var entries: [Entry] = []
  /// By partition the numbers of its entries: the n-th record sent there is entry `order[partition][n]`.
  private(set) var order: [[Int32]]

  init(path: String, partitions: Int) throws {
    order = Array(repeating: [], count: partitions)
    // Any secret does: the malls of one drive are in no other, so nobody else has these customers.
    guard let secret = IdentitySecret(bytes: Array(repeating: 7, count: IdentitySecret.byteCount)) else {
      throw BenchError("libsodium does not start")
    }
    let reader = OrderEventReader(secret: secret)
    let file = try OrderFile(path: path)
    var writer = ProtobufWriter(capacity: 8192)
    while let line = try file.next() {
      writer.removeAll()
      guard case .accepted(let routing) = reader.read(line, into: &writer) else {
        throw BenchError("line \(file.lineNumber) is not an order")
      }
      let partition = Partitioner.partition(forKey: routing.key, count: partitions)
      order[Int(partition)].append(Int32(entries.count))
      entries.append(
        Entry(
          start: bytes.count, keyCount: routing.key.count, valueCount: writer.count, partition: partition))
      bytes.append(contentsOf: routing.key)
      bytes.append(contentsOf: writer.bytes)
    }
    if entries.isEmpty { throw BenchError("no orders in the file") }
  }
}
