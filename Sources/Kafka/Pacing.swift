/// Holds a producer back so that a broker with little room (``EmbeddedBroker``: 5 MiB per partition) drops
/// nothing that its readers have not finished.
///
/// Per partition the bytes between the downstream group's committed offset and the last acknowledged
/// record stay within the window. A lost acknowledgement may append a batch twice, so keep the window
/// under half of the broker's room.
public struct Pacing: Sendable {
  /// The group whose commits say what has been read.
  public var downstreamGroup: String
  /// Unread bytes per partition, with an allowance for framing.
  public var windowBytes: Int
  /// How many producers write to the same partitions: each takes its share of the window.
  public var writers: Int
  /// Says what was read instead of the group's commits, when writer and reader share the process and the partitions
  /// were empty before.
  public var progress: LocalProgress?
  /// Of `progress` the records that were handled count, not those that were worked off: for a reader that writes to
  /// the topic itself, and would otherwise wait for itself.
  public var countsHandled = false

  public init(
    downstreamGroup: String, windowBytes: Int = 2 << 20, writers: Int = 1, progress: LocalProgress? = nil
  ) {
    self.downstreamGroup = downstreamGroup
    self.progress = progress
    self.windowBytes = max(1, windowBytes)
    self.writers = max(1, writers)
  }
}

/// The account of one partition's unread bytes. Pure: offsets in, room out.
///
/// Offsets that are not ours (other writers, repeats, records from before) count with our average size.
struct PacingAccount {
  /// Upper bound of what the mock adds to a record, even when each is a batch of its own.
  static let framing = 96
  private static let runBytes = 16_384

  let windowBytes: Int
  private var runs: [(end: Int64, bytes: Int)] = []
  private var head = 0
  private(set) var unreadBytes = 0
  /// The offset after the last one seen; nil before the first acknowledgement.
  private(set) var tail: Int64?
  /// What the downstream group committed; nil while nobody has asked yet.
  private(set) var committed: Int64?
  private var records = 0
  private var bytes = 0

  init(windowBytes: Int) { self.windowBytes = windowBytes }

  /// Bytes (framing included) that may be handed over now. Before the first acknowledgement the log's
  /// state is unknown: only one record then.
  var room: Int {
    guard committed != nil else { return -1 }
    return tail == nil ? 0 : max(0, windowBytes - unreadBytes)
  }
  /// One record may always go when nothing is unread, whatever its size.
  var mayAlwaysSendOne: Bool { committed != nil && unreadBytes == 0 }

  /// Less than this does not leave while the reader still has much to do.
  var pieceBytesMin: Int { windowBytes / 8 }
  /// Worth waking the writer for.
  var hasMuchRoom: Bool { mayAlwaysSendOne || room >= windowBytes / 4 }

  /// The log is known to be empty.
  mutating func beginsEmpty() {
    committed = 0
    tail = 0
  }

  mutating func acknowledged(offset: Int64, bytes size: Int) {
    let cost = size &+ PacingAccount.framing
    records &+= 1
    bytes &+= cost
    let expected = tail ?? max(0, committed ?? 0)
    if offset > expected {
      let foreign = Int(clamping: offset &- expected)
      let (product, overflow) = foreign.multipliedReportingOverflow(by: bytes / records)
      add(overflow ? windowBytes : min(product, 1 << 40), through: offset)
    }
    add(cost, through: offset &+ 1)
    tail = max(tail ?? 0, offset &+ 1)
  }

  private mutating func add(_ size: Int, through end: Int64) {
    if end <= committed ?? 0 { return }
    unreadBytes &+= size
    if let last = runs.indices.last, last >= head, runs[last].bytes < PacingAccount.runBytes {
      runs[last] = (max(runs[last].end, end), runs[last].bytes &+ size)
    } else {
      runs.append((end, size))
    }
  }

  /// The group's commit (0 when it has none yet).
  mutating func consumed(to offset: Int64) {
    committed = max(committed ?? 0, offset)
    while head < runs.count, runs[head].end <= offset {
      unreadBytes &-= runs[head].bytes
      head &+= 1
    }
    if head > 1_024 || head == runs.count {
      runs.removeFirst(head)
      head = 0
    }
  }
}

/// The account with the group it follows; guarded by the producer's monitor.
final class LanePacing {
  let group: String
  let progress: LocalProgress?
  var account: PacingAccount

  init(_ pacing: Pacing) {
    group = pacing.downstreamGroup
    progress = pacing.progress
    account = PacingAccount(windowBytes: pacing.windowBytes / pacing.writers)
    if pacing.progress != nil { account.beginsEmpty() }
  }
}
