import Kafka
public import Stage
public import Topics

/// Topic `rules.demands`: how far each partition of `orders` is with what published rules ask for.
///
/// Never blocks on a transaction that is open there. Belongs to one thread.
public final class DemandAnnouncements {
  private let reader: OnePartitionReader
  public private(set) var fold = DemandProgress()

  /// Nil when the broker has no such topic.
  public static func open(_ broker: BrokerAccess, topic: String) throws -> DemandAnnouncements? {
    guard try OnePartitionReader.partitionCount(broker, topic: topic) != nil else { return nil }
    return try DemandAnnouncements(broker, topic)
  }

  private init(_ broker: BrokerAccess, _ topic: String) throws {
    reader = try OnePartitionReader(
      broker, topic: topic, groupId: "passflow-demands",
      isolation: broker.isEmbedded ? .readUncommitted : .readCommitted)
  }

  /// Takes what has come.
  public func poll(timeoutMs: Int = 0) throws {
    _ = try reader.take(timeoutMs: timeoutMs) { message in
      if let value = message.value, let told = RuleSwitchValue(protobuf: value) { fold.take(told) }
    }
  }

  /// Reads what is there now, or for so long.
  public func catchUp(timeoutMs: Int64 = 5_000) throws {
    let end = try reader.end()
    let deadline = monotonicMs() + timeoutMs
    while reader.position < end, monotonicMs() < deadline { try poll(timeoutMs: 20) }
  }

  public func close() { reader.close() }
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
