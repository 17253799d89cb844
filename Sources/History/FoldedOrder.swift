import Orders
import Topics

/// What the orders of one customer tell their history.
final class ChangedOrders {
  let customer: CustomerIdentity
  /// Those that differ from what was last handed to the changelog.
  var orders: [FoldedOrder] = []
  /// A stored record could not be read when it was needed. Its order has no state here, which is not so.
  var isMalformed = false
  /// Memory that reading records has taken since this was last asked for.
  var unpackedBytes = 0

  init(customer: CustomerIdentity) { self.customer = customer }
}

/// One order's dated states and what follows from them (facts.md, "The fold").
///
/// An order that comes from a record which tells its standing stays as the record is until its states are asked for:
/// most orders of a customer never are again.
final class FoldedOrder {
  /// States kept of one order, and their bytes together. Beyond either, one between two of like openness goes.
  static let snapshotsMax = 256
  static let snapshotBytesMax = 768 * 1024

  let shopNo: Int32
  let orderId: [UInt8]
  /// The record that holds the states, while nobody has asked for them, and what siblings need of them.
  private var packed: (record: [UInt8], standing: OrderStanding)?
  private var unpackedSnapshots: [DatedSnapshot] = []
  private var unpackedEffective: [DatedSnapshot] = []
  private var unpackedClosedFrom: Int?
  private var unpackedBytes = 0

  /// All states, by (event time, version); versions are distinct.
  var snapshots: [DatedSnapshot] {
    unpack()
    return unpackedSnapshots
  }
  /// The states that are the order's state at some instant: event times and versions both grow.
  var effective: [DatedSnapshot] {
    unpack()
    return unpackedEffective
  }
  /// Index into `effective` of the state since which the order has been closed without a break.
  var closedFrom: Int? {
    unpack()
    return unpackedClosedFrom
  }
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
  var isPacked: Bool { packed != nil }
  var hasStates: Bool { packed != nil || !unpackedSnapshots.isEmpty }
  var isClosed: Bool { packed.map { $0.standing.cut < .max } ?? (unpackedClosedFrom != nil) }
  var isFirstSeenClosed: Bool { packed?.standing.isFirstSeenClosed ?? (unpackedClosedFrom == 0) }

  /// T(X) as the last instant that counts; `.max` for an open order. "Before c(X)" is one microsecond before.
  var cut: Int64 {
    if let packed { return packed.standing.cut }
    guard let closedFrom = unpackedClosedFrom else { return .max }
    return closedFrom == 0 ? unpackedEffective[0].eventTime : unpackedEffective[closedFrom].eventTime - 1
  }

  /// The latest event time of any state; nil without a state.
  var lastEventTime: Int64? { packed?.standing.lastEventTime ?? unpackedSnapshots.last?.eventTime }

  /// Nil without a state.
  var standing: OrderStanding? {
    if let packed { return packed.standing }
    guard let latest = unpackedEffective.last, let last = unpackedSnapshots.last else { return nil }
    let given = latest.contribution
    var first = unpackedEffective.count - 1
    while first > 0, unpackedEffective[first - 1].contribution.givesSameSums(as: given) { first -= 1 }
    return OrderStanding(
      latest: given, latestSince: latest.eventTime, sumsSince: unpackedEffective[first].eventTime, cut: cut,
      isFirstSeenClosed: unpackedClosedFrom == 0, lastEventTime: last.eventTime)
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
    unpack()
    let outcome = take(snapshot)
    if outcome == .duplicate { return outcome }
    deriveTimeline()
    isChanged = true
    return outcome
  }

  private func take(_ snapshot: DatedSnapshot) -> Insertion {
    var outcome = Insertion.inserted
    if let index = unpackedSnapshots.firstIndex(where: { $0.version == snapshot.version }) {
      guard unpackedSnapshots[index].yields(to: snapshot) else { return .duplicate }
      unpackedBytes -= unpackedSnapshots[index].bytes.count
      unpackedSnapshots.remove(at: index)
      outcome = .replaced
    }
    var index = unpackedSnapshots.count
    while index > 0, Self.precedes(snapshot, unpackedSnapshots[index - 1]) { index -= 1 }
    unpackedSnapshots.insert(snapshot, at: index)
    unpackedBytes += snapshot.bytes.count
    thinOut()
    return outcome
  }

  private static func precedes(_ left: DatedSnapshot, _ right: DatedSnapshot) -> Bool {
    left.eventTime != right.eventTime ? left.eventTime < right.eventTime : left.version < right.version
  }

  private func deriveTimeline() {
    unpackedEffective.removeAll(keepingCapacity: true)
    for snapshot in unpackedSnapshots {
      guard let last = unpackedEffective.last else {
        unpackedEffective.append(snapshot)
        continue
      }
      guard snapshot.version > last.version else { continue }
      if last.eventTime == snapshot.eventTime { unpackedEffective.removeLast() }
      unpackedEffective.append(snapshot)
    }
    unpackedClosedFrom = nil
    var index = unpackedEffective.count - 1
    while index >= 0, unpackedEffective[index].summary.isClosed {
      unpackedClosedFrom = index
      index -= 1
    }
  }

  /// Keeps an order with very many snapshots within its limits: superseded states go first, then the oldest
  /// whose neighbours are open or closed as it is. What such an order's siblings see of the past is then coarser.
  private func thinOut() {
    while unpackedSnapshots.count > 2,
      unpackedSnapshots.count > Self.snapshotsMax || unpackedBytes > Self.snapshotBytesMax
    {
      var victim = 1
      var highest = unpackedSnapshots[0].version
      var found = false
      for index in 1..<(unpackedSnapshots.count - 1) {
        if unpackedSnapshots[index].version < highest {
          victim = index
          found = true
          break
        }
        highest = unpackedSnapshots[index].version
      }
      if !found {
        victim = (1..<(unpackedSnapshots.count - 1)).first { isBetweenLikes($0) } ?? 1
      }
      unpackedBytes -= unpackedSnapshots[victim].bytes.count
      unpackedSnapshots.remove(at: victim)
    }
  }

  private func isBetweenLikes(_ index: Int) -> Bool {
    let closed = unpackedSnapshots[index].summary.isClosed
    return unpackedSnapshots[index - 1].summary.isClosed == closed
      && unpackedSnapshots[index + 1].summary.isClosed == closed
  }
}

// MARK: - The changelog record

extension FoldedOrder {
  /// An estimate of the memory that states take, for a cache's budget.
  var memoryBytes: Int {
    if let packed { return packed.record.count + 32 }
    return unpackedBytes + unpackedSnapshots.count * CustomerHistory.snapshotOverheadBytes
  }

  /// Reads the states from the record that holds them. A malformed one leaves the order without a state and is told
  /// to the history.
  private func unpack() {
    guard let record = packed?.record else { return }
    let before = memoryBytes
    packed = nil
    do {
      try read(record)
    } catch {
      unpackedSnapshots = []
      unpackedEffective = []
      unpackedClosedFrom = nil
      changes?.isMalformed = true
    }
    changes?.unpackedBytes += memoryBytes - before
  }

  /// Lets the states go: this is the record that `write` has written for them.
  func pack(_ record: UnsafeRawBufferPointer) {
    guard packed == nil, let standing else { return }
    let before = memoryBytes
    packed = ([UInt8](record), standing)
    unpackedSnapshots = []
    unpackedEffective = []
    unpackedClosedFrom = nil
    unpackedBytes = 0
    changes?.unpackedBytes += memoryBytes - before
  }

  /// Seldom changes again: something came after it was closed, or all of it is cancelled.
  var isSettled: Bool {
    guard let closedFrom = unpackedClosedFrom, let latest = unpackedEffective.last else { return false }
    return closedFrom < unpackedEffective.count - 1 || latest.summary.isAllCancelled
  }

  private var snapshotHead: [UInt8] {
    changes?.customer.snapshotHead(shopNo: shopNo, orderId: orderId) ?? []
  }

  /// Writes the fields of an `OrderLedger` into `writer.record`, emptied before.
  func write(to writer: LedgerWriter) {
    writer.record.removeAll()
    if let standing { writer.record.message(5) { standing.write(to: &$0) } }
    writeStates(writer)
    writer.record.fixed64(2, emittedHash)
    writer.record.int64(3, Int64(epoch))
    for context in contexts.all {
      writer.record.message(4) { context.write(to: &$0) }
    }
  }

  private func writeStates(_ writer: LedgerWriter) {
    unpack()
    guard !unpackedSnapshots.isEmpty else { return }
    writer.states.removeAll()
    var before: DatedSnapshot?
    for snapshot in unpackedSnapshots {
      writer.states.message(1) { snapshot.write(to: &$0, after: before, &writer.program) }
      before = snapshot
    }
    // A program that does not know field 6 must not take the order for one that has not come.
    if !contexts.isEmpty { writer.record.message(1) { _ in } }
    writer.small.removeAll()
    writer.states.withUnsafeBytes {
      writer.compression.compress($0, identity: snapshotHead, into: &writer.small)
    }
    writer.small.withUnsafeBytes { writer.record.presentBytes(6, $0) }
  }

  /// The fields of an `OrderLedger` that has only these states, as they are, and no standing.
  static func write(
    _ snapshots: ArraySlice<DatedSnapshot>, _ contexts: [DatedCountry], to writer: inout ProtobufWriter
  ) {
    var before: DatedSnapshot?
    var scratch = ProtobufWriter(capacity: 512)
    for snapshot in snapshots {
      writer.message(1) { snapshot.write(to: &$0, after: before, &scratch) }
      before = snapshot
    }
    for context in contexts {
      writer.message(4) { context.write(to: &$0) }
    }
  }

  /// Takes over a stored `OrderLedger`; its states are read when they are asked for, unless all is to be read now.
  func restore(_ record: [UInt8], readsStates: Bool = false) throws(HistoryError) {
    // `Array.withUnsafeBytes` forgets the thrown type.
    let standing = try record.withUnsafeBytes { bytes in
      Result { () throws(HistoryError) in try readHead(bytes) }
    }.get()
    if let standing, !readsStates {
      packed = (record, standing)
    } else {
      try read(record)
    }
    guard hasStates || !contexts.isEmpty else { throw .malformedRecord }
    isChanged = false
  }

  /// Everything but the states; nil when the record does not tell the standing.
  private func readHead(_ record: UnsafeRawBufferPointer) throws(HistoryError) -> OrderStanding? {
    var reader = ProtobufReader(record)
    var standing: OrderStanding?
    var hasStates = false
    while reader.next() {
      switch reader.field {
      case 1, 6:
        reader.skip()
        hasStates = true
      case 2: emittedHash = reader.fixed64()
      case 3: epoch = UInt32(truncatingIfNeeded: reader.uint64())
      case 4:
        guard contexts.insert(try DatedCountry(stored: reader.slice())) else { throw .malformedRecord }
      case 5: standing = try OrderStanding(stored: reader.slice())
      default: reader.skip()
      }
    }
    guard !reader.failed, hasStates || standing == nil else { throw .malformedRecord }
    return standing
  }

  private func read(_ record: [UInt8]) throws(HistoryError) {
    // `Array.withUnsafeBytes` forgets the thrown type.
    let stored = try record.withUnsafeBytes { bytes in
      Result { () throws(HistoryError) in try states(bytes) }
    }.get()
    for snapshot in stored {
      guard take(snapshot) == .inserted else { throw .malformedRecord }
    }
    deriveTimeline()
  }

  /// Thrice as many bytes as an order's states may have.
  private static let expandedBytesMax = 3 * snapshotBytesMax

  private func states(_ record: UnsafeRawBufferPointer) throws(HistoryError) -> [DatedSnapshot] {
    var reader = ProtobufReader(record)
    while reader.next() {
      guard reader.field == 6 else {
        reader.skip()
        continue
      }
      let packed = reader.slice()
      // Closures forget the thrown type.
      let states = RecordCompression.expand(
        packed, identity: snapshotHead, bytesMax: Self.expandedBytesMax
      ) { bytes in
        Result { () throws(HistoryError) in try Self.plainStates(bytes) }
      }
      guard let states, !reader.failed else { throw .malformedRecord }
      return try states.get()
    }
    return try Self.plainStates(record)
  }

  private static func plainStates(_ record: UnsafeRawBufferPointer) throws(HistoryError) -> [DatedSnapshot] {
    var reader = ProtobufReader(record)
    var states: [DatedSnapshot] = []
    while reader.next() {
      guard reader.field == 1 else {
        reader.skip()
        continue
      }
      guard states.count < snapshotsMax else { throw .malformedRecord }
      states.append(try DatedSnapshot(stored: reader.slice(), after: states.last))
    }
    guard !reader.failed else { throw .malformedRecord }
    return states
  }
}
