/// Records for one transaction, copied into one arena; reusable after ``reset()``.
///
/// Keep it unchanged until the commit has an outcome: the same changes may have to go again.
public final class TransactionRecords: @unchecked Sendable {
  struct Entry {
    let topic: Int32
    let partition: Int32
    let start: Int
    /// −1: no key.
    let keyCount: Int
    /// −1: a tombstone.
    let valueCount: Int
  }

  /// Bytes that librdkafka reads without a copy; outlives the records when a producer is abandoned.
  final class Arena: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let capacity: Int
    init(capacity: Int) {
      self.capacity = capacity
      base = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    }
    deinit { base.deallocate() }
  }

  private(set) var arena: Arena
  private(set) var topics: [String] = []
  private(set) var entries: [Entry] = []
  /// Bytes of all keys and values.
  public private(set) var bytes = 0

  public init(capacity: Int = 1 << 20) { arena = Arena(capacity: max(4_096, capacity)) }

  public var count: Int { entries.count }
  public var isEmpty: Bool { entries.isEmpty }

  /// The number to give ``append(topic:partition:key:value:)``; stays valid over ``reset()``.
  public func topic(_ name: String) -> Int {
    if let known = topics.firstIndex(of: name) { return known }
    topics.append(name)
    return topics.count - 1
  }

  /// Copies a record in. A nil value is a tombstone.
  /// - Throws: ``KafkaError``, origin `.input`: larger than ``Producer/recordBytesMax``, or no such topic.
  public func append(
    topic: Int, partition: Int32, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
  ) throws(KafkaError) {
    let keyCount = key?.count ?? 0
    let valueCount = value?.count ?? 0
    if keyCount &+ valueCount > Producer.recordBytesMax {
      throw KafkaError.tooLarge(keyCount &+ valueCount)
    }
    guard topics.indices.contains(topic), partition >= 0 else {
      throw KafkaError.invalid("no such topic or partition in these records")
    }
    if bytes &+ keyCount &+ valueCount > arena.capacity { grow(to: bytes &+ keyCount &+ valueCount) }
    let start = bytes
    if let from = key?.baseAddress { (arena.base + start).copyMemory(from: from, byteCount: keyCount) }
    if let from = value?.baseAddress {
      (arena.base + start + keyCount).copyMemory(from: from, byteCount: valueCount)
    }
    bytes = start &+ keyCount &+ valueCount
    entries.append(
      Entry(
        topic: Int32(truncatingIfNeeded: topic), partition: partition, start: start,
        keyCount: key == nil ? -1 : keyCount, valueCount: value == nil ? -1 : valueCount))
  }

  /// Empty again; the room is kept.
  public func reset() {
    entries.removeAll(keepingCapacity: true)
    bytes = 0
  }

  /// Leaves the present bytes to an abandoned producer and goes on with a copy.
  func leaveArena() { grow(to: arena.capacity, factor: 1) }

  private func grow(to needed: Int, factor: Int = 2) {
    let larger = Arena(capacity: max(needed, arena.capacity &* factor))
    larger.base.copyMemory(from: arena.base, byteCount: bytes)
    arena = larger
  }
}
