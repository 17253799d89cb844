internal import Glibc
public import Kafka

/// Reads a topic of one partition from its beginning to its end and follows it. Belongs to one thread.
public final class OnePartitionReader {
  public let partition: TopicPartition
  private let consumer: Consumer
  private let batch = MessageBatch()
  /// Offset after what was read, records removed by compaction included.
  public private(set) var position: Int64

  /// Partitions of a topic; nil when the broker has no such topic, also after a while: one made a moment ago is not
  /// known everywhere yet.
  public static func partitionCount(_ broker: BrokerAccess, topic: String, waitMs: Int = 0) throws -> Int? {
    let admin = try Admin(settings: broker.client)
    defer { admin.close() }
    let deadline = monotonicMs() + Int64(waitMs)
    var found = try admin.topics()[topic]
    while found == nil, monotonicMs() < deadline {
      usleep(100_000)
      found = try admin.topics()[topic]
    }
    return found
  }

  public init(_ broker: BrokerAccess, topic: String, groupId: String, isolation: Isolation) throws {
    var client = broker.client
    // Almost always there is nothing new: ask seldom.
    client.properties["fetch.wait.max.ms"] = "100"
    consumer = try Consumer(
      settings: client, groupId: groupId, isolation: isolation, membership: .manual)
    partition = TopicPartition(topic, 0)
    position = try consumer.watermarks(partition, timeoutMs: 30_000).low
    try consumer.assign([(partition, position)])
  }

  /// The end that the topic has now.
  public func end() throws -> Int64 { try consumer.watermarks(partition, timeoutMs: 30_000).high }

  /// Takes what has come, or comes in time; says whether something did.
  public func take(timeoutMs: Int, _ each: (MessageView) -> Void) throws -> Bool {
    let events = consumer.poll(into: batch, max: 10_000, timeoutMs: timeoutMs)
    let count = batch.count
    for index in 0..<count {
      let message = batch[index]
      each(message)
      position = max(position, message.offset + 1)
    }
    batch.release()
    for event in events {
      switch event {
      case .endOfPartition(_, let offset): position = max(position, offset)
      case .error(let error) where error.isFatal || error.name == "_AUTO_OFFSET_RESET": throw error
      default: break
      }
    }
    return count > 0
  }

  public func close() { consumer.close() }
}
