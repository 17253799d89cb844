public import Kafka
import Orders
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
  private let deadLetters: TopicHandle
  private let seal: DeadLetterSeal
  private let clockUs: @Sendable () -> Int64
  public private(set) var counts = Counts()

  public init(
    decider: Decider, decisions: TopicHandle, deadLetters: TopicHandle, seal: DeadLetterSeal,
    clockUs: @escaping @Sendable () -> Int64 = wallClockUs
  ) {
    self.decider = decider
    self.decisions = decisions
    self.deadLetters = deadLetters
    self.seal = seal
    self.clockUs = clockUs
  }

  public func process(_ batch: MessageBatch, outputs producer: Producer) throws {
    for index in 0..<batch.count {
      if decider.isFull { try flush(producer) }
      let message = batch[index]
      guard let value = message.value, decider.add(value, input: index) else {
        try deadLetter(message, producer)
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

  private func deadLetter(_ message: MessageView, _ producer: Producer) throws {
    counts.deadLetters += 1
    var letter = DeadLetterValue()
    letter.stage = "evaluate"
    letter.source = "orders.enriched"
    letter.partition = message.partition
    letter.position = message.offset
    letter.at = Instant(microseconds: clockUs())
    letter.problems = [
      Problem(
        code: message.value == nil ? "record.tombstone" : "record.malformed", field: "",
        expected: "an EnrichedOrder (topics/enriched.proto)", found: "\(message.value?.count ?? 0) bytes")
    ]
    if let value = message.value {
      letter.bodyBytes = Int64(value.count)
      letter.sealedBody = seal.seal(value)
    }
    let bytes = letter.protobuf
    _ = try bytes.withUnsafeBytes {
      try producer.send(topic: deadLetters, partition: 0, key: nil, value: $0)
    }
  }
}
