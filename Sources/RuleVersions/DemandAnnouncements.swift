import Kafka
public import Stage
public import Topics

/// Topic `rules.demands`: how far each partition of `orders` is with what published rules ask for.
///
/// Never blocks on a transaction that is open there. Belongs to one thread.
public final class DemandAnnouncements {
  private let consumer: Consumer
  private let partition: TopicPartition
  private let batch = MessageBatch()
  private var position: Int64
  public private(set) var fold = DemandProgress()

  /// Nil when the broker has no such topic.
  public static func open(_ broker: BrokerAccess, topic: String) throws -> DemandAnnouncements? {
    let admin = try Admin(settings: broker.client)
    defer { admin.close() }
    guard try admin.topics()[topic] != nil else { return nil }
    return try DemandAnnouncements(broker, topic)
  }

  private init(_ broker: BrokerAccess, _ topic: String) throws {
    var client = broker.client
    client.properties["fetch.wait.max.ms"] = "100"
    consumer = try Consumer(
      settings: client, groupId: "passflow-demands",
      isolation: broker.isEmbedded ? .readUncommitted : .readCommitted, membership: .manual)
    partition = TopicPartition(topic, 0)
    position = try consumer.watermarks(partition, timeoutMs: 30_000).low
    try consumer.assign([(partition, position)])
  }

  /// Takes what has come.
  public func poll(timeoutMs: Int = 0) throws {
    let events = consumer.poll(into: batch, max: 10_000, timeoutMs: timeoutMs)
    for index in 0..<batch.count {
      let message = batch[index]
      position = max(position, message.offset + 1)
      if let value = message.value, let told = RuleSwitchValue(protobuf: value) { fold.take(told) }
    }
    batch.release()
    for event in events {
      switch event {
      case .endOfPartition(_, let offset): position = max(position, offset)
      case .error(let error) where error.isFatal || error.name == "_AUTO_OFFSET_RESET": throw error
      default: break
      }
    }
  }

  /// Reads what is there now, or for so long.
  public func catchUp(timeoutMs: Int64 = 5_000) throws {
    let end = try consumer.watermarks(partition, timeoutMs: 30_000).high
    let deadline = monotonicMs() + timeoutMs
    while position < end, monotonicMs() < deadline { try poll(timeoutMs: 20) }
  }

  public func close() { consumer.close() }
}

/// What the announcements say together: of each partition the furthest one counts.
public struct DemandProgress: Sendable {
  public private(set) var partitions: [Int32: RuleSwitchValue] = [:]
  /// Partitions of `orders`; 0: nobody has said.
  public private(set) var partitionCount: Int32 = 0

  public init() {}

  public mutating func take(_ told: RuleSwitchValue) {
    guard told.partition >= 0 else { return }
    partitionCount = max(partitionCount, told.partitionCount, told.partition + 1)
    if let known = partitions[told.partition], known.rulesEnd >= told.rulesEnd { return }
    partitions[told.partition] = told
  }

  /// No enrich has ever said that it follows published rules.
  public var isEmpty: Bool { partitions.isEmpty }

  /// Partitions that have not come so far.
  public func behind(_ rulesEnd: Int64) -> [Int32] {
    (0..<partitionCount).filter { (partitions[$0]?.rulesEnd ?? 0) < rulesEnd }
  }

  /// Every partition has come so far.
  public func hasReached(_ rulesEnd: Int64) -> Bool { !isEmpty && behind(rulesEnd).isEmpty }

  /// The different ends that partitions have come to, what they hold back included.
  public var reached: [RuleSwitchValue] {
    var found: [RuleSwitchValue] = []
    for partition in 0..<max(partitionCount, 1) {
      var told = RuleSwitchValue()
      if let known = partitions[partition] { (told.rulesEnd, told.held) = (known.rulesEnd, known.held) }
      if !found.contains(told) { found.append(told) }
    }
    return found
  }
}
