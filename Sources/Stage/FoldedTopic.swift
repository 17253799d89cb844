internal import Glibc
internal import Kafka

/// What a topic of one partition says, as a value that its records are folded into.
public protocol TopicFold {
  /// Takes the next record; one that was taken already changes nothing.
  mutating func fold(key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, offset: Int64)
}

/// Reads a topic of one partition to its end and follows it. Belongs to one thread.
public final class FoldedTopic<Fold: TopicFold> {
  public struct Problem: Error, CustomStringConvertible {
    public let description: String
  }

  public private(set) var fold: Fold
  private let consumer: Consumer
  private let partition: TopicPartition
  private let batch = MessageBatch()
  /// Offset after what was read, records removed by compaction included.
  private var position: Int64

  /// Nil when the broker has no such topic, also after a while: one made a moment ago is not known everywhere yet.
  ///
  /// `purpose`: why there may be but one partition, for the error.
  public static func open(
    _ broker: BrokerAccess, topic: String, into fold: Fold, reader: String, purpose: String, waitMs: Int = 0
  ) throws -> FoldedTopic? {
    let admin = try Admin(settings: broker.client)
    defer { admin.close() }
    let deadline = monotonicMs() + Int64(waitMs)
    var found = try admin.topics()[topic]
    while found == nil, monotonicMs() < deadline {
      usleep(100_000)
      found = try admin.topics()[topic]
    }
    guard let count = found else { return nil }
    guard count == 1 else {
      throw Problem(description: "\(topic) has \(count) partitions: it must have one, so that \(purpose)")
    }
    return try FoldedTopic(broker, topic, fold, reader)
  }

  private init(_ broker: BrokerAccess, _ topic: String, _ fold: Fold, _ reader: String) throws {
    self.fold = fold
    var client = broker.client
    // Almost always there is nothing new: ask seldom.
    client.properties["fetch.wait.max.ms"] = "100"
    consumer = try Consumer(
      settings: client, groupId: reader, isolation: .readUncommitted, membership: .manual)
    partition = TopicPartition(topic, 0)
    position = try consumer.watermarks(partition, timeoutMs: 30_000).low
    try consumer.assign([(partition, position)])
  }

  /// Reads to the end that the topic has now.
  public func catchUp(timeoutMs: Int = 60_000) throws {
    let end = try consumer.watermarks(partition, timeoutMs: 30_000).high
    try read(through: end, timeoutMs: timeoutMs)
  }

  /// Takes what has come; says whether something did.
  public func poll() throws -> Bool { try take(timeoutMs: 0) }

  /// Reads until everything below an offset has been taken.
  ///
  /// Throws when it does not come in time: a switch names an end that this topic has not reached, so it is another.
  public func read(through end: Int64, timeoutMs: Int) throws {
    let deadline = monotonicMs() + Int64(timeoutMs)
    while position < end {
      _ = try take(timeoutMs: 20)
      if position < end, monotonicMs() > deadline {
        throw Problem(
          description: "\(partition.topic) ends at \(position) where \(end) is asked for: "
            + "it is not the topic that the switches speak of, or the broker does not answer")
      }
    }
  }

  private func take(timeoutMs: Int) throws -> Bool {
    let events = consumer.poll(into: batch, max: 10_000, timeoutMs: timeoutMs)
    let count = batch.count
    for index in 0..<count {
      let message = batch[index]
      fold.fold(key: message.key, value: message.value, offset: message.offset)
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
