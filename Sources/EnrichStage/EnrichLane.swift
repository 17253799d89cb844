import Files
public import History
import Kafka
import Orders
public import ReferenceEditions
public import RuleVersions
public import Rules
public import Stage
public import Topics

/// What an enrich lane needs, whoever runs it: the executable, the trial run, the demonstration.
public struct EnrichLaneSettings: Sendable {
  public var broker: BrokerAccess
  public var topics: TopicNames
  public var lane: LaneSettings
  public var cacheBytes: Int
  public var seal: DeadLetterSeal
  public var reference: ReferenceData
  /// What is computed for the rules of the configuration.
  public var plan: DemandPlan
  /// Those rules. Nil: what is published is not followed.
  public var followedBase: RuleBook?
  public var report: @Sendable (RuleReport) -> Void = { _ in }
  /// Imported editions are followed; `reference` is what counts before the first one.
  public var followsReference = false
  public var referenceReport: @Sendable (ReferenceReport) -> Void = { _ in }
  public var stockMaxAgeHours = 24
  /// The shop's civil time, minutes ahead of UTC.
  public var zoneOffsetMinutes = 540
  /// Of a state that nobody reads afterwards: so much is written at once when memory is full.
  public var collectBytesMax = Int.max
  /// As `EnrichProcessor.residentBytesMax`.
  public var residentBytesMax = Int.max
  /// ms without inputs after which the wall clock moves a partition's deadlines; nil: never.
  public var idleAfterMs: Int?
  /// In service: an event's time counts for deadlines up to a little more than its record's time.
  public var isClockBounded = false

  public init(
    broker: BrokerAccess, topics: TopicNames, lane: LaneSettings, cacheBytes: Int, seal: DeadLetterSeal,
    reference: ReferenceData, plan: DemandPlan
  ) {
    self.broker = broker
    self.topics = topics
    self.lane = lane
    self.cacheBytes = cacheBytes
    self.seal = seal
    self.reference = reference
    self.plan = plan
  }
}

/// Builds and runs an enrich lane on the calling thread until the context stops it.
public func runEnrichLane(
  _ settings: EnrichLaneSettings, context: LaneContext, finished: (EnrichProcessor.Counts) -> Void = { _ in }
) throws {
  let broker = settings.broker
  let producer = try broker.producer()
  let outputs = EnrichProcessor.Outputs(
    enriched: try broker.topic(settings.topics.enriched, of: producer, readBy: GroupNames.evaluate),
    deadLetters: try broker.topic(settings.topics.deadLetters, of: producer, readBy: nil))
  let folder = HistoryFolder(
    reference: settings.reference, plan: settings.plan,
    zone: ShopZone(offsetMinutes: settings.zoneOffsetMinutes),
    stockMaxAge: .seconds(settings.stockMaxAgeHours * 3600))
  let processor = EnrichProcessor(
    folder: folder, outputs: outputs, seal: settings.seal, cacheBytesMax: settings.cacheBytes)
  processor.collectBytesMax = settings.collectBytesMax
  processor.residentBytesMax = settings.residentBytesMax
  processor.isClockBounded = settings.isClockBounded
  processor.followsRules = settings.followedBase != nil
  if let base = settings.followedBase {
    processor.follower = try DemandFollower.open(
      broker, settings.topics, base: base, producer: producer, report: settings.report)
  }
  defer { processor.follower?.close() }
  processor.followsReference = settings.followsReference
  if settings.followsReference {
    processor.referenceFollower = try ReferenceFollower.open(
      broker, settings.topics, base: settings.reference, producer: producer, report: settings.referenceReport)
  }
  defer { processor.referenceFollower?.close() }
  var effects: [EffectTopic] = []
  if processor.follower != nil {
    effects = try announcements(broker, settings.topics.ruleDemands, producer, settings.report)
    processor.announces = !effects.isEmpty
  }
  let orders = try broker.topicOfItsReader(settings.topics.orders, of: producer)
  processor.orders = orders
  if folder.watchesDeadlines || processor.follower != nil, let idleAfterMs = settings.idleAfterMs {
    processor.idleClock = IdleClock(orders: orders, idleAfterUs: Int64(idleAfterMs) * 1_000)
    processor.firedPerInputMax = EnrichProcessor.firedPerInput
  }
  processor.refused.onLetter = settings.lane.onDeadLetter
  let lane = StatefulLane(
    settings: settings.lane, clientSettings: broker.client,
    consumer: try broker.consumer(group: settings.lane.groupId, reading: settings.lane.inputTopic),
    producer: producer, processor: processor,
    schemaVersion: EnrichProcessor.schemaVersion, effectTopics: effects, context: context)
  lane.run()
  producer.close(timeoutMs: 2_000)
  finished(processor.counts)
}

/// Where evaluate is told; nothing without the topic.
private func announcements(
  _ broker: BrokerAccess, _ name: String, _ producer: Producer, _ report: (RuleReport) -> Void
) throws -> [EffectTopic] {
  let admin = try Admin(settings: broker.client)
  defer { admin.close() }
  guard try admin.topics()[name] != nil else {
    report(.noTopic(name))
    return []
  }
  return [EffectTopic(name: name, handle: try broker.topic(name, of: producer, readBy: nil))]
}

/// The facts that the rules ask for, as enrich computes them.
public func factDemand(of set: RuleSet) -> History.FactDemand { factDemand(set.demand) }

/// The facts that the rules of a book ask for, mall by mall.
///
/// Throws when they are more for one of them than an order's record has room for.
public func demandPlan(of book: RuleBook) throws -> DemandPlan {
  func checked(_ set: RuleSet, _ whose: String) throws -> History.FactDemand {
    let demand = factDemand(set.demand)
    let most = [
      ("lists", demand.lists.count, History.FactDemand.listsMax),
      ("counts of claims", demand.claimWindows.count, History.FactDemand.claimWindowsMax),
      ("spans of time", demand.timed.count, History.FactDemand.timedMax),
      ("measures of earlier orders", demand.aggregates.count, History.FactDemand.aggregatesMax),
    ]
    for (what, count, max) in most where count > max {
      throw UserError("the rules of \(whose) ask for \(count) \(what); there may be \(max)")
    }
    return demand
  }
  var own: [DemandScope: History.FactDemand] = [:]
  for scope in book.scopes {
    let shop = scope.shop.map { Int32(truncatingIfNeeded: $0) }
    own[DemandScope(mall: scope.mall, shop: shop)] = try checked(
      book.ruleSet(of: scope), "mall \(scope.mall)")
  }
  return DemandPlan(try checked(book.shared, "all malls"), own: own)
}

func factDemand(_ demand: Rules.FactDemand) -> History.FactDemand {
  History.FactDemand(
    claimWindows: demand.claimWindows.map {
      History.ClaimWindow(
        scope: $0.scope == .returns ? .returns : .returnsAndExchanges, months: $0.months)
    },
    lists: demand.lists, needsStock: demand.needsStock,
    timed: demand.timedFacts.compactMap { fact in
      History.TimedFact.Kind(rawValue: Int32(fact.kind.rawValue)).map {
        History.TimedFact($0, span: fact.span, code: fact.code)
      }
    },
    aggregates: demand.aggregates.compactMap { aggregate in
      History.HistoryAggregate.Measure(rawValue: Int32(aggregate.measure.rawValue)).map {
        History.HistoryAggregate($0, historyWindow(aggregate.window), code: aggregate.code)
      }
    }, profile: profileParts(demand))
}

private func profileParts(_ demand: Rules.FactDemand) -> ProfileParts {
  var parts: ProfileParts = []
  if demand.needsCustomerGrade { parts.insert(.grade) }
  if demand.needsHeldCoupons { parts.insert(.coupons) }
  if demand.needsCart { parts.insert(.cart) }
  return parts
}

private func historyWindow(_ window: Rules.HistoryAggregate.Window) -> History.HistoryAggregate.Window {
  switch window {
  case .all: .all
  case .span(let span): .span(span)
  case .months(let months): .months(months)
  }
}
