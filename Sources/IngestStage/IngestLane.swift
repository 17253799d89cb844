import Dispatch
public import HTTP
import Kafka
public import Stage
import Synchronization
public import Topics

/// What ingest needs, whoever runs it: the executable, the demonstration, tests.
public struct IngestLaneSettings: Sendable {
  public var broker: BrokerAccess
  public var topics = TopicNames()
  public var secret: IdentitySecret
  public var seal: DeadLetterSeal
  /// Empty takes every mall.
  public var malls: Set<String> = []
  public var webhookKeys = WebhookKeys([])
  /// Nil: beacons are kept, and joined with their orders by nobody.
  public var contextJoin: ContextJoinSettings?
  public var files: [String] = []
  /// Ends when the files are acknowledged.
  public var exitsWhenDone = false
  public var showsProgress = true
  public var bodyBytesMax = 2 << 20
  public var intakeLimits = IntakeLimits()
  /// Records sent and not acknowledged, and their bytes: beyond it requests are answered 503.
  public var unacknowledgedMax = 20_000
  public var unacknowledgedBytesMax = 128 << 20
  public var acknowledgementTimeoutMs = 10_000
  /// What of the time to drain may be spent on waiting for the broker.
  public var drainMs = 6_000
  /// Microseconds since 1970.
  public var clockUs: @Sendable () -> Int64 = wallClockUs

  public init(broker: BrokerAccess, secret: IdentitySecret, seal: DeadLetterSeal) {
    self.broker = broker
    self.secret = secret
    self.seal = seal
  }

  func intake(_ producer: Producer, _ topics: IngestTopics) -> OrderIntake {
    OrderIntake(
      secret: secret, producer: producer,
      topics: IntakeTopics(
        orders: topics.orders, deadLetters: topics.deadLetters,
        context: contextJoin == nil ? nil : topics.context), seal: seal,
      knownMalls: malls, limits: intakeLimits, clockUs: clockUs)
  }
}

/// The ingest stage: its routes, and the loop that opens, watches and drains it.
public final class IngestLane: Sendable {
  private let settings: IngestLaneSettings
  private let log: Log
  private let health: Health
  private let metrics: IngestMetrics
  private let door: IngestDoor
  private let join: ContextLane
  /// How often late requests and the order to stop are looked for.
  private static let tickMs = 20
  private static let topicTimeoutMs = 1_000

  public init(_ settings: IngestLaneSettings, log: Log, metrics: Metrics, health: Health) {
    self.settings = settings
    self.log = log
    self.health = health
    self.metrics = IngestMetrics(metrics)
    join = ContextLane(log: log)
    door = IngestDoor(
      metrics: self.metrics, log: log, acknowledgementTimeoutMs: settings.acknowledgementTimeoutMs,
      bodyBytesMax: settings.bodyBytesMax)
  }

  public var routes: [HTTPRoute] { door.routes }

  /// Brings the gauges up to date; before each answer to `/metrics`.
  public func show() {
    door.show()
    metrics.show(join.counts)
  }

  /// Runs until the context stops it, or until the files are done where that is asked for.
  /// - Throws: what needs an operator: a file that cannot be read, a broker that refuses us.
  public func run(_ context: LaneContext) throws {
    let waiting = door.waiting
    // On the producer's thread: only hands answers over.
    let producer = try settings.broker.producer { waiting.release(through: $0) }
    defer {
      door.close()
      waiting.giveUpAll()
      producer.close(timeoutMs: 500)
    }
    guard let topics = try openTopics(producer, context) else { return }
    door.open(IngestDesk(settings, producer: producer, topics: topics, metrics: metrics))
    if let contextJoin = settings.contextJoin {
      try join.start(settings, contextJoin)
    } else {
      becomeReady()
    }
    defer {
      join.stop()
      join.join()
      copyJoinFigures(to: context)
    }
    log.info(
      "ingest.open", .integer("orders_partitions", topics.orders.partitionCount),
      .integer("files", settings.files.count))
    let feed = try startFeed(producer, topics, context)
    defer { feed?.thread.join() }
    let failure = watch(producer, feed, context)
    drain(producer)
    if let failure { throw failure }
  }

  // MARK: Opening

  /// Asks again and again; nil when told to stop meanwhile.
  private func openTopics(_ producer: Producer, _ context: LaneContext) throws -> IngestTopics? {
    let names = settings.topics
    guard let orders = try open(names.orders, producer, context, readBy: GroupNames.enrich),
      let deadLetters = try open(names.deadLetters, producer, context),
      let webhooks = try open(names.webhooks, producer, context),
      let contexts = try open(
        names.context, producer, context, readBy: settings.contextJoin == nil ? nil : GroupNames.ingest)
    else { return nil }
    return IngestTopics(orders: orders, deadLetters: deadLetters, webhooks: webhooks, context: contexts)
  }

  private func open(_ name: String, _ producer: Producer, _ context: LaneContext, readBy group: String? = nil)
    throws -> TopicHandle?
  {
    let pacing =
      settings.broker.isEmbedded
      ? group.map { Pacing(downstreamGroup: $0, windowBytes: BrokerAccess.embeddedWindowBytes) } : nil
    while !context.isStopping {
      do throws(KafkaError) {
        return try producer.topic(name, pacing: pacing, timeoutMs: IngestLane.topicTimeoutMs)
      } catch {
        if error.remedy == .stop { throw error }
        log.warning("topic.not_ready", .name("topic", name), .name("problem", "\(error)"))
      }
    }
    return nil
  }

  // MARK: Watching

  /// The thread that reads files, and how it ended.
  private final class Feed: Sendable {
    let thread: NativeThread
    let result: FeedResult

    init(_ thread: NativeThread, _ result: FeedResult) {
      self.thread = thread
      self.result = result
    }
  }

  private final class FeedResult: Sendable {
    let outcome = Mutex<Result<FileFeedSummary, any Error>?>(nil)
    let isDone = DispatchSemaphore(value: 0)
  }

  private func startFeed(_ producer: Producer, _ topics: IngestTopics, _ context: LaneContext) throws
    -> Feed?
  {
    if settings.files.isEmpty { return nil }
    let result = FeedResult()
    let thread = NativeThread(name: "ingest-files") { [self] in
      let feed = FileFeed(
        settings, intake: settings.intake(producer, topics), producer: producer, metrics: metrics,
        isStopping: { context.isStopping })
      let outcome = Result<FileFeedSummary, any Error> { try feed.run() }
      result.outcome.withLock { $0 = outcome }
      result.isDone.signal()
    }
    guard let thread else { throw IngestFailure("the system has no more threads") }
    return Feed(thread, result)
  }

  /// Until the end; what is returned is why there must be one.
  private func watch(_ producer: Producer, _ feed: Feed?, _ context: LaneContext) -> (any Error)? {
    let pause = feed?.result.isDone ?? DispatchSemaphore(value: 0)
    var isFeeding = feed != nil
    while !context.isStopping {
      _ = pause.wait(timeout: .now() + .milliseconds(IngestLane.tickMs))
      expire()
      if let failure = producer.failure { return failure }
      if let failure = watchJoin(context) { return failure }
      guard isFeeding, let outcome = feed?.result.outcome.withLock({ $0 }) else { continue }
      isFeeding = false
      if case .failure(let error) = outcome {
        context.stop()
        return error
      }
      finish(outcome)
      if settings.exitsWhenDone { return nil }
    }
    if isFeeding, let feed {
      feed.thread.join()
      feed.result.outcome.withLock { $0 }.map(finish)
    }
    return nil
  }

  private func becomeReady() {
    health.become(.ready)
    log.info("ingest.ready")
  }

  /// Ready once the join has restored its state; what its group does later is no reason to send nobody here.
  private func watchJoin(_ context: LaneContext) -> IngestFailure? {
    guard settings.contextJoin != nil else { return nil }
    if let failure = join.context.failure { return IngestFailure("context join: \(failure)") }
    if join.context.current == .ready, health.current == .starting { becomeReady() }
    copyJoinFigures(to: context)
    return nil
  }

  /// The process's lane figures are the join's: ingest itself has no input partitions.
  private func copyJoinFigures(to context: LaneContext) {
    let own = join.context
    context.handled.store(own.handled.load(ordering: .relaxed), ordering: .relaxed)
    context.stateCommits.store(own.stateCommits.load(ordering: .relaxed), ordering: .relaxed)
    context.restoredRecords.store(own.restoredRecords.load(ordering: .relaxed), ordering: .relaxed)
    context.ownedPartitions.store(own.ownedPartitions.load(ordering: .relaxed), ordering: .relaxed)
    context.uncommitted.store(own.uncommitted.load(ordering: .relaxed), ordering: .relaxed)
  }

  private func expire() {
    let late = door.waiting.expire(nowMs: monotonicMs())
    if late > 0 { log.warning("requests.not_acknowledged", .integer("requests", late)) }
  }

  /// Tells how the files ended, on standard output.
  private func finish(_ outcome: Result<FileFeedSummary, any Error>) {
    guard case .success(let summary) = outcome else { return }
    let ending = summary.isInterrupted ? ", interrupted" : ""
    StandardStream.output.write("\(summary.accepted) accepted, \(summary.refused) refused\(ending)\n")
    log.info(
      "files.done", .integer("accepted", summary.accepted), .integer("refused", summary.refused),
      .flag("interrupted", summary.isInterrupted))
  }

  // MARK: Draining

  /// Nothing new; what waits is answered when it is acknowledged, as long as there is time.
  private func drain(_ producer: Producer) {
    door.close()
    join.stop()
    let limit = monotonicMs() + Int64(settings.drainMs)
    let last = producer.lastSequence
    while monotonicMs() < limit, producer.failure == nil, producer.acknowledgedThrough < last {
      _ = producer.waitAcknowledged(through: last, timeoutMs: IngestLane.tickMs)
      expire()
    }
    door.waiting.release(through: producer.acknowledgedThrough)
  }
}

/// What ended ingest and is nobody else's error.
struct IngestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
