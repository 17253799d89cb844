public import Kafka

/// What a stage without state does with a batch. Called on the lane's thread only.
public protocol StatelessProcessor: AnyObject {
  /// Handles every message of the batch. Payloads are borrowed for the time of the call. What is sent goes
  /// through `outputs`, which copies. A record that cannot be processed becomes a dead letter, never an error.
  func process(_ batch: MessageBatch, outputs: Producer) throws
  /// A partition was claimed and is read from `start.offset` on. What is sent here is acknowledged before any
  /// offset of the partition is committed.
  func open(_ partition: Int32, start: StatelessStart, outputs: Producer) throws
  /// The partition was given up.
  func close(_ partition: Int32)
  /// Called after each poll, whether it brought something or not.
  func tick(outputs: Producer) throws
}

extension StatelessProcessor {
  public func open(_ partition: Int32, start: StatelessStart, outputs: Producer) throws {}
  public func close(_ partition: Int32) {}
  public func tick(outputs: Producer) throws {}
}

/// Where a claimed partition is read from.
public struct StatelessStart: Sendable, Equatable {
  public var offset: Int64
  /// First offset that the log still has.
  public var earliest: Int64
  /// The group has committed an offset of it before.
  public var isKnown: Bool

  public init(offset: Int64, earliest: Int64, isKnown: Bool) {
    self.offset = offset
    self.earliest = earliest
    self.isKnown = isKnown
  }
}

/// What a stage with state does with its partitions. Called on the lane's thread only.
public protocol StatefulProcessor: AnyObject {
  /// Takes the outputs: a ``Producer`` outside of simulations.
  associatedtype Sink: LaneOutputs
  /// Keeps a partition's state: a ``PartitionState`` outside of simulations.
  associatedtype StateFile: LaneStateFile

  /// A partition was claimed and its file rolled forward: everything before the next input is in `state`.
  func open(_ partition: Int32, state: StateFile) throws
  /// Forgets the partition; what was not persisted is dropped (it will be read again by the next owner).
  func close(_ partition: Int32)
  /// Handles every message of the batch, in order. Outputs leave at once through `outputs`.
  func process(_ batch: MessageBatch, outputs: Sink) throws
  /// Appends every record changed since the last call, and the effect records that belong into the same
  /// transaction. Side effects that these records claim must be durable when this returns.
  func collect(into changes: inout StateChanges) throws
  /// All that was collected so far is in the partitions' files: memory that was pinned for it may go.
  func persisted()
  /// Called between batches, also while there are none. What it sends is caused by no input: nothing waits for it.
  func tick(outputs: Sink) throws
  /// Bytes held in memory only because they are not in the files yet.
  var dirtyBytes: Int { get }
}

extension StatefulProcessor {
  public func tick(outputs: Sink) throws {}
}

/// Changed records on their way to the changelog and to the file: one arena, no allocation per record.
public struct StateChanges: ~Copyable {
  public struct Entry {
    /// Partition of the lane's input whose handling caused the record, and of its changelog.
    public var partition: Int32
    /// Nil: a changelog record. Otherwise the topic and partition that the record goes to.
    public var topic: Int?
    public var topicPartition: Int32
    var keyStart: Int
    var keyCount: Int
    var valueCount: Int
    /// True for a deletion.
    public var isTombstone: Bool
  }

  private var bytes: [UInt8] = []
  public private(set) var entries: [Entry] = []

  public init() {}

  public var isEmpty: Bool { entries.isEmpty }
  public var byteCount: Int { bytes.count }

  /// A state record of `partition`; nil deletes the key.
  public mutating func put(
    partition: Int32, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?
  ) {
    append(partition: partition, topic: nil, topicPartition: partition, key: key, value: value)
  }

  /// A record caused by inputs of `partition` that must be written together with its state, to a partition of
  /// the `topic` with that number of the lane.
  public mutating func send(
    causedBy partition: Int32, topic: Int, to topicPartition: Int32, key: UnsafeRawBufferPointer,
    value: UnsafeRawBufferPointer
  ) {
    append(partition: partition, topic: topic, topicPartition: topicPartition, key: key, value: value)
  }

  private mutating func append(
    partition: Int32, topic: Int?, topicPartition: Int32, key: UnsafeRawBufferPointer,
    value: UnsafeRawBufferPointer?
  ) {
    entries.append(
      Entry(
        partition: partition, topic: topic, topicPartition: topicPartition, keyStart: bytes.count,
        keyCount: key.count,
        valueCount: value?.count ?? 0, isTombstone: value == nil))
    bytes.append(contentsOf: key)
    if let value { bytes.append(contentsOf: value) }
  }

  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= 8 << 20)
    entries.removeAll(keepingCapacity: true)
  }

  /// Forgets what belongs to a partition that was given up; nobody may commit it any more.
  public mutating func drop(partition: Int32) {
    entries.removeAll { $0.partition == partition }
  }

  /// Lends each entry's key and value in the order they were appended.
  public func lendEntries(
    _ body: (Entry, UnsafeRawBufferPointer, UnsafeRawBufferPointer?) throws -> Void
  ) rethrows {
    try bytes.withUnsafeBytes { all in
      for entry in entries {
        let key = UnsafeRawBufferPointer(rebasing: all[entry.keyStart..<entry.keyStart + entry.keyCount])
        let valueStart = entry.keyStart + entry.keyCount
        let value = UnsafeRawBufferPointer(rebasing: all[valueStart..<valueStart + entry.valueCount])
        try body(entry, key, entry.isTombstone ? nil : value)
      }
    }
  }

  /// Entries of one partition's state, sorted by key, the last one of each key only: ready for its file.
  public func folded(partition: Int32) -> [Int] {
    bytes.withUnsafeBytes { all in
      func key(_ index: Int) -> UnsafeRawBufferPointer {
        let entry = entries[index]
        return UnsafeRawBufferPointer(rebasing: all[entry.keyStart..<entry.keyStart + entry.keyCount])
      }
      // Most keys differ in their first bytes: these are compared as numbers.
      var sorted: [(first: UInt64, index: Int)] = []
      for (index, entry) in entries.enumerated() where entry.topic == nil && entry.partition == partition {
        sorted.append((firstBytes(key(index)), index))
      }
      sorted.sort { left, right in
        if left.first != right.first { return left.first < right.first }
        let order = compareBytes(key(left.index), key(right.index))
        return order == 0 ? left.index < right.index : order < 0
      }
      var result: [Int] = []
      result.reserveCapacity(sorted.count)
      for (_, index) in sorted {
        if let last = result.last, compareBytes(key(last), key(index)) == 0 {
          result[result.count - 1] = index
        } else {
          result.append(index)
        }
      }
      return result
    }
  }

  /// Lends one entry's key and value.
  public func withEntry<Result>(
    _ index: Int, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer?) throws -> Result
  ) rethrows -> Result {
    let entry = entries[index]
    return try bytes.withUnsafeBytes { all in
      let valueStart = entry.keyStart + entry.keyCount
      return try body(
        UnsafeRawBufferPointer(rebasing: all[entry.keyStart..<valueStart]),
        entry.isTombstone
          ? nil : UnsafeRawBufferPointer(rebasing: all[valueStart..<valueStart + entry.valueCount]))
    }
  }
}

/// The first eight bytes as a number that orders as they do; what is missing counts as zero.
func firstBytes(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
  if bytes.count >= 8 { return UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) }
  return bytes.reduce(0) { $0 << 8 | UInt64($1) } << UInt64(8 * (8 - bytes.count))
}

/// memcmp order, a shorter prefix first: below zero, zero or above.
@inlinable
func compareBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
  let shared = min(left.count, right.count)
  var index = 0
  while index < shared {
    let first = left[index]
    let second = right[index]
    if first != second { return first < second ? -1 : 1 }
    index += 1
  }
  return left.count - right.count
}
