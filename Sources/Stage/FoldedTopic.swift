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
  private let reader: OnePartitionReader

  /// Nil when the broker has no such topic, also after a while: one made a moment ago is not known everywhere yet.
  ///
  /// `purpose`: why there may be but one partition, for the error.
  public static func open(
    _ broker: BrokerAccess, topic: String, into fold: Fold, reader: String, purpose: String, waitMs: Int = 0
  ) throws -> FoldedTopic? {
    guard let count = try OnePartitionReader.partitionCount(broker, topic: topic, waitMs: waitMs) else {
      return nil
    }
    guard count == 1 else {
      throw Problem(description: "\(topic) has \(count) partitions: it must have one, so that \(purpose)")
    }
    return FoldedTopic(
      fold,
      try OnePartitionReader(broker, topic: topic, groupId: reader, isolation: .readUncommitted))
  }

  private init(_ fold: Fold, _ reader: OnePartitionReader) {
    self.fold = fold
    self.reader = reader
  }

  /// Reads to the end that the topic has now.
  public func catchUp(timeoutMs: Int = 60_000) throws {
    try read(through: try reader.end(), timeoutMs: timeoutMs)
  }

  /// Takes what has come; says whether something did.
  public func poll() throws -> Bool { try take(timeoutMs: 0) }

  /// Reads until everything below an offset has been taken.
  ///
  /// Throws when it does not come in time: a switch names an end that this topic has not reached, so it is another.
  public func read(through end: Int64, timeoutMs: Int) throws {
    let deadline = monotonicMs() + Int64(timeoutMs)
    while reader.position < end {
      _ = try take(timeoutMs: 20)
      if reader.position < end, monotonicMs() > deadline {
        throw Problem(
          description: "\(reader.partition.topic) ends at \(reader.position) where \(end) is asked for: "
            + "it is not the topic that the switches speak of, or the broker does not answer")
      }
    }
  }

  private func take(timeoutMs: Int) throws -> Bool {
    try reader.take(timeoutMs: timeoutMs) { message in
      fold.fold(key: message.key, value: message.value, offset: message.offset)
    }
  }

  public func close() { reader.close() }
}
