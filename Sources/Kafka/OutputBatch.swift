/// Records for one partition in one arena: copied in once, lent to librdkafka until acknowledged.
///
/// Guarded by the producer's monitor, but for the arena's bytes, which do not change once it is sealed.
final class OutputBatch {
  struct Entry {
    let start: UInt32
    /// −1: no key.
    let keyCount: Int32
    /// −1: a tombstone.
    let valueCount: Int32
    let sequence: UInt64
    var bytes: Int { max(0, Int(keyCount)) &+ max(0, Int(valueCount)) }
  }

  /// Fits one produce request (librdkafka's `batch.size`, brokers' default limit) with its framing.
  static let bytesMax = 900_000
  /// librdkafka's `batch.num.messages`.
  static let entriesMax = 10_000
  /// What a record costs besides its bytes, at most, when it travels in a batch with others.
  static let framing = 24

  private(set) var arena: UnsafeMutableRawPointer
  private(set) var capacity: Int
  private(set) var used = 0
  private(set) var entries: [Entry] = []
  /// No more appending: librdkafka holds pointers into the arena.
  var isSealed = false
  /// Entries before this one are acknowledged.
  var done = 0

  init(capacity: Int) {
    self.capacity = max(4_096, capacity)
    arena = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 16)
  }

  func fits(_ bytes: Int) -> Bool {
    if isSealed || entries.count >= OutputBatch.entriesMax { return false }
    return entries.isEmpty
      || used &+ bytes &+ (entries.count &+ 1) &* OutputBatch.framing <= OutputBatch.bytesMax
  }

  func append(key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, sequence: UInt64) {
    let keyCount = key?.count ?? 0
    let valueCount = value?.count ?? 0
    if used &+ keyCount &+ valueCount > capacity { grow(to: used &+ keyCount &+ valueCount) }
    let start = used
    if let base = key?.baseAddress { (arena + start).copyMemory(from: base, byteCount: keyCount) }
    if let base = value?.baseAddress {
      (arena + start + keyCount).copyMemory(from: base, byteCount: valueCount)
    }
    used = start &+ keyCount &+ valueCount
    entries.append(
      Entry(
        start: UInt32(truncatingIfNeeded: start),
        keyCount: key == nil ? -1 : Int32(truncatingIfNeeded: keyCount),
        valueCount: value == nil ? -1 : Int32(truncatingIfNeeded: valueCount), sequence: sequence))
  }

  private func grow(to needed: Int) {
    let larger = max(needed, capacity &* 2)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    moved.copyMemory(from: arena, byteCount: used)
    arena.deallocate()
    arena = moved
    capacity = larger
  }

  /// Empty again, ready for another partition.
  func reset() {
    used = 0
    done = 0
    isSealed = false
    entries.removeAll(keepingCapacity: true)
  }

  deinit { arena.deallocate() }
}
