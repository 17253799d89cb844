/// Where the input that caused a record stands: topic `orders`, partition, offset; `n` counts the records that one
/// input caused. A merge of customers that moves an order raises the epoch, which goes before all else.
///
/// Within one epoch an order stays with one customer, on one partition, so comparing by (epoch, partition, offset, n) is the order in
/// which its records arose.
public struct Position: ProtobufValue, Comparable, CustomStringConvertible {
  public var epoch: UInt32 = 0
  public var partition: Int32 = 0
  public var offset: Int64 = 0
  public var n: UInt32 = 0

  public init() {}

  public init(epoch: UInt32, partition: Int32, offset: Int64, n: UInt32) {
    self.epoch = epoch
    self.partition = partition
    self.offset = offset
    self.n = n
  }

  /// `epoch-partition-offset-n`: the decision id in audit records.
  public var description: String { "\(epoch)-\(partition)-\(offset)-\(n)" }

  /// Later, of the same customer's partition: nothing else has to be looked at.
  public func follows(_ last: Position) -> Bool {
    partition == last.partition && epoch == last.epoch && last < self
  }

  public static func < (left: Position, right: Position) -> Bool {
    if left.epoch != right.epoch { return left.epoch < right.epoch }
    if left.partition != right.partition { return left.partition < right.partition }
    if left.offset != right.offset { return left.offset < right.offset }
    return left.n < right.n
  }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: epoch = UInt32(truncatingIfNeeded: reader.uint64())
    case 2: partition = reader.int32()
    case 3: offset = reader.int64()
    case 4: n = UInt32(truncatingIfNeeded: reader.uint64())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.uint64(1, UInt64(epoch))
    writer.int32(2, partition)
    writer.int64(3, offset)
    writer.uint64(4, UInt64(n))
  }
}
