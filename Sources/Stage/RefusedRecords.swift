public import Kafka
public import Topics

/// The records of one input topic that a stage cannot use: each becomes a dead letter. One per processor.
public final class RefusedRecords {
  private let stage: String
  private let source: String
  private let topic: TopicHandle
  private let seal: DeadLetterSeal
  private let clockUs: @Sendable () -> Int64
  /// Sees every dead letter, for files that list them.
  public var onLetter: ((DeadLetterValue) -> Void)?

  /// `source`: the input topic's name. `topic`: that of the dead letters.
  public init(
    stage: String, source: String, topic: TopicHandle, seal: DeadLetterSeal,
    clockUs: @escaping @Sendable () -> Int64
  ) {
    self.stage = stage
    self.source = source
    self.topic = topic
    self.seal = seal
    self.clockUs = clockUs
  }

  /// A record without a value or with bytes that cannot be read. `expected`: what it should have held.
  public func refuse(_ message: MessageView, expected: String, _ producer: Producer) throws {
    try refuse(
      message,
      Problem(
        code: message.value == nil ? "record.tombstone" : "record.malformed", field: "", expected: expected,
        found: message.value.map { "\($0.count) bytes" } ?? "a null value"), producer)
  }

  /// A record that was refused for a reason of its own. `problem` holds no value of the record.
  public func refuse(_ message: MessageView, _ problem: Problem, _ producer: Producer) throws {
    let letter = DeadLetterValue(
      stage: stage, source: source, partition: message.partition, offset: message.offset, atUs: clockUs(),
      problem: problem, body: message.value, seal: seal)
    let bytes = letter.protobuf
    _ = try bytes.withUnsafeBytes { try producer.send(topic: topic, partition: 0, key: nil, value: $0) }
    onLetter?(letter)
  }
}
