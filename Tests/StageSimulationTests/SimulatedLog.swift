import Kafka

/// A transaction as its coordinator and the partitions see it.
final class SimulatedTransaction {
  enum Phase { case open, committing, aborting, done }

  let number: Int
  let transactionalId: String
  let epoch: Int
  unowned let instance: SimulatedInstance
  var phase = Phase.open
  /// Logs written to that have no marker of it yet.
  var unmarked: [SimulatedLog] = []
  var records: [(log: SimulatedLog, key: [UInt8], value: [UInt8]?)] = []
  var offsets: [(partition: Int32, offset: Int64)] = []
  /// The offset after its last record, per partition.
  var ends: [TopicPartition: Int64] = [:]
  var wasCommitted = false
  /// The offsets are there for the group, or never will be.
  var offsetsSettled = false

  init(_ number: Int, _ transactionalId: String, epoch: Int, _ instance: SimulatedInstance) {
    self.number = number
    self.transactionalId = transactionalId
    self.epoch = epoch
    self.instance = instance
  }

}

/// One partition of a topic: records, markers, what is open.
final class SimulatedLog {
  struct Record {
    var key: [UInt8]
    var value: [UInt8]?
    var transaction: SimulatedTransaction?
    var isMarker = false
    /// Removed by compaction: a newer record has the key.
    var isCompacted = false
  }

  let name: TopicPartition
  private(set) var records: [Record] = []
  /// First offset that retention has left.
  var low: Int64 = 0
  private var open: [(transaction: Int, first: Int64)] = []

  init(_ name: TopicPartition) { self.name = name }

  var end: Int64 { Int64(records.count) }
  /// Read committed ends here.
  var stableEnd: Int64 { open.map(\.first).min() ?? end }

  func append(_ record: Record) {
    if let transaction = record.transaction, !record.isMarker,
      !open.contains(where: { $0.transaction == transaction.number })
    {
      open.append((transaction.number, end))
    }
    records.append(record)
  }

  func mark(_ transaction: SimulatedTransaction) {
    records.append(Record(key: [], value: nil, transaction: transaction, isMarker: true))
    open.removeAll { $0.transaction == transaction.number }
  }

  func isVisible(_ offset: Int64) -> Bool {
    let record = records[Int(offset)]
    if record.isMarker || record.isCompacted { return false }
    guard let transaction = record.transaction else { return true }
    return transaction.wasCommitted
  }

  /// Compacts, and begins at the first record that is left.
  func forgetOld() {
    compact()
    low = Int64(records.indices.first { Int64($0) >= stableEnd || isVisible(Int64($0)) } ?? records.count)
  }

  /// Leaves the newest decided record of each key only.
  func compact() {
    var seen: Set<[UInt8]> = []
    for index in records.indices.reversed() where Int64(index) < stableEnd && isVisible(Int64(index)) {
      if !seen.insert(records[index].key).inserted { records[index].isCompacted = true }
    }
  }
}
