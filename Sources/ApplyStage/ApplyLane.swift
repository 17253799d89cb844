import Kafka
import Shop
public import Stage
public import Topics

/// Where labels are written.
public enum ShopChoice: Sendable {
  /// A shop in one SQLite file.
  case local(path: String)
  /// Nothing is written: the ledger alone says what would be there.
  case trial

  func open() throws -> any ShopSink {
    switch self {
    case .local(let path): try LocalShop(path: path)
    case .trial: TrialShop()
    }
  }
}

/// What an apply lane needs.
public struct ApplyLaneSettings: Sendable {
  public var broker: BrokerAccess
  public var topics: TopicNames
  public var lane: LaneSettings
  public var cacheBytes: Int
  public var seal: DeadLetterSeal
  public var shop: ShopChoice
  public var options = Reconciler.Options()

  public init(
    broker: BrokerAccess, topics: TopicNames, lane: LaneSettings, cacheBytes: Int, seal: DeadLetterSeal,
    shop: ShopChoice
  ) {
    self.broker = broker
    self.topics = topics
    self.lane = lane
    self.cacheBytes = cacheBytes
    self.seal = seal
    self.shop = shop
  }
}

/// Builds and runs an apply lane on the calling thread until the context stops it.
///
/// `prepare` may set the processor's hooks before the first decision.
public func runApplyLane(
  _ settings: ApplyLaneSettings, context: LaneContext, prepare: (ApplyProcessor) -> Void = { _ in },
  finished: (ApplyProcessor.Counts) -> Void = { _ in }
) throws {
  let broker = settings.broker
  let producer = try broker.producer()
  let actions = try broker.topic(settings.topics.actions, of: producer, readBy: nil)
  let shop = try settings.shop.open()
  let processor = ApplyProcessor(
    reconciler: Reconciler(options: settings.options), shop: shop, actionsPartitions: actions.partitionCount,
    deadLetters: try broker.topic(settings.topics.deadLetters, of: producer, readBy: nil),
    seal: settings.seal, cacheBytesMax: settings.cacheBytes)
  processor.refused.onLetter = settings.lane.onDeadLetter
  prepare(processor)
  let lane = StatefulLane(
    settings: settings.lane, clientSettings: broker.client,
    consumer: try broker.consumer(group: settings.lane.groupId, reading: settings.lane.inputTopic),
    producer: producer, processor: processor,
    schemaVersion: ApplyProcessor.schemaVersion,
    effectTopics: [EffectTopic(name: settings.topics.actions, handle: actions)], context: context)
  lane.run()
  producer.close(timeoutMs: 2_000)
  finished(processor.counts)
}
