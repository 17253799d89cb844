public import Kafka

/// The names of the topics, as in `topics/`.
public struct TopicNames: Sendable, Equatable {
  public var orders = "orders"
  public var deadLetters = "orders.dlq"
  public var enriched = "orders.enriched"
  public var decisions = "decisions"
  public var actions = "actions"
  public var webhooks = "webhooks"
  public var context = "order.context"
  public var enrichChangelog = "enrich.history"
  public var applyChangelog = "apply.ledger"
  public var rules = "rules"
  public var ruleSwitches = "rules.switches"
  public var ruleDemands = "rules.demands"
  public var reference = "reference"
  public var contextChangelog = "ingest.context"

  public init() {}
}

/// The names of the stages' consumer groups.
public enum GroupNames {
  /// Joins orders and beacons.
  public static let ingest = "passflow-ingest"
  public static let enrich = "passflow-enrich"
  public static let evaluate = "passflow-evaluate"
  public static let apply = "passflow-apply"
}

/// How the stages of a process reach their broker, and what kind it is.
public struct BrokerAccess: Sendable {
  public let client: ClientSettings
  /// librdkafka's in-process cluster: no usable transactions, 5 MiB per partition, slow group joins.
  public let isEmbedded: Bool
  /// Session time-out of group members.
  public var sessionTimeoutMs = 10_000
  /// Static membership: a restart under the same name takes its partitions back without dividing the group anew.
  public var instanceID: String?
  /// Of batches sent to a real broker: `lz4`, `zstd`, `snappy`, `gzip`, `none`.
  public var compression = "lz4"

  /// Where all stages share one process with their broker: how far each of them is, instead of commits.
  public var progress: LocalProgress?

  public init(client: ClientSettings, isEmbedded: Bool) {
    self.client = client
    self.isEmbedded = isEmbedded
  }

  /// Bytes that may wait unread in a partition of the embedded broker.
  public static let embeddedWindowBytes = 3 << 20

  /// A topic to write to; on the embedded broker never further ahead of `readBy` than its room.
  public func topic(_ name: String, of producer: Producer, readBy group: String?) throws -> TopicHandle {
    let pacing =
      isEmbedded
      ? group.map {
        Pacing(downstreamGroup: $0, windowBytes: BrokerAccess.embeddedWindowBytes, progress: progress)
      } : nil
    return try producer.topic(name, pacing: pacing, timeoutMs: 30_000)
  }

  /// A topic whose reader writes to it itself: it must not wait until what it reads is worked off.
  public func topicOfItsReader(_ name: String, of producer: Producer) throws -> TopicHandle {
    var pacing = progress.map {
      Pacing(downstreamGroup: "", windowBytes: BrokerAccess.embeddedWindowBytes / 6, progress: $0)
    }
    pacing?.countsHandled = true
    return try producer.topic(name, pacing: isEmbedded ? pacing : nil, timeoutMs: 30_000)
  }

  /// A producer; a real broker gets compressed batches. `onAcknowledged` as in `Producer`.
  public func producer(onAcknowledged: (@Sendable (UInt64) -> Void)? = nil) throws -> Producer {
    var settings = client
    if !isEmbedded, settings.properties["compression.codec"] == nil {
      settings.properties["compression.codec"] = compression
    }
    return try Producer(settings: settings, onAcknowledged: onAcknowledged)
  }

  /// A consumer about to join `group` to read `topic`, which every broker knows by then.
  public func consumer(
    group: String, reading topic: String, isolation: Isolation = .readCommitted
  ) throws -> Consumer {
    if !isEmbedded {
      let admin = try Admin(settings: client)
      defer { admin.close() }
      try admin.awaitKnownEverywhere([topic])
    }
    return try Consumer(
      settings: client, groupId: group, isolation: isEmbedded ? .readUncommitted : isolation,
      membership: isEmbedded
        ? .manual
        : .group(cooperative: false, instanceId: instanceID, sessionTimeoutMs: sessionTimeoutMs))
  }

  public func partitionCount(_ topic: String) throws -> Int {
    let admin = try Admin(settings: client)
    defer { admin.close() }
    return try admin.partitionCount(of: topic, timeoutMs: 30_000)
  }
}
