public import Kafka
import Orders
public import Stage
public import Store
public import Synchronization
public import Topics

/// Joins beacons and pointers of the partitions of `order.context` that it owns. One per lane.
public final class ContextProcessor: StatefulProcessor {
  /// Layout of the stored records.
  public static let schemaVersion: Int64 = 1
  /// How much of the time in the records passes between two searches for what can be forgotten.
  static let sweepEveryUs: Int64 = 600_000_000
  /// Stored records looked at in one commit; twice as many as have changed when those are more.
  static let sweepMax = 512

  /// Where the records go.
  public struct Outputs {
    public var orders: TopicHandle
    public var deadLetters: TopicHandle

    public init(orders: TopicHandle, deadLetters: TopicHandle) {
      self.orders = orders
      self.deadLetters = deadLetters
    }
  }

  /// Counted by the lane, read by anybody.
  public final class Counts: Sendable {
    public let beacons = Atomic<Int>(0)
    public let pointers = Atomic<Int>(0)
    /// Records written to `orders`.
    public let joined = Atomic<Int>(0)
    /// Beacons whose order did not come in time.
    public let expired = Atomic<Int>(0)
    public let deadLetters = Atomic<Int>(0)

    public init() {}
  }

  /// The orders of one partition in memory, and the file behind them.
  private final class Orders {
    let state: PartitionState
    let cache: StateCache<ContextJoin>
    var touched: [(key: [UInt8], join: ContextJoin)] = []
    var isFileEmpty: Bool
    /// When the newest record seen was taken.
    var newest = Instant(microseconds: .min)
    /// When the last search for what can be forgotten began; where it is; nil: it is through.
    var sweptAt = Instant(microseconds: .min)
    var sweepAfter: [UInt8]?
    var isSweeping = false

    init(state: PartitionState, cacheBytes: Int) throws {
      self.state = state
      cache = StateCache(bytesMax: cacheBytes)
      isFileEmpty = try state.count() == 0
    }
  }

  private let outputs: Outputs
  private let seal: DeadLetterSeal
  private let cacheBytesMax: Int
  private let clockUs: @Sendable () -> Int64
  private var partitions: [Int32: Orders] = [:]
  private var writer = ProtobufWriter(capacity: 1024)
  public let counts: Counts

  public init(
    outputs: Outputs, seal: DeadLetterSeal, cacheBytesMax: Int, counts: Counts = Counts(),
    clockUs: @escaping @Sendable () -> Int64 = wallClockUs
  ) {
    self.outputs = outputs
    self.seal = seal
    self.cacheBytesMax = cacheBytesMax
    self.counts = counts
    self.clockUs = clockUs
  }

  public func open(_ partition: Int32, state: PartitionState) throws {
    partitions[partition] = try Orders(state: state, cacheBytes: cacheBytesMax)
  }

  public func close(_ partition: Int32) { partitions[partition] = nil }

  public var dirtyBytes: Int { partitions.values.reduce(0) { $0 + $1.cache.dirtyBytes } }

  // MARK: Handling

  public func process(_ batch: MessageBatch, outputs producer: Producer) throws {
    for index in 0..<batch.count {
      let message = batch[index]
      guard let orders = partitions[message.partition] else { continue }
      if let problem = try take(message, orders, producer) { try deadLetter(message, problem, producer) }
    }
  }

  /// Nil, or what is wrong with the record.
  private func take(_ message: MessageView, _ orders: Orders, _ producer: Producer) throws -> Problem? {
    guard let value = message.value else {
      return Problem(code: "record.tombstone", field: "", expected: Self.expected, found: "a null value")
    }
    guard let key = message.key, let order = OrderContextKey(key) else {
      return Problem(
        code: "record.key", field: "", expected: "mall, shop and order, separated by NUL",
        found: "\(message.key?.count ?? 0) bytes")
    }
    guard let context = OrderContextValue(protobuf: value), Self.isSound(context) else {
      return Problem(
        code: "record.malformed", field: "", expected: Self.expected, found: "\(value.count) bytes")
    }
    let keyBytes = [UInt8](key)
    let join = try self.join(keyBytes, orders)
    if let beacon = context.beacon {
      forget(join, orders, takenAt: beacon.takenAt)
      counts.beacons.wrappingAdd(1, ordering: .relaxed)
      for pointer in join.take(beacon) { try send(order, pointer, beacon, producer) }
    } else if let pointer = context.pointer {
      forget(join, orders, takenAt: pointer.takenAt)
      counts.pointers.wrappingAdd(1, ordering: .relaxed)
      for beacon in join.take(pointer) { try send(order, pointer, beacon, producer) }
    }
    touch(join, keyBytes, orders)
    return nil
  }

  /// A record of an ingest whose clock is ahead must not make everything else old: the clock here bounds it. It
  /// bounds only what is forgotten, never what belongs together.
  private func forget(_ join: ContextJoin, _ orders: Orders, takenAt: Instant) {
    orders.newest = max(orders.newest, min(takenAt, Instant(microseconds: clockUs())))
    let (_, unjoined) = join.forget(newest: orders.newest)
    counts.expired.wrappingAdd(unjoined, ordering: .relaxed)
  }

  private static let expected = "an OrderContext (topics/context.proto)"

  private static func isSound(_ context: OrderContextValue) -> Bool {
    switch (context.beacon, context.pointer) {
    case (let beacon?, nil): !beacon.ip.isEmpty && beacon.ip.utf8.count <= OrderContextReader.addressBytesMax
    case (nil, let pointer?): pointer.customer.digest.count == IdentitySecret.digestByteCount
    default: false
    }
  }

  private func send(
    _ order: OrderContextKey, _ pointer: PointerValue, _ beacon: BeaconValue, _ producer: Producer
  ) throws {
    var event = ContextEventValue()
    event.mallId = order.mallId
    event.shopNo = order.shopNo
    event.orderId = order.orderId
    event.customer = pointer.customer
    event.ip = beacon.ip
    event.at = beacon.at
    let key = Array(order.mallId.utf8) + [0, pointer.customer.kind.rawValue] + pointer.customer.digest
    let value = event.ordersValue
    try key.withUnsafeBytes { key in
      try value.withUnsafeBytes { value in
        _ = try producer.send(
          topic: outputs.orders,
          partition: Partitioner.partition(forKey: key, count: outputs.orders.partitionCount), key: key,
          value: value)
      }
    }
    counts.joined.wrappingAdd(1, ordering: .relaxed)
  }

  // MARK: State

  private func join(_ key: [UInt8], _ orders: Orders) throws -> ContextJoin {
    if let found = key.withUnsafeBytes({ orders.cache.lookup($0) }) { return found }
    var join = ContextJoin()
    if !orders.isFileEmpty {
      let stored = try key.withUnsafeBytes { key in
        try orders.state.withValue(key) { ContextJoin($0, seal: seal) }
      }
      if let stored {
        guard let stored else { throw PartitionStateError.damaged(nil) }
        join = stored
      }
    }
    _ = key.withUnsafeBytes { orders.cache.insert($0, join, bytes: join.bytes + key.count) }
    return join
  }

  private func touch(_ join: ContextJoin, _ key: [UInt8], _ orders: Orders) {
    if !join.isTouched {
      join.isTouched = true
      orders.touched.append((key, join))
    }
    _ = key.withUnsafeBytes { orders.cache.insert($0, join, bytes: join.bytes + key.count, dirty: true) }
  }

  public func collect(into changes: inout StateChanges) throws {
    for (partition, orders) in partitions {
      for (key, join) in orders.touched {
        join.isTouched = false
        writer.removeAll()
        join.write(into: &writer, seal: seal)
        key.withUnsafeBytes { key in
          writer.withUnsafeBytes { changes.put(partition: partition, key: key, value: $0) }
        }
      }
      let changed = orders.touched.count
      orders.touched.removeAll(keepingCapacity: true)
      try sweep(partition, orders, countMax: max(Self.sweepMax, 2 * changed), into: &changes)
    }
  }

  public func persisted() {
    for orders in partitions.values {
      _ = orders.cache.takeDirty()
      orders.isFileEmpty = false
      for (key, join) in orders.touched {
        _ = key.withUnsafeBytes { orders.cache.insert($0, join, bytes: join.bytes + key.count, dirty: true) }
      }
    }
  }

  // MARK: Forgetting

  /// Goes on with the search for orders whose time is over, or begins one when it is due.
  private func sweep(_ partition: Int32, _ orders: Orders, countMax: Int, into changes: inout StateChanges)
    throws
  {
    if !orders.isSweeping {
      let since = orders.newest.microseconds.subtractingReportingOverflow(orders.sweptAt.microseconds)
      guard since.overflow || since.partialValue >= Self.sweepEveryUs else { return }
      orders.sweptAt = orders.newest
      orders.sweepAfter = nil
      orders.isSweeping = true
    }
    var seen = 0
    var found: [(key: [UInt8], join: ContextJoin)] = []
    try orders.state.page(after: orders.sweepAfter, limit: countMax) { key, value in
      seen += 1
      orders.sweepAfter = [UInt8](key)
      // What is in memory may be newer than what is stored.
      guard let join = orders.cache.lookup(key) ?? ContextJoin(value, seal: seal) else { return }
      let (isChanged, unjoined) = join.forget(newest: orders.newest)
      if isChanged { found.append(([UInt8](key), join)) }
      counts.expired.wrappingAdd(unjoined, ordering: .relaxed)
    }
    if seen < countMax { orders.isSweeping = false }
    for (key, join) in found { put(key, join, partition, orders, into: &changes) }
  }

  private func put(
    _ key: [UInt8], _ join: ContextJoin, _ partition: Int32, _ orders: Orders,
    into changes: inout StateChanges
  ) {
    key.withUnsafeBytes { key in
      if join.isEmpty {
        changes.put(partition: partition, key: key, value: nil)
        return orders.cache.remove(key)
      }
      writer.removeAll()
      join.write(into: &writer, seal: seal)
      writer.withUnsafeBytes { changes.put(partition: partition, key: key, value: $0) }
      // Pinned until the file has it: read again before, it would be what it was.
      _ = orders.cache.insert(key, join, bytes: join.bytes + key.count, dirty: true)
    }
  }

  // MARK: Dead letters

  private func deadLetter(_ message: MessageView, _ problem: Problem, _ producer: Producer) throws {
    counts.deadLetters.wrappingAdd(1, ordering: .relaxed)
    var letter = DeadLetterValue()
    letter.stage = "ingest"
    letter.source = "order.context"
    letter.partition = message.partition
    letter.position = message.offset
    letter.at = Instant(microseconds: clockUs())
    letter.problems = [problem]
    if let value = message.value {
      letter.bodyBytes = Int64(value.count)
      letter.sealedBody = seal.seal(value)
    }
    let bytes = letter.protobuf
    _ = try bytes.withUnsafeBytes {
      try producer.send(topic: outputs.deadLetters, partition: 0, key: nil, value: $0)
    }
  }
}
