import Glibc
import Kafka

/// Follows a pipeline through its groups' commits: the only knowledge that holds across processes and brokers.
public final class PipelineProgress {
  /// A topic and the group that works it off, in the order of the pipeline.
  public struct Hop: Sendable {
    public let topic: String
    public let group: String

    public init(topic: String, group: String) {
      self.topic = topic
      self.group = group
    }
  }

  public struct Lag: Sendable {
    public let hop: Hop
    /// Records written so far (by offset).
    public let end: Int64
    /// Records finished by the group.
    public let done: Int64
    public var isDrained: Bool { done >= end }
  }

  private let admin: Admin
  private var readers: [(hop: Hop, consumer: Consumer, partitions: [TopicPartition])] = []

  public init(broker: BrokerAccess, hops: [Hop]) throws {
    admin = try Admin(settings: broker.client)
    for hop in hops {
      let count = try admin.partitionCount(of: hop.topic, timeoutMs: 30_000)
      let consumer = try Consumer(
        settings: broker.client, groupId: hop.group, isolation: .readUncommitted, membership: .manual)
      readers.append((hop, consumer, (0..<Int32(count)).map { TopicPartition(hop.topic, $0) }))
    }
  }

  /// How far the groups are now, first hop first.
  public func lags() throws -> [Lag] {
    try readers.map { reader in
      let committed = try reader.consumer.committed(reader.partitions, timeoutMs: 10_000)
      var end: Int64 = 0
      var done: Int64 = 0
      for partition in reader.partitions {
        let (low, high) = try admin.watermarks(partition, isolation: .readUncommitted, timeoutMs: 10_000)
        end += high
        // What retention removed before anybody committed is not waited for.
        done += min(max(committed[partition] ?? low, low), high)
      }
      return Lag(hop: reader.hop, end: end, done: done)
    }
  }

  /// Waits until every hop is drained, front to back: what a hop has finished is all that the next will get.
  ///
  /// - Parameter watch: called after each look; return false to give up.
  /// - Returns: false when it gave up.
  public func waitUntilDrained(pollMs: Int, watch: ([Lag]) -> Bool) throws -> Bool {
    var front = 0
    while front < readers.count {
      let lags = try self.lags()
      while front < lags.count, lags[front].isDrained { front += 1 }
      if !watch(lags) { return false }
      // A later hop counts only if it was looked at after the one before it had drained.
      if front > 0, front < readers.count { usleep(UInt32(pollMs) * 1000) }
      if front == 0 { usleep(UInt32(pollMs) * 1000) }
    }
    return true
  }

  public func close() {
    for reader in readers { reader.consumer.close() }
    admin.close()
  }
}
