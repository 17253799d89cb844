public import Kafka
public import Stage
public import Topics

/// Decides every enriched record of a batch. One per lane.
public final class EvaluateProcessor: StatelessProcessor {
  public struct Counts: Sendable {
    public var decided = 0
    public var deadLetters = 0

    public init() {}
  }

  private let decider: Decider
  private let decisions: TopicHandle
  /// Records that became dead letters.
  public let refused: RefusedRecords
  public private(set) var counts = Counts()

  public init(
    decider: Decider, decisions: TopicHandle, deadLetters: TopicHandle, seal: DeadLetterSeal,
    clockUs: @escaping @Sendable () -> Int64 = wallClockUs
  ) {
    self.decider = decider
    self.decisions = decisions
    refused = RefusedRecords(
      stage: "evaluate", source: "orders.enriched", topic: deadLetters, seal: seal, clockUs: clockUs)
  }

  public func process(_ batch: MessageBatch, outputs producer: Producer) throws {
    for index in 0..<batch.count {
      if decider.isFull { try flush(producer) }
      let message = batch[index]
      guard let value = message.value, decider.add(value, input: index) else {
        counts.deadLetters += 1
        try refused.refuse(message, expected: "an EnrichedOrder (topics/enriched.proto)", producer)
        continue
      }
    }
    try flush(producer)
  }

  private func flush(_ producer: Producer) throws {
    try decider.decide { decided in
      let partition = Partitioner.partition(forKey: decided.mallId, count: decisions.partitionCount)
      _ = try producer.send(
        topic: decisions, partition: partition, key: decided.mallId, value: decided.bytes)
      counts.decided += 1
    }
  }
}
