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

    public init() {}
  }

  final class Orders {
    let state: PartitionState
    let cache: StateCache<LedgerEntry>
    var touched: [(key: [UInt8], entry: LedgerEntry)] = []
    var isFileEmpty: Bool
    init(state: PartitionState, cacheBytes: Int) throws {
      self.state = state
      cache = StateCache(bytesMax: cacheBytes)
      isFileEmpty = try state.count() == 0
    }
  }

  private struct Waiting {
    let decision: DecisionValue
    let digest: DesiredDigest
    let reconciliation: Reconciliation
    let entry: LedgerEntry
    let partition: Int32
    let order: OrderIdentity
  }

  private let reconciler: Reconciler
  private let shop: any ShopSink
  private let actionsPartitions: Int
  /// Records that became dead letters.
  public let refused: RefusedRecords
  private let cacheBytesMax: Int
  private let clockUs: @Sendable () -> Int64
  private var partitions: [Int32: Orders] = [:]
  private var wave: [Waiting] = []
  private var desire = UniformDesire()
  private var writer = ProtobufWriter(capacity: 2048)
  private var actions: [(partition: Int32, bytes: [UInt8], key: [UInt8])] = []
  public private(set) var counts = Counts()
  /// False: `onAction` is the only taker of action records (a trial run, whose broker nobody else reads).
  public var sendsActions = true
  /// Sees every decision's bytes, borrowed, in the order of handling; for files and timelines.
  public var onDecision: ((UnsafeRawBufferPointer) -> Void)?
  /// Sees every action record, but for those that `onLabelsAdded` sees.
  public var onAction: ((ActionValue) -> Void)?
  /// Sees the labels, all done, that went onto all items of an order that bore none; only where the shop refuses
  /// nothing and `sendsActions` is false. Nil: `onAction` sees them too, one by one.
  public var onLabelsAdded: ((DecisionHeader, UniformDesire, Instant) -> Void)?

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
    partitions[partition] = nil
    actions.removeAll { $0.partition == partition }
  }

  public var dirtyBytes: Int {
    partitions.values.reduce(actions.count * 200) { $0 + $1.cache.dirtyBytes }
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
    onDecision?(value)
    let digest = DesiredDigest(header.desired)
    if confirm(header, digest, entry) {
      touch(entry, key, orders)
    } else if label(header, digest, entry) {
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
    guard let last = entry.position, header.position.partition == last.partition, last < header.position,
      digest == entry.digest, header.ruleSet.elementsEqual(entry.ruleSet)
    else { return false }
    entry.confirm(header.position, latestVersion: header.latestVersion)
    return true
  }

  /// An order that bears nothing of ours gets labels on all its items, or still gets none, from a shop that does
  /// what it is asked: the whole answer stands in the decision's bytes. False: to be reconciled.
  private func label(_ header: DecisionHeader, _ digest: DesiredDigest, _ entry: LedgerEntry) -> Bool {
    guard let onLabelsAdded, shop.refusesNothing, !sendsActions, entry.isBare, wave.isEmpty,
      !reconciler.options.keepOnUnknown, desire.read(header.desired)
    else { return false }
    if let last = entry.position {
      guard header.position.partition == last.partition, last < header.position else { return false }
    }
    entry.set(header, desire, digest: digest, scratch: &writer)
    guard !desire.labels.isEmpty else { return true }
    counts.labelsAdded += desire.labels.count
    counts.actions += desire.labels.count
    onLabelsAdded(header, desire, Instant(microseconds: clockUs()))
    return true
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
  private func finishWave() throws {
    guard !wave.isEmpty else { return }
    let changes = wave.map { $0.reconciliation.labelChanges(of: $0.order) }
    let outcomes = try shop.apply(changes.flatMap(\.self))
    let at = Instant(microseconds: clockUs())
    var next = 0
    for (waiting, own) in zip(wave, changes) {
      let labelOutcomes = Array(outcomes[next..<next + own.count])
      next += own.count
      let effectOutcomes = try waiting.reconciliation.effects.map { try perform($0, waiting.order, at) }
      let settlement = reconciler.settle(
        waiting.reconciliation, of: waiting.decision, labelOutcomes: labelOutcomes,
        effectOutcomes: effectOutcomes, at: at)
      settle(waiting, settlement)
    }
    wave.removeAll(keepingCapacity: true)
  }

  private func perform(_ effect: OrderEffect, _ order: OrderIdentity, _ at: Instant) throws -> EffectOutcome {
    counts.effects += 1
    if let alert = effect.alert(of: order, at: at) { return try shop.deliver(alert) }
    if let mark = effect.mark(of: order, at: at) { return try shop.mark(mark) }
    return .refused(.other)
  }

  private func settle(_ waiting: Waiting, _ settlement: Settlement) {
    waiting.entry.isInWave = false
    waiting.entry.set(settlement.ledger, digest: settlement.hasRefusals ? .none : waiting.digest)
    if settlement.hasRefusals { counts.refused += 1 }
    counts.labelsAdded += waiting.reconciliation.labelAdds.count
    counts.labelsRemoved += waiting.reconciliation.labelRemoves.count
    for action in settlement.actions {
      counts.actions += 1
      onAction?(action)
      if sendsActions { actions.append((waiting.partition, action.protobuf, Array(action.mallId.utf8))) }
    }
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

  private func touch(_ entry: LedgerEntry, _ key: [UInt8], _ orders: Orders) {
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
    for (partition, orders) in partitions {
      for (key, entry) in orders.touched {
        entry.isTouched = false
        writer.removeAll()
        entry.write(into: &writer)
        key.withUnsafeBytes { key in
          writer.withUnsafeBytes { changes.put(partition: partition, key: key, value: $0) }
        }
      }
      orders.touched.removeAll(keepingCapacity: true)
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

  public func persisted() {
    for orders in partitions.values {
      _ = orders.cache.takeDirty()
      orders.isFileEmpty = false
      for (key, entry) in orders.touched {
        _ = key.withUnsafeBytes { orders.cache.insert($0, entry, bytes: entry.bytes, dirty: true) }
      }
    }
  }
}

/// Keys of the ledger: mall ‖ 0x00 ‖ shop ‖ 0x00 ‖ order id (topics/ledger.proto).
public enum LedgerKey {
  public static func bytes(
    mallId: UnsafeRawBufferPointer, shopNo: Int32, orderId: UnsafeRawBufferPointer
  ) -> [UInt8] {
    var key: [UInt8] = []
    key.reserveCapacity(mallId.count + orderId.count + 14)
    key.append(contentsOf: mallId)
    key.append(0)
    key.append(contentsOf: String(shopNo).utf8)
    key.append(0)
    key.append(contentsOf: orderId)
    return key
  }

  /// Nil when the bytes are no such key.
  public static func identity(_ key: UnsafeRawBufferPointer) -> OrderIdentity? {
    guard let first = key.firstIndex(of: 0), let second = key[(first + 1)...].firstIndex(of: 0),
      let shop = Int32(String(decoding: key[(first + 1)..<second], as: UTF8.self))
    else { return nil }
    return OrderIdentity(
      mallId: String(decoding: key[..<first], as: UTF8.self), shopNo: shop,
      orderId: String(decoding: key[(second + 1)...], as: UTF8.self))
  }
}
