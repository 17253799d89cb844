import Glibc
public import History
public import Kafka
import Orders
public import Stage
public import Store
public import Topics

/// Folds the snapshots of the partitions it owns. One per lane.
public final class EnrichProcessor: StatefulProcessor {
  /// Layout of the stored records.
  public static let schemaVersion: Int64 = 1

  /// Where the records go.
  public struct Outputs {
    public var enriched: TopicHandle
    public var deadLetters: TopicHandle

    public init(enriched: TopicHandle, deadLetters: TopicHandle) {
      self.enriched = enriched
      self.deadLetters = deadLetters
    }
  }

  public struct Counts: Sendable {
    public var folded = 0
    /// Folded too, but no snapshots.
    public var contexts = 0
    /// Likewise, of customers.
    public var profiles = 0
    /// Merges of customers, repeats included.
    public var merges = 0
    /// Moved orders that were folded here.
    public var moved = 0
    /// Records written for another customer's owner.
    public var handedOn = 0
    public var emitted = 0
    public var duplicates = 0
    public var late = 0
    public var deadLetters = 0
    public var loads = 0
    /// Of `emitted`: because a deadline fell due.
    public var fired = 0
    /// Marks written for idle partitions.
    public var marks = 0
    /// Customers whose deadlines were one too many.
    public var deadlinesUnwatched = 0

    public init() {}
  }

  /// The customers of one partition in memory, and the file behind them.
  final class Customers {
    let state: PartitionState
    let cache: StateCache<CustomerHistory>
    /// Changed since the last `collect`.
    var touched: [(key: [UInt8], customer: CustomerHistory)] = []
    /// Collected, not yet known to be in the file.
    var collected: [(key: [UInt8], customer: CustomerHistory)] = []
    /// Nothing was ever written: no need to look.
    var isFileEmpty: Bool
    /// Some customer's profile may be in the file.
    var hasProfiles = false
    /// Some customer was merged into another one.
    var hasMerges = false
    /// Nil when no rule has ever asked for any.
    var deadlines: Deadlines?
    var demand: PartitionDemand
    var reference: PartitionReference

    init(
      state: PartitionState, cacheBytes: Int, planned: PlannedDemands, reference: PlannedReference
    ) throws {
      self.state = state
      demand = PartitionDemand(planned: planned)
      self.reference = PartitionReference(planned: reference)
      cache = StateCache(bytesMax: cacheBytes)
      isFileEmpty = try state.count() == 0
      try state.page(after: ProfileKey.prefix, limit: 1) { key, _ in
        hasProfiles = key.starts(with: ProfileKey.prefix)
      }
      try state.page(after: MergeKey.prefix, limit: 1) { key, _ in
        hasMerges = key.starts(with: MergeKey.prefix)
      }
    }
  }

  private static let partsPerTrim = 16
  private var persistedParts = 0
  let folder: HistoryFolder
  private let outputs: Outputs
  /// Topic `orders`, of the lane's producer: for orders that a merge of customers moves.
  public var orders: TopicHandle?
  /// What is computed for the rules of the configuration.
  private let base: PlannedDemands
  /// The reference files of the configuration.
  private let baseReference: PlannedReference
  /// Nil: only the rules of the configuration count, or nobody has published any.
  var follower: DemandFollower?
  /// Published rules count: to pass a demand record over would be to compute other facts than others do.
  var followsRules = false
  /// Nil: only the files of the configuration count, or there is no topic of editions.
  var referenceFollower: ReferenceFollower?
  /// Imported editions count: to pass a switch over would be to judge otherwise than others do.
  var followsReference = false
  /// The lane's effect topic 0 is `rules.demands`.
  var announces = false
  /// Records that became dead letters.
  public let refused: RefusedRecords
  private let cacheBytesMax: Int
  var partitions: [Int32: Customers] = [:]
  public internal(set) var counts = Counts()
  let clockUs: @Sendable () -> Int64
  /// Nil: deadlines of idle partitions wait for an input.
  public var idleClock: IdleClock?
  /// Event times far ahead of their records' times do not move the clock that far.
  public var isClockBounded = false
  /// Deadlines fire with an input until they have emitted so many records; the rest waits for the next input. Where
  /// nobody writes marks no input may come any more: unbounded.
  public var firedPerInputMax = UInt32.max
  /// A collection takes the customers changed first, up to about this many bytes. Only for state that nobody reads after
  /// the process: what is durable is collected whole.
  public var collectBytesMax = Int.max
  /// Of the whole process: beyond it the caches get smaller, step by step. What customers of all sizes leave between
  /// them in the heap grows with the number of orders, and no accounting of ours sees it.
  public var residentBytesMax = Int.max
  /// Bytes by which each partition's cache is smaller than `cacheBytesMax`.
  private var cacheReduction = 0
  private let ledgerWriter = LedgerWriter()
  /// Reused: key of the record on its way out.
  private var outputKey: [UInt8] = []

  public init(
    folder: HistoryFolder, outputs: Outputs, seal: DeadLetterSeal, cacheBytesMax: Int,
    clockUs: @escaping @Sendable () -> Int64 = wallClockUs
  ) {
    self.folder = folder
    base = folder.inUse
    baseReference = folder.edition
    self.outputs = outputs
    refused = RefusedRecords(
      stage: "enrich", source: "orders", topic: outputs.deadLetters, seal: seal, clockUs: clockUs)
    self.cacheBytesMax = cacheBytesMax
    self.clockUs = clockUs
  }

  public func open(_ partition: Int32, state: PartitionState) throws {
    let customers = try Customers(
      state: state, cacheBytes: cacheBytesMax, planned: base, reference: baseReference)
    try openReference(partition, customers)
    folder.use(customers.reference.planned)
    try openDemand(partition, customers)
    folder.use(customers.demand.planned)
    customers.deadlines = try deadlines(of: state)
    partitions[partition] = customers
  }

  public func close(_ partition: Int32) {
    partitions[partition] = nil
    follower?.close(partition)
    referenceFollower?.close(partition)
  }

  /// A customer is pinned whole, and the largest ones always are: their limit is half of the cache, twice the limit of
  /// the changes themselves. A bounded collection writes parts and counts in full.
  public var dirtyBytes: Int { collectBytesMax < .max ? pinnedBytes : pinnedBytes / 2 }

  private var pinnedBytes: Int { partitions.values.reduce(0) { $0 + $1.cache.dirtyBytes + cacheReduction } }

  public func process(_ batch: MessageBatch, outputs producer: Producer) throws {
    for index in 0..<batch.count {
      let message = batch[index]
      guard let customers = partitions[message.partition] else { continue }
      guard let value = message.value else {
        try deadLetter(
          message,
          Problem(code: "record.tombstone", field: "", expected: "an order snapshot", found: "a null value"),
          producer)
        continue
      }
      let emitted = counts.emitted
      folder.use(customers.reference.planned)
      folder.use(customers.demand.planned)
      if let deadlines = customers.deadlines { folder.clock = deadlines.clock }
      // Records of a profile or a moved order are numbered from 1, since none is its own.
      var unnumbered = 0
      if ContextEventValue.isHeld(by: value) {
        try foldContext(value, message, customers, producer)
      } else if RuleSwitchValue.isHeld(by: value) {
        if try !takeDemand(value, message, customers) {
          try malformed("demand", expected: "a RuleSwitch", value, message, producer)
        }
      } else if ReferenceSwitchValue.isHeld(by: value) {
        if try !takeReference(value, message, customers) {
          try malformed("reference", expected: "a ReferenceSwitch", value, message, producer)
        }
      } else if ProfileEventValue.isHeld(by: value) {
        try foldProfile(value, message, customers, producer)
        unnumbered = 1
      } else if MergeEventValue.isHeld(by: value) {
        try foldMerge(value, message, customers, producer)
        unnumbered = 1
      } else if MovedOrderValue.isHeld(by: value) {
        try foldMoved(value, message, customers, producer)
        unnumbered = 1
      } else {
        try fold(value, message, customers, producer)
      }
      if let deadlines = customers.deadlines {
        try fireDue(
          deadlines, message, emitted: counts.emitted - emitted + unnumbered, customers, producer)
      }
    }
    guard idleClock != nil else { return }
    let now = clockUs()
    for index in 0..<batch.count { partitions[batch[index].partition]?.deadlines?.lastActiveUs = now }
  }

  /// From where an order was placed: a record of `orders` that is no snapshot.
  private func foldContext(
    _ value: UnsafeRawBufferPointer, _ message: MessageView, _ customers: Customers, _ producer: Producer
  ) throws {
    let told = ContextEventValue(orders: value)
    if let told, ClockMark.isHeld(by: told) {
      if let deadlines = customers.deadlines {
        advanceClock(deadlines, to: told.at.microseconds, message)
      }
      return
    }
    guard let context = told, let identity = CustomerIdentity(context) else {
      return try malformed("context", expected: "a ContextEvent", value, message, producer)
    }
    let key = identity.recordPrefix
    let customer = try self.customer(identity, key: key, customers)
    let isHandedOn = try isHandedOn(customer, message, producer) { () throws(HistoryError) in
      try folder.forward(context, of: customer)
    }
    if isHandedOn { return }
    let outcome = try emitting(message, producer) { emit throws(HistoryError) in
      try folder.fold(context, position: message.inputPosition, into: customer, emit: emit)
    }
    guard let outcome else { return }
    counts.contexts += 1
    if !outcome.isDuplicate { customer.accountedBytes += EnrichProcessor.contextOverheadBytes }
    try note(customer, key: key, customers)
  }

  private func fold(
    _ value: UnsafeRawBufferPointer, _ message: MessageView, _ customers: Customers, _ producer: Producer
  ) throws {
    let summary: SnapshotSummary
    let identity: CustomerIdentity
    do {
      summary = try SnapshotSummary(value)
      identity = summary.customer(in: value)
    } catch {
      return try malformed("", expected: "an OrderSnapshot", value, message, producer)
    }
    let key = identity.recordPrefix
    let customer = try self.customer(identity, key: key, customers)
    if let deadlines = customers.deadlines {
      advanceClock(deadlines, to: summary.eventTime.microseconds, message)
    }
    let isHandedOn = try isHandedOn(customer, message, producer) { () throws(HistoryError) in
      try folder.forward(value, summary: summary, of: customer)
    }
    if isHandedOn { return }
    let orderCount = customer.orderCount
    let outcome = try emitting(message, producer) { emit throws(HistoryError) in
      try folder.fold(value, summary: summary, position: message.inputPosition, into: customer, emit: emit)
    }
    guard let outcome else { return }
    counts.folded += 1
    customers.deadlines?.schedule(key, outcome.nextDue)
    customer.accountedBytes +=
      summary.keptBytes(of: value) + CustomerHistory.snapshotOverheadBytes
      + (customer.orderCount - orderCount) * CustomerHistory.orderOverheadBytes
      + customer.takePurchaseBytes()
    try note(customer, key: key, customers)
  }

  static let contextOverheadBytes = 64

  func send(_ record: EmittedRecord, _ producer: Producer) throws {
    outputKey.removeAll(keepingCapacity: true)
    outputKey.append(contentsOf: record.customer.mallId.utf8)
    outputKey.append(0)
    record.customer.appendKindAndDigest(to: &outputKey)
    _ = try outputKey.withUnsafeBytes {
      try producer.send(
        topic: outputs.enriched,
        partition: Partitioner.partition(forKey: $0, count: outputs.enriched.partitionCount),
        key: $0, value: record.bytes)
    }
  }

  func customer(_ identity: CustomerIdentity, key: [UInt8], _ customers: Customers) throws
    -> CustomerHistory
  {
    if let found = key.withUnsafeBytes({ customers.cache.lookup($0) }) { return found }
    var records: [(key: [UInt8], value: [UInt8])] = []
    if !customers.isFileEmpty {
      try customers.state.scan(prefix: key) { key, value in records.append(([UInt8](key), [UInt8](value))) }
      if customers.hasProfiles {
        try customers.state.scan(prefix: ProfileKey.prefix(ofCustomer: key)) { key, value in
          records.append(([UInt8](key), [UInt8](value)))
        }
      }
      if customers.hasMerges {
        try customers.state.scan(prefix: MergeKey.bytes(ofCustomer: key)) { key, value in
          records.append(([UInt8](key), [UInt8](value)))
        }
      }
      counts.loads += 1
    }
    let customer =
      records.isEmpty
      ? CustomerHistory(customer: identity) : try CustomerHistory(customer: identity, records: records)
    customer.accountedBytes = customer.memoryBytes
    _ = key.withUnsafeBytes { customers.cache.insert($0, customer, bytes: customer.accountedBytes) }
    return customer
  }

  /// Throws `malformedRecord`, which stops the lane, before anything of such a customer can be committed.
  func note(_ customer: CustomerHistory, key: [UInt8], _ customers: Customers) throws {
    if customer.isMalformed { throw HistoryError.malformedRecord }
    if !customer.isTouched {
      guard customer.hasChanges else { return }
      customer.isTouched = true
      customers.touched.append((key, customer))
    }
    key.withUnsafeBytes {
      customers.cache.markDirty(slot: customers.cache.slot($0), bytes: customer.accountedBytes)
    }
  }

  public func collect(into changes: inout StateChanges) throws {
    for (partition, customers) in partitions {
      var collected = StateChanges()
      swap(&collected, &changes)
      let count = countToCollect(customers)
      for (key, customer) in customers.touched[..<count] {
        customer.isTouched = false
        customer.removedRecords { collected.put(partition: partition, key: $0, value: nil) }
        customer.changedRecords(using: ledgerWriter) { key, value in
          collected.put(partition: partition, key: key, value: value)
        }
        account(customer, key, customers)
      }
      if let deadlines = customers.deadlines, deadlines.isChanged {
        deadlines.isChanged = false
        Deadlines.recordKey.withUnsafeBytes { key in
          deadlines.record.withUnsafeBytes { collected.put(partition: partition, key: key, value: $0) }
        }
      }
      collectDemand(partition, customers, into: &collected)
      collectReference(partition, customers, into: &collected)
      swap(&collected, &changes)
      customers.collected += customers.touched[..<count]
      customers.touched.removeFirst(count)
    }
  }

  private func countToCollect(_ customers: Customers) -> Int {
    guard collectBytesMax < .max else { return customers.touched.count }
    // While a collection is on its way more has come in than one part: memory counts, not the size of a part.
    let excess = dirtyBytes - cacheBytesMax / 10 * 9 * partitions.count
    var room = max(collectBytesMax, excess) / max(partitions.count, 1)
    let end = customers.touched.firstIndex { _, customer in
      room -= customer.accountedBytes
      return room < 0
    }
    // One at least, however large.
    return end.map { max($0, 1) } ?? customers.touched.count
  }

  private func reduceCaches() {
    cacheReduction = min(cacheReduction + collectBytesMax, cacheBytesMax / 4 * 3)
    for customers in partitions.values {
      customers.cache.bytesMax = cacheBytesMax - cacheReduction
      customers.cache.trim()
    }
  }

  public func persisted() {
    for customers in partitions.values {
      if !customers.collected.isEmpty { customers.isFileEmpty = false }
      // What has changed since it was collected stays pinned.
      for (key, customer) in customers.collected where !customer.isTouched {
        key.withUnsafeBytes { customers.cache.markClean(slot: customers.cache.slot($0)) }
      }
      customers.collected.removeAll(keepingCapacity: true)
      customers.cache.trim()
    }
    guard collectBytesMax < .max else { return }
    if ProcessMemory.residentBytes > residentBytesMax { reduceCaches() }
    persistedParts += 1
    // What customers of all sizes leave behind would add up to tens of megabytes.
    if persistedParts % EnrichProcessor.partsPerTrim == 0 { ProcessMemory.trim() }
  }

  func deadLetter(_ message: MessageView, _ problem: Problem, _ producer: Producer) throws {
    counts.deadLetters += 1
    try refused.refuse(message, problem, producer)
  }
}
