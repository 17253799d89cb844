import Orders
import Topics

/// The orders of one customer that differ from what was last handed to the changelog.
final class ChangedOrders {
  var orders: [FoldedOrder] = []
}

/// One order's dated states and what follows from them (facts.md, "The fold").
final class FoldedOrder {
  /// States kept of one order, and their bytes together. Beyond either, one between two of like openness goes.
  static let snapshotsMax = 256
  static let snapshotBytesMax = 768 * 1024

  let shopNo: Int32
  let orderId: [UInt8]
  /// All states, by (event time, version); versions are distinct.
  private(set) var snapshots: [DatedSnapshot] = []
  /// The states that are the order's state at some instant: event times and versions both grow.
  private(set) var effective: [DatedSnapshot] = []
  /// Index into `effective` of the state since which the order has been closed without a break.
  private(set) var closedFrom: Int?
  private(set) var snapshotBytes = 0
  /// Countries of the order's beacons. An order that has not come yet has nothing else.
  private(set) var contexts = DatedCountries()
  var emittedHash: UInt64 = 0
  var epoch: UInt32 = 0
  /// Differs from what was last handed to the changelog.
  var isChanged = false {
    didSet { if isChanged, !oldValue { changes?.orders.append(self) } }
  }
  /// Of its customer, once it is in a history.
  unowned var changes: ChangedOrders? {
    didSet { if isChanged, oldValue !== changes { changes?.orders.append(self) } }
  }

  enum Insertion {
    /// The version was there already and stays as it is.
    case duplicate
    case inserted
    /// Took the place of another snapshot of the same version.
    case replaced
  }

  init(shopNo: Int32, orderId: [UInt8]) {
    self.shopNo = shopNo
    self.orderId = orderId
  }

  /// The state after everything folded. An order always has one once it is in a history.
  var latest: DatedSnapshot? { effective.last }
  var closingState: DatedSnapshot? { closedFrom.map { effective[$0] } }
  var isFirstSeenClosed: Bool { closedFrom == 0 }

  /// T(X) as the last instant that counts; `.max` for an open order. "Before c(X)" is one microsecond before.
  var cut: Int64 {
    guard let closedFrom else { return .max }
    return closedFrom == 0 ? effective[0].eventTime : effective[closedFrom].eventTime - 1
  }

  /// The state at T(X).
  var decided: DatedSnapshot? {
    guard let closedFrom else { return effective.last }
    return effective[max(closedFrom - 1, 0)]
  }

  /// The country that the order was placed from, in one of its states, as known at the instant; 0 = missing.
  func country(of state: DatedSnapshot, at instant: Int64) -> UInt16 {
    state.hasIP || contexts.isEmpty ? state.country : contexts.country(at: instant)
  }

  /// False: it changes nothing.
  func insert(_ context: DatedCountry) -> Bool {
    guard contexts.insert(context) else { return false }
    isChanged = true
    return true
  }

  func state(at instant: Int64) -> DatedSnapshot? { Self.state(effective, at: instant) }

  static func state(_ effective: [DatedSnapshot], at instant: Int64) -> DatedSnapshot? {
    var index = effective.count - 1
    while index >= 0 {
      if effective[index].eventTime <= instant { return effective[index] }
      index -= 1
    }
    return nil
  }

  func insert(_ snapshot: DatedSnapshot) -> Insertion {
    var outcome = Insertion.inserted
    if let index = snapshots.firstIndex(where: { $0.version == snapshot.version }) {
      guard snapshots[index].yields(to: snapshot) else { return .duplicate }
      snapshotBytes -= snapshots[index].bytes.count
      snapshots.remove(at: index)
      outcome = .replaced
    }
    var index = snapshots.count
    while index > 0, Self.precedes(snapshot, snapshots[index - 1]) { index -= 1 }
    snapshots.insert(snapshot, at: index)
    snapshotBytes += snapshot.bytes.count
    thinOut()
    deriveTimeline()
    isChanged = true
    return outcome
  }

  private static func precedes(_ left: DatedSnapshot, _ right: DatedSnapshot) -> Bool {
    left.eventTime != right.eventTime ? left.eventTime < right.eventTime : left.version < right.version
  }

  private func deriveTimeline() {
    effective.removeAll(keepingCapacity: true)
    for snapshot in snapshots {
      guard let last = effective.last else {
        effective.append(snapshot)
        continue
      }
      guard snapshot.version > last.version else { continue }
      if last.eventTime == snapshot.eventTime { effective.removeLast() }
      effective.append(snapshot)
    }
    closedFrom = nil
    var index = effective.count - 1
    while index >= 0, effective[index].summary.isClosed {
      closedFrom = index
      index -= 1
    }
  }

  /// Keeps an order with very many snapshots within its limits: superseded states go first, then the oldest
  /// whose neighbours are open or closed as it is. What such an order's siblings see of the past is then coarser.
  private func thinOut() {
    while snapshots.count > 2,
      snapshots.count > Self.snapshotsMax || snapshotBytes > Self.snapshotBytesMax
    {
      var victim = 1
      var highest = snapshots[0].version
      var found = false
      for index in 1..<(snapshots.count - 1) {
        if snapshots[index].version < highest {
          victim = index
          found = true
          break
        }
        highest = snapshots[index].version
      }
      if !found {
        victim = (1..<(snapshots.count - 1)).first { isBetweenLikes($0) } ?? 1
      }
      snapshotBytes -= snapshots[victim].bytes.count
      snapshots.remove(at: victim)
    }
  }

  private func isBetweenLikes(_ index: Int) -> Bool {
    let closed = snapshots[index].summary.isClosed
    return snapshots[index - 1].summary.isClosed == closed && snapshots[index + 1].summary.isClosed == closed
  }
}

// MARK: - The changelog record

extension FoldedOrder {
  /// Writes the fields of an `OrderLedger`.
  func write(to writer: inout ProtobufWriter) {
    var before: DatedSnapshot?
    var scratch = ProtobufWriter(capacity: 512)
    for snapshot in snapshots {
      writer.message(1) { snapshot.write(to: &$0, after: before, &scratch) }
      before = snapshot
    }
    writer.fixed64(2, emittedHash)
    writer.int64(3, Int64(epoch))
    for context in contexts.all {
      writer.message(4) { context.write(to: &$0) }
    }
  }

  /// Takes over a stored `OrderLedger`.
  func restore(_ record: UnsafeRawBufferPointer) throws(HistoryError) {
    var reader = ProtobufReader(record)
    var last: DatedSnapshot?
    while reader.next() {
      switch reader.field {
      case 1:
        guard snapshots.count < Self.snapshotsMax else { throw .malformedRecord }
        let snapshot = try DatedSnapshot(stored: reader.slice(), after: last)
        last = snapshot
        guard insert(snapshot) == .inserted else { throw .malformedRecord }
      case 2: emittedHash = reader.fixed64()
      case 3: epoch = UInt32(truncatingIfNeeded: reader.uint64())
      case 4:
        guard contexts.insert(try DatedCountry(stored: reader.slice())) else { throw .malformedRecord }
      default: reader.skip()
      }
    }
    guard !reader.failed, !snapshots.isEmpty || !contexts.isEmpty else { throw .malformedRecord }
    isChanged = false
  }
}
