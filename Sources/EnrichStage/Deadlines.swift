import History
import Topics

/// Where a deadline stands among those of its partition.
struct DeadlinePlace: Equatable {
  var due: Int64
  var key: [UInt8] = []

  /// Before every deadline.
  static let first = DeadlinePlace(due: .min)
}

/// The deadlines of one partition and the clock that they fall due by (docs/design.md, "Deadlines"). Owned by one lane.
final class Deadlines {
  /// Customers of one partition with a deadline to come; the next one is not watched.
  static let watchedMax = 1_000_000
  /// Key of the clock's record. No customer's: theirs begin with a kind of 0…3.
  static let recordKey: [UInt8] = [0xFF] + Array("clock".utf8)

  /// The highest event time so far, µs.
  private(set) var clock: Int64
  /// Of the spans that the clock has been followed for.
  private(set) var watchesHash: UInt64
  /// The clock's record differs from what was last handed to the changelog.
  var isChanged: Bool
  /// The last deadline that fired of those that the clock has reached; nil: all of them have.
  private(set) var reached: DeadlinePlace?
  private(set) var unwatched = 0
  /// When the partition had its last input or mark, µs of the owner's clock.
  var lastActiveUs: Int64
  /// By (due, key); the least first. What `scheduled` does not confirm is out of date.
  private var heap: [Entry] = []
  private var scheduled: [[UInt8]: Int64] = [:]

  private struct Entry {
    var due: Int64
    var key: [UInt8]

    func precedes(_ other: Entry) -> Bool {
      due != other.due ? due < other.due : key.lexicographicallyPrecedes(other.key)
    }
  }

  init(
    clock: Int64 = .min, watchesHash: UInt64, isChanged: Bool = true, nowUs: Int64 = 0,
    reached: DeadlinePlace? = nil
  ) {
    self.clock = clock
    self.reached = reached
    self.watchesHash = watchesHash
    self.isChanged = isChanged
    lastActiveUs = nowUs
  }

  /// Never goes back.
  func advance(to instant: Int64) {
    guard instant > clock else { return }
    clock = instant
    isChanged = true
  }

  /// Other spans are watched from now on.
  func watch(_ hash: UInt64) {
    guard hash != watchesHash else { return }
    watchesHash = hash
    isChanged = true
  }

  /// The first deadline that is scheduled, out of date perhaps.
  var next: Int64 { heap.first?.due ?? .max }
  var watchedCount: Int { scheduled.count }

  /// The customer's earliest deadline is `due`, or earlier if it was scheduled so.
  func schedule(_ key: [UInt8], _ due: Int64) {
    guard due != .max else { return }
    if let known = scheduled[key] {
      guard due < known else { return }
    } else if scheduled.count >= Deadlines.watchedMax {
      unwatched += 1
      return
    }
    scheduled[key] = due
    push(Entry(due: due, key: key))
  }

  /// How far firing has come.
  func reach(_ place: DeadlinePlace?) {
    guard place != reached else { return }
    reached = place
    isChanged = true
  }

  /// Some deadline that the clock has reached is still to fire.
  var isBehind: Bool { reached != nil && next <= clock }

  /// Takes out the first customer whose deadline the clock has reached.
  func popDue() -> (key: [UInt8], due: Int64)? {
    while let first = heap.first, first.due <= clock {
      removeFirst()
      guard scheduled[first.key] == first.due else { continue }
      scheduled[first.key] = nil
      return (first.key, first.due)
    }
    return nil
  }

  private func push(_ entry: Entry) {
    heap.append(entry)
    var index = heap.count - 1
    while index > 0, heap[index].precedes(heap[(index - 1) / 2]) {
      heap.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  private func removeFirst() {
    let last = heap.removeLast()
    guard !heap.isEmpty else { return }
    heap[0] = last
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2]
      where child < heap.count && heap[child].precedes(heap[least]) { least = child }
      if least == index { return }
      heap.swapAt(index, least)
      index = least
    }
  }

  // MARK: The record

  /// A `PartitionClock`.
  var record: [UInt8] {
    var writer = ProtobufWriter(capacity: 32)
    writer.int64(1, clock)
    writer.fixed64(2, watchesHash)
    if let reached {
      writer.presentInt64(3, reached.due)
      writer.bytes(4, reached.key)
    }
    return writer.bytes
  }

  struct Stored {
    var clock = Int64.min
    var watchesHash: UInt64 = 0
    var reached: DeadlinePlace?
  }

  /// What a stored record says; nil when it is malformed.
  static func read(_ record: UnsafeRawBufferPointer) -> Stored? {
    var reader = ProtobufReader(record)
    var stored = Stored()
    while reader.next() {
      switch reader.field {
      case 1: stored.clock = reader.int64()
      case 2: stored.watchesHash = reader.fixed64()
      case 3: stored.reached = DeadlinePlace(due: reader.int64())
      case 4: stored.reached?.key = [UInt8](reader.slice())
      default: reader.skip()
      }
    }
    return reader.failed ? nil : stored
  }
}
