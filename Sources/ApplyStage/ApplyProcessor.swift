public import Kafka
public import Orders
public import Shop
public import Stage
public import Store
public import Topics

/// Brings the shop into line with decisions and keeps the ledger of what was applied. One per lane.
///
/// Decisions are handled in waves: as many as follow each other without two of the same order. A wave's label
/// changes go to the shop in one call, so that a platform client can fill its entries (D27).
public final class ApplyProcessor: StatefulProcessor {
  /// Layout of the stored records.
  public static let schemaVersion: Int64 = 1
  /// Number of the `actions` topic among the lane's effect topics.
  public static let actionsTopic = 0

  public struct Counts: Sendable {
    public var decisions = 0
    public var ownDecisions = 0
    public var older = 0
    public var repeated = 0
    public var labelsAdded = 0
    public var labelsRemoved = 0
    public var effects = 0
    public var actions = 0
    public var refused = 0
    public var deadLetters = 0
    /// Vetoes lifted by people.
    public var lifts = 0

    public init() {}
  }

  final class Orders {
    let state: PartitionState
    let cache: StateCache<LedgerEntry>
    var touched: [(key: [UInt8], entry: LedgerEntry)] = []
    /// Collected, not yet known to be in the file.
    var collected: [(key: [UInt8], entry: LedgerEntry)] = []
    var isFileEmpty: Bool
    let crossings: CrossingLedger
    init(state: PartitionState, cacheBytes: Int) throws {
      self.state = state
      cache = StateCache(bytesMax: cacheBytes)
      crossings = CrossingLedger(state)
      isFileEmpty = try state.count() == 0
    }
  }

  struct Waiting {
    let decision: DecisionValue
    let digest: DesiredDigest
    let reconciliation: Reconciliation
    let entry: LedgerEntry
    let partition: Int32
    let order: OrderIdentity
  }

  let reconciler: Reconciler
  let shop: any ShopSink
  private let actionsPartitions: Int
  /// Records that became dead letters.
  public let refused: RefusedRecords
  private let cacheBytesMax: Int
  let clockUs: @Sendable () -> Int64
  private var partitions: [Int32: Orders] = [:]
  var wave: [Waiting] = []
  private var direct = DirectChange()
  private var writer = ProtobufWriter(capacity: 2048)
  private var actions: [(partition: Int32, bytes: [UInt8], key: [UInt8])] = []
  public internal(set) var counts = Counts()
  /// False: `onAction` is the only taker of action records (a trial run, whose broker nobody else reads).
  public var sendsActions = true
  /// Sees every decision's bytes, borrowed, in the order of handling; for files and timelines.
  public var onDecision: ((UnsafeRawBufferPointer) -> Void)?
  /// Sees every action record, but for those that `onLabels` sees.
  public var onAction: ((ActionValue) -> Void)?
  /// Sees the labels, all done, that went onto all items of an order or came off them (`label.added`,
  /// `label.removed`), by their places among those of the desire; only where the shop refuses nothing and
  /// `sendsActions` is false. Nil: `onAction` sees them too, one by one.
  public var onLabels: ((StaticString, DecisionHeader, UniformDesire, [Int], Instant) -> Void)?
  /// A collection takes the entries changed first, up to about this many bytes. Only for a ledger that nobody reads
  /// after the process: what is durable is collected whole.
  public var collectBytesMax = Int.max
  /// True at the end of a run that wants the ledger from memory: then nothing is written any more.
  public var isEnding: () -> Bool = { false }
  /// Takes what of a partition's ledger is not in its file, when it is closed.
  public var onLedger: ((LedgerRecords) -> Void)?
  private var hasCollected = false

  public init(
    reconciler: Reconciler, shop: any ShopSink, actionsPartitions: Int, deadLetters: TopicHandle,
    seal: DeadLetterSeal, cacheBytesMax: Int, clockUs: @escaping @Sendable () -> Int64 = wallClockUs
  ) {
    self.reconciler = reconciler
    self.shop = shop
    self.actionsPartitions = max(actionsPartitions, 1)
    refused = RefusedRecords(
      stage: "apply", source: "decisions", topic: deadLetters, seal: seal, clockUs: clockUs)
    self.cacheBytesMax = cacheBytesMax
    self.clockUs = clockUs
  }

  public func open(_ partition: Int32, state: PartitionState) throws {
    partitions[partition] = try Orders(state: state, cacheBytes: cacheBytesMax)
  }

  public func close(_ partition: Int32) {
    if let onLedger, let orders = partitions[partition] {
      // What was collected and not persisted is not known to be in the file.
      let open = orders.collected.filter { !$0.entry.isTouched }
      onLedger(LedgerRecords(orders.touched + open, isWhole: !hasCollected))
    }
    partitions[partition] = nil
    actions.removeAll { $0.partition == partition }
  }

  public var dirtyBytes: Int {
    partitions.values.reduce(actions.count * 200) { $0 + $1.cache.dirtyBytes + $1.crossings.dirtyBytes }
  }

  public func process(_ batch: MessageBatch, outputs producer: Producer) throws {
    for index in 0..<batch.count {
      let message = batch[index]
      guard let orders = partitions[message.partition] else { continue }
      guard let value = message.value, let header = DecisionHeader(value),
        try take(value, header, message.partition, orders)
      else {
        counts.deadLetters += 1
        try refused.refuse(message, expected: "a Decision (topics/decision.proto)", producer)
        continue
      }
    }
    try finishWave()
  }

  /// False when the bytes are malformed.
  private func take(
    _ value: UnsafeRawBufferPointer, _ header: DecisionHeader, _ partition: Int32, _ orders: Orders
  ) throws -> Bool {
    let key = LedgerKey.bytes(mallId: header.mallId, shopNo: header.shopNo, orderId: header.orderId)
    var entry = try self.entry(key, orders)
    if entry.isInWave {
      try finishWave()
      entry = try self.entry(key, orders)
    }
    if let lift = header.vetoLift { return try self.lift(lift, header, entry, key, partition, orders) }
    onDecision?(value)
    let digest = DesiredDigest(header.desired)
    if confirm(header, digest, entry) {
      touch(entry, key, orders)
    } else if try change(header, digest, entry, orders) {
      touch(entry, key, orders)
    } else {
      guard let decision = DecisionValue(protobuf: value) else { return false }
      reconcile(decision, digest, entry, key, partition, orders)
      // Nothing is won by asking such a shop about many orders at once.
      if shop.refusesNothing { try finishWave() }
    }
    counts.decisions += 1
    if header.own { counts.ownDecisions += 1 }
    return true
  }

  /// The common case: a newer decision of the same partition that asks for what the last one asked for.
  private func confirm(_ header: DecisionHeader, _ digest: DesiredDigest, _ entry: LedgerEntry) -> Bool {
    guard let last = entry.position, header.position.follows(last),
      digest == entry.digest, sameBytes(entry.ruleSet, header.ruleSet)
    else { return false }
    entry.confirm(header.position, latestVersion: header.latestVersion)
    return true
  }

  /// Labels of all items come and go, from a shop that does what it is asked: the whole answer stands in the bytes of
  /// the decision and of the ledger. False: to be reconciled.
  private func change(
    _ header: DecisionHeader, _ digest: DesiredDigest, _ entry: LedgerEntry, _ orders: Orders
  ) throws -> Bool {
    guard let onLabels, shop.refusesNothing, !sendsActions, wave.isEmpty, !reconciler.options.keepOnUnknown
    else { return false }
    if let last = entry.position {
      guard header.position.follows(last) else { return false }
    }
    var refused: [OrderEffect] = []
    let isDirect = try entry.withFields { fields in
      guard direct.read(header.desired, ledger: fields) else { return false }
      if direct.isChanged {
        let at = Instant(microseconds: clockUs())
        if !direct.added.isEmpty { onLabels("label.added", header, direct.wanted, direct.added, at) }
        if !direct.removed.isEmpty { onLabels("label.removed", header, direct.standing, direct.removed, at) }
        if !direct.effects.isEmpty { refused = try performEffects(header, orders, at) }
      }
      direct.write(into: &writer, without: refused)
      return true
    }
    guard isDirect else { return false }
    counts.labelsAdded += direct.added.count
    counts.labelsRemoved += direct.removed.count
    counts.actions += direct.added.count + direct.removed.count
    entry.set(
      header, digest: refused.isEmpty ? digest : .none, fields: &writer, isChanged: direct.isChanged)
    return true
  }

  /// Returns those that the shop refused.
  private func performEffects(
    _ header: DecisionHeader, _ orders: Orders, _ at: Instant
  ) throws -> [OrderEffect] {
    var decision = DecisionValue()
    decision.mallId = String(decoding: header.mallId, as: UTF8.self)
    decision.shopNo = header.shopNo
    decision.orderId = String(decoding: header.orderId, as: UTF8.self)
    decision.position = header.position
    decision.ruleSet = String(decoding: header.ruleSet, as: UTF8.self)
    let order = OrderIdentity(
      mallId: decision.mallId, shopNo: decision.shopNo, orderId: decision.orderId)
    var refused: [OrderEffect] = []
    for effect in direct.effects {
      guard let outcome = try perform(effect, order, orders, at) else { continue }
      if case .refused = outcome { refused.append(effect) }
      counts.actions += 1
      onAction?(Reconciler.action(effect, outcome, decision, at))
    }
    if !refused.isEmpty { counts.refused += 1 }
    return refused
  }

  private func reconcile(
    _ decision: DecisionValue, _ digest: DesiredDigest, _ entry: LedgerEntry, _ key: [UInt8],
    _ partition: Int32, _ orders: Orders
  ) {
    let reconciliation = reconciler.reconcile(decision, ledger: entry.value)
    switch reconciliation.standing {
    case .older: counts.older += 1
    case .repeated: counts.repeated += 1
    case .confirmed:
      entry.set(reconciliation.newLedger, digest: digest)
      touch(entry, key, orders)
    case .changed:
      entry.isInWave = true
      // Pins it: evicted and read again it would be the ledger before the wave.
      touch(entry, key, orders)
      wave.append(
        Waiting(
          decision: decision, digest: digest, reconciliation: reconciliation, entry: entry,
          partition: partition,
          order: OrderIdentity(
            mallId: decision.mallId, shopNo: decision.shopNo, orderId: decision.orderId)))
    }
  }

  /// Lets the shop do what the wave asks for, then settles the ledgers by what it did.
  func finishWave() throws {
    guard !wave.isEmpty else { return }
    let changes = wave.map { $0.reconciliation.labelChanges(of: $0.order) }
    let outcomes = try shop.apply(changes.flatMap(\.self))
    let at = Instant(microseconds: clockUs())
    var next = 0
    for (waiting, own) in zip(wave, changes) {
      let labelOutcomes = Array(outcomes[next..<next + own.count])
      next += own.count
      var reconciliation = waiting.reconciliation
      reconciliation.effects.removeAll()
      var effectOutcomes: [EffectOutcome] = []
      for effect in waiting.reconciliation.effects {
        guard let outcome = try perform(effect, waiting.order, partitions[waiting.partition], at) else {
          continue
        }
        reconciliation.effects.append(effect)
        effectOutcomes.append(outcome)
      }
      let settlement = reconciler.settle(
        reconciliation, of: waiting.decision, labelOutcomes: labelOutcomes,
        effectOutcomes: effectOutcomes, at: at)
      settle(waiting, settlement)
    }
    wave.removeAll(keepingCapacity: true)
  }

  /// Nil: there is nothing to be done, another order has told of it.
  private func perform(
    _ effect: OrderEffect, _ order: OrderIdentity, _ orders: Orders?, _ at: Instant
  ) throws -> EffectOutcome? {
    let crossing = effect.crossing
    if let crossing, let orders, try orders.crossings.isTold(crossing, mall: order.mallId) { return nil }
    counts.effects += 1
    if let alert = effect.alert(of: order, at: at) {
      let outcome = try shop.deliver(alert)
      if case .refused = outcome { return outcome }
      if let crossing { try orders?.crossings.tell(crossing, mall: order.mallId) }
      return outcome
    }
    if let mark = effect.mark(of: order, at: at) { return try shop.mark(mark) }
    return .refused(.other)
  }

  private func settle(_ waiting: Waiting, _ settlement: Settlement) {
    waiting.entry.isInWave = false
    waiting.entry.set(settlement.ledger, digest: settlement.hasRefusals ? .none : waiting.digest)
    if settlement.hasRefusals { counts.refused += 1 }
    counts.labelsAdded += waiting.reconciliation.labelAdds.count
    counts.labelsRemoved += waiting.reconciliation.labelRemoves.count
    for action in settlement.actions { record(action, waiting.partition) }
  }

  func record(_ action: ActionValue, _ partition: Int32) {
    counts.actions += 1
    onAction?(action)
    if sendsActions { actions.append((partition, action.protobuf, Array(action.mallId.utf8))) }
  }

  private func entry(_ key: [UInt8], _ orders: Orders) throws -> LedgerEntry {
    if let found = key.withUnsafeBytes({ orders.cache.lookup($0) }) { return found }
    var entry = LedgerEntry()
    if !orders.isFileEmpty {
      let stored = try key.withUnsafeBytes { try orders.state.withValue($0) { LedgerEntry($0) } }
      if let stored {
        guard let stored else { throw PartitionStateError.damaged(nil) }
        entry = stored
      }
    }
    _ = key.withUnsafeBytes { orders.cache.insert($0, entry, bytes: entry.bytes + key.count) }
    return entry
  }

  func touch(_ entry: LedgerEntry, _ key: [UInt8], _ orders: Orders) {
    guard !entry.isTouched else { return }
    entry.isTouched = true
    orders.touched.append((key, entry))
    key.withUnsafeBytes {
      // It may have left the cache while it waited in the wave.
      let slot = orders.cache.slot($0)
      if orders.cache.value(slot: slot) === entry {
        orders.cache.markDirty(slot: slot, bytes: entry.bytes)
      } else {
        orders.cache.insert($0, entry, bytes: entry.bytes, dirty: true)
      }
    }
  }

  public func collect(into changes: inout StateChanges) throws {
    try shop.flush()
    CrashPoint.shopWrittenNotRecorded.reach()
    if isEnding() { return }
    for (partition, orders) in partitions {
      let count = countToCollect(orders)
      for (key, entry) in orders.touched[..<count] {
        hasCollected = true
        entry.isTouched = false
        writer.removeAll()
        entry.write(into: &writer)
        key.withUnsafeBytes { key in
          writer.withUnsafeBytes { changes.put(partition: partition, key: key, value: $0) }
        }
      }
      orders.collected += orders.touched[..<count]
      orders.touched.removeFirst(count)
      orders.crossings.collect(into: &changes, partition: partition)
    }
    for action in actions {
      action.key.withUnsafeBytes { key in
        let to = Partitioner.partition(forKey: key, count: actionsPartitions)
        action.bytes.withUnsafeBytes {
          changes.send(
            causedBy: action.partition, topic: ApplyProcessor.actionsTopic, to: to, key: key, value: $0)
        }
      }
    }
    actions.removeAll(keepingCapacity: true)
  }

  private func countToCollect(_ orders: Orders) -> Int {
    guard collectBytesMax < .max else { return orders.touched.count }
    // While a collection is on its way more has come in than one part: memory counts, not the size of a part.
    let excess = dirtyBytes - cacheBytesMax / 10 * 9 * partitions.count
    var room = max(collectBytesMax, excess) / max(partitions.count, 1)
    let end = orders.touched.firstIndex { _, entry in
      room -= entry.bytes
      return room < 0
    }
    // One at least, however large.
    return end.map { max($0, 1) } ?? orders.touched.count
  }

  public func persisted() {
    for orders in partitions.values {
      if !orders.collected.isEmpty { orders.isFileEmpty = false }
      // What has changed since it was collected stays pinned.
      for (key, entry) in orders.collected where !entry.isTouched {
        key.withUnsafeBytes { orders.cache.markClean(slot: orders.cache.slot($0)) }
      }
      orders.collected.removeAll(keepingCapacity: true)
      orders.cache.trim()
      orders.crossings.persisted()
    }
  }
}
