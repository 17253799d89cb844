import Kafka
public import RuleVersions
public import Rules
public import Stage
public import Topics

/// What an evaluate lane needs.
public struct EvaluateLaneSettings: Sendable {
  public var broker: BrokerAccess
  public var topics: TopicNames
  public var lane: LaneSettings
  public var seal: DeadLetterSeal
  /// The rules of the configuration, those of single malls and shops included.
  public var rules: RuleBook
  /// Published rules go before those of the configuration (topic `rules`).
  public var followsRules = false
  /// ms that published rules wait at most until enrich computes what they ask for.
  public var enrichWaitMs = 60_000
  public var report: @Sendable (RuleReport) -> Void = { _ in }

  public init(
    broker: BrokerAccess, topics: TopicNames, lane: LaneSettings, seal: DeadLetterSeal, rules: RuleBook
  ) {
    self.broker = broker
    self.topics = topics
    self.lane = lane
    self.seal = seal
    self.rules = rules
  }
}

/// Builds and runs an evaluate lane on the calling thread until the context stops it.
public func runEvaluateLane(
  _ settings: EvaluateLaneSettings, context: LaneContext,
  finished: (EvaluateProcessor.Counts) -> Void = { _ in }
) throws {
  let broker = settings.broker
  let producer = try broker.producer()
  let switcher =
    settings.followsRules
    ? try RuleSwitcher.open(
      broker, settings.topics, base: settings.rules, producer: producer, enrichWaitMs: settings.enrichWaitMs,
      report: settings.report) : nil
  defer { switcher?.close() }
  let processor = EvaluateProcessor(
    decider: Decider(try MallPlan(settings.rules)), switcher: switcher,
    followsRules: settings.followsRules,
    decisions: try broker.topic(settings.topics.decisions, of: producer, readBy: GroupNames.apply),
    deadLetters: try broker.topic(settings.topics.deadLetters, of: producer, readBy: nil),
    seal: settings.seal)
  processor.refused.onLetter = settings.lane.onDeadLetter
  let lane = StatelessLane(
    settings: settings.lane,
    consumer: try broker.consumer(group: settings.lane.groupId, reading: settings.lane.inputTopic),
    producer: producer,
    processor: processor, context: context)
  lane.run()
  producer.close(timeoutMs: 2_000)
  finished(processor.counts)
}
