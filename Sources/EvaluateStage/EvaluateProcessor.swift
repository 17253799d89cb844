public import Kafka
import RuleVersions
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
  private let switcher: RuleSwitcher?
  /// Published rules count: to pass a switch over would be to decide differently from others.
  private let followsRules: Bool
  private let decisions: TopicHandle
  /// Records that became dead letters.
  public let refused: RefusedRecords
  /// Deciders with rows of this batch, in the order of their first.
  private var waiting: [Decider] = []
  public private(set) var counts = Counts()

  /// - Parameter decider: of the rules of the configuration.
  public convenience init(
    decider: Decider, decisions: TopicHandle, deadLetters: TopicHandle, seal: DeadLetterSeal,
    clockUs: @escaping @Sendable () -> Int64 = wallClockUs
  ) {
    self.init(
      decider: decider, switcher: nil, followsRules: false, decisions: decisions, deadLetters: deadLetters,
      seal: seal,
      clockUs: clockUs)
  }

  init(
    decider: Decider, switcher: RuleSwitcher?, followsRules: Bool, decisions: TopicHandle,
    deadLetters: TopicHandle,
    seal: DeadLetterSeal, clockUs: @escaping @Sendable () -> Int64 = wallClockUs
  ) {
    self.decider = decider
    self.switcher = switcher
    self.followsRules = followsRules
    self.decisions = decisions
    refused = RefusedRecords(
      stage: "evaluate", source: "orders.enriched", topic: deadLetters, seal: seal, clockUs: clockUs)
  }

  public func open(_ partition: Int32, start: StatelessStart, outputs producer: Producer) throws {
    try switcher?.open(partition, start: start, outputs: producer)
  }

  public func close(_ partition: Int32) { switcher?.close(partition) }

  public func tick(outputs producer: Producer) throws { try switcher?.tick(outputs: producer) }

  public func process(_ batch: MessageBatch, outputs producer: Producer) throws {
    for index in 0..<batch.count {
      let message = batch[index]
      if RuleSwitchValue.isControl(message.key) {
        try control(message, producer)
        continue
      }
      guard let value = message.value else {
        try deadLetter(message, producer)
        continue
      }
      let decider = try switcher?.decider(message.partition) ?? decider
      if decider.isFull { try flush(producer) }
      let isFirst = decider.isEmpty
      guard decider.add(value, input: index) else {
        try deadLetter(message, producer)
        continue
      }
      if isFirst { waiting.append(decider) }
    }
    try flush(producer)
  }

  /// A switch of rules: what came before it is decided under the former ones.
  private func control(_ message: MessageView, _ producer: Producer) throws {
    try flush(producer)
    guard let switcher else {
      if !followsRules { return }
      throw RuleSwitchProblem(
        description:
          "a switch of rules in partition \(message.partition) at \(message.offset), but the topic of "
          + "rules was not there at the start: start again")
    }
    if try !switcher.take(message, outputs: producer) { try deadLetter(message, producer) }
  }

  private func deadLetter(_ message: MessageView, _ producer: Producer) throws {
    counts.deadLetters += 1
    try refused.refuse(message, expected: "an EnrichedOrder (topics/enriched.proto)", producer)
  }

  private func flush(_ producer: Producer) throws {
    for decider in waiting {
      try decider.decide { decided in
        let partition = Partitioner.partition(forKey: decided.mallId, count: decisions.partitionCount)
        _ = try producer.send(
          topic: decisions, partition: partition, key: decided.mallId, value: decided.bytes)
        counts.decided += 1
      }
    }
    waiting.removeAll(keepingCapacity: true)
  }
}
