import Kafka
public import Stage

/// Reads topic `rules` to its end and follows it. Belongs to one thread.
public final class RuleRegistryReader {
  public struct Problem: Error, CustomStringConvertible {
    public let description: String
  }

  public private(set) var registry: RuleRegistry
  private let reader: OnePartitionReader

  /// Nil when the broker has no such topic, also after a while: one made a moment ago is not known everywhere yet.
  ///
  /// `keepsHistory`: also what people said of activations that are no longer the newest.
  public static func open(
    _ broker: BrokerAccess, topic: String, waitMs: Int = 0, keepsHistory: Bool = false
  ) throws -> RuleRegistryReader? {
    guard let count = try OnePartitionReader.partitionCount(broker, topic: topic, waitMs: waitMs) else {
      return nil
    }
    guard count == 1 else {
      throw Problem(
        description: "\(topic) has \(count) partitions: it must have one, so that activations have one order")
    }
    return try RuleRegistryReader(broker, topic, RuleRegistry(keepsHistory: keepsHistory))
  }

  private init(_ broker: BrokerAccess, _ topic: String, _ registry: RuleRegistry) throws {
    self.registry = registry
    reader = try OnePartitionReader(
      broker, topic: topic, groupId: "passflow-rules", isolation: .readUncommitted)
  }

  /// Reads to the end that the topic has now.
  public func catchUp(timeoutMs: Int = 60_000) throws {
    try read(through: reader.end(), timeoutMs: timeoutMs)
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
    try reader.take(timeoutMs: timeoutMs) {
      registry.fold(key: $0.key, value: $0.value, offset: $0.offset)
    }
  }

  public func close() { reader.close() }
}
