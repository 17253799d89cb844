public import ApplyStage
import EnrichStage
import EvaluateStage
import Files
import Glibc
import History
import IngestStage
import Kafka
import Orders
import Rules
import Stage
import Store
import Synchronization
import Topics

/// What `passflow run` was asked to do.
public struct TrialRunSettings: Sendable {
  public var orders: String
  public var rules: [String] = []
  public var reference: String?
  public var geo: String?
  public var out: String
  public var firstSeenShipped = ApplyStage.Reconciler.FirstSeenShipped.label
  /// Progress goes to standard error.
  public var showsProgress = true
  /// Partitions of each topic of the embedded broker.
  public var partitions = 2
  /// Customers' histories kept in memory; the rest is in the state files.
  var historyBytesMax = 100 << 20
  /// Ledger entries kept in memory.
  var ledgerBytesMax = 16 << 20
  /// What is written at once when either is full.
  var collectBytesMax = 4 << 20
  /// Of the process: beyond it fewer histories are kept.
  var residentBytesMax = 256 << 20

  public init(orders: String, out: String) {
    self.orders = orders
    self.out = out
  }
}

/// What a trial run did.
public struct TrialRunSummary: Sendable {
  public var read = 0
  public var decided = 0
  public var deadLettered = 0
  public var decisions = 0
  public var actions = 0
  public var labels: [(name: String, rows: Int, orders: Int)] = []
  public var labelRows = 0
  public var seconds = 0.0
  public var ruleSet = ""
  public var ordersPerSecond: Double { seconds > 0 ? Double(read) / seconds : 0 }
}

/// The whole pipeline over a file, on the embedded broker, to completion (facts.md, "The trial run").
public final class TrialRun: Sendable {
  private let settings: TrialRunSettings
  private let topics = TopicNames()

  public init(_ settings: TrialRunSettings) { self.settings = settings }

  /// Runs to the end. Throws `UserError` for what the caller can put right, anything else for what it cannot.
  public func run() throws -> TrialRunSummary {
    let started = monotonicUs()
    let file = try OrderFile(path: settings.orders)
    let rules = try RuleFiles.book(settings.rules)
    // Read by enrich's thread; what is missing is said before anything is written.
    try ReferenceFiles.check(directory: settings.reference, geo: settings.geo)
    try Files.makeDirectory(settings.out)
    let stateDirectory = settings.out + "/.state"
    Files.removeDirectory(stateDirectory)
    try Files.makeDirectory(stateDirectory)
    defer { Files.removeDirectory(stateDirectory) }
    let embedded = try EmbeddedBroker(
      topics: [
        (topics.orders, settings.partitions), (topics.enriched, settings.partitions),
        (topics.decisions, settings.partitions), (topics.actions, 1), (topics.deadLetters, 1),
      ])
    // Its thread looks up once a second: nobody has to wait for its end.
    defer { _ = NativeThread(name: "closing") { embedded.close() } }
    let run = try Stages(
      settings, broker: TrialRun.access(embedded), topics: topics, rules: rules,
      stateDirectory: stateDirectory)
    defer { run.join() }
    var summary = try run.work(file)
    summary.ruleSet = rules.shared.hash
    try writeLabels(&summary, ledgers: run.takeLedgers(), stateDirectory: stateDirectory)
    try run.close(&summary)
    summary.seconds = Double(monotonicUs() - started) / 1_000_000
    try summary.write(to: settings.out + "/summary.json")
    return summary
  }

  /// Nobody but us reads this broker: no compression, small fetch queues.
  static func access(_ embedded: EmbeddedBroker) -> BrokerAccess {
    var client = ClientSettings(
      bootstrap: embedded.bootstrap, clientId: "passflow-run",
      properties: [
        "queued.max.messages.kbytes": "32768", "queued.min.messages": "1000000", "fetch.wait.max.ms": "5",
        // A batch crosses the machine twice: packing it costs more than it saves.
        "compression.codec": "none",
        // Whole batches are handed over: the broker's thread is to see them whole.
        "linger.ms": "1",
      ])
    client.closesInBackground = true
    var access = BrokerAccess(client: client, isEmbedded: true)
    access.progress = LocalProgress()
    return access
  }

  /// `ledgers`: what stayed in memory.
  private func writeLabels(
    _ summary: inout TrialRunSummary, ledgers: [LedgerRecords], stateDirectory: String
  ) throws {
    var labels = FinalLabels()
    let file = try OutputFile(settings.out + "/labels.csv")
    let isWhole = ledgers.count == settings.partitions && ledgers.allSatisfy(\.isWhole)
    try labels.write(ledgers, over: isWhole ? [] : try openLedgers(stateDirectory), to: file)
    summary.labelRows = labels.counts.rows
    summary.labels = labels.counts.rowsByLabel.keys.sorted(by: bytesPrecede).map {
      (name: $0, rows: labels.counts.rowsByLabel[$0] ?? 0, orders: labels.counts.ordersByLabel[$0] ?? 0)
    }
  }

  private func openLedgers(_ stateDirectory: String) throws -> [PartitionState] {
    var states: [PartitionState] = []
    for partition in 0..<Int32(settings.partitions) {
      states.append(
        try PartitionState.open(
          directory: stateDirectory, name: "\(GroupNames.apply)-\(partition)",
          identity: PartitionIdentity(
            topic: topics.decisions, partition: partition, schemaVersion: ApplyProcessor.schemaVersion),
          cacheKiB: 2048, isScratch: true))
    }
    return states
  }
}

/// The four lanes of one trial run.
private final class Stages: Sendable {
  private let settings: TrialRunSettings
  private let broker: BrokerAccess
  private let topics: TopicNames
  private let rules: RuleBook
  private let stateDirectory: String
  private let seal: DeadLetterSeal
  private let letters: DeadLetterFile
  /// A lane for each partition: no customer is in two of them.
  private let enrich: [LaneContext]
  private let evaluate = LaneContext()
  private let apply = LaneContext()
  private let results = Mutex(Results())
  private let threads = Mutex<[NativeThread]>([])

  struct Results {
    var enrichDeadLetters = 0
    var evaluate = EvaluateProcessor.Counts()
    var apply = ApplyProcessor.Counts()
    var failure: String?
    var ledgers: [LedgerRecords] = []
  }

  /// What of the ledgers is in memory, once the lanes have stopped.
  func takeLedgers() -> [LedgerRecords] {
    results.withLock { results in
      defer { results.ledgers = [] }
      return results.ledgers
    }
  }

  init(
    _ settings: TrialRunSettings, broker: BrokerAccess, topics: TopicNames, rules: RuleBook,
    stateDirectory: String
  ) throws {
    self.settings = settings
    self.broker = broker
    self.topics = topics
    self.rules = rules
    self.stateDirectory = stateDirectory
    enrich = (0..<settings.partitions).map { _ in LaneContext() }
    var generator = SystemRandomNumberGenerator()
    let key = (0..<DeadLetterSeal.keyByteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
    guard let seal = DeadLetterSeal(key: key) else { throw UserError("libsodium does not start") }
    self.seal = seal
    letters = try DeadLetterFile(settings.out + "/dead-letters.ndjson")
  }

  private func lane(_ topic: String, _ group: String) -> LaneSettings {
    var lane = LaneSettings(inputTopic: topic, groupId: group, usesGroup: false, durability: .scratch)
    lane.inputPartitions = settings.partitions
    lane.progress = broker.progress
    lane.onDeadLetter = { [letters] in letters.add($0) }
    lane.stateDirectory = stateDirectory
    lane.commitIntervalMs = 10
    // Nobody reads this state after a crash: only memory limits how long it may stay unwritten.
    lane.uncommittedMax = .max
    lane.gatherMs = 2
    // The system's cache is behind it.
    lane.fileCacheKiB = 1_024
    lane.dirtyBytesMax = settings.ledgerBytesMax / 20 * 19
    return lane
  }

  /// Feeds the file, waits until everything has come through and apply has put its ledger down. The other lanes are
  /// told to stop; `close` waits for them.
  func work(_ file: OrderFile) throws -> TrialRunSummary {
    let decisionsFile = try OutputFile(settings.out + "/decisions.ndjson")
    let actionsFile = try OutputFile(settings.out + "/actions.ndjson")
    defer { stop() }
    let apply = try start(TrialFiles(decisionsFile, actionsFile, rules))
    var summary = TrialRunSummary()
    do {
      try feed(file, &summary)
      try waitUntilDrained(&summary)
    } catch {
      join()
      throw error
    }
    stop()
    apply.join()
    try throwFailure()
    return summary
  }

  /// Waits for what has not ended yet, and counts.
  func close(_ summary: inout TrialRunSummary) throws {
    join()
    try throwFailure()
    try letters.finish()
    let counts = results.withLock { $0 }
    summary.decided = counts.apply.ownDecisions
    summary.decisions = counts.apply.decisions
    summary.actions = counts.apply.actions
    summary.deadLettered += counts.enrichDeadLetters + counts.evaluate.deadLetters + counts.apply.deadLetters
  }

  /// Ends all lanes; a second call does nothing.
  func join() {
    stop()
    for thread in threads.withLock({ $0 }) { thread.join() }
  }

  private var contexts: [LaneContext] { enrich + [evaluate, apply] }

  private func stop() { for context in contexts { context.stop() } }

  private func throwFailure() throws {
    for context in contexts {
      if let failure = context.failure { throw UserError("the run stopped: \(failure)") }
    }
    if let failure = results.withLock({ $0.failure }) { throw UserError(failure) }
  }

  /// Returns apply's thread.
  private func start(_ files: TrialFiles) throws -> NativeThread {
    let plan = try demandPlan(of: rules)
    let cache = settings.ledgerBytesMax
    let started = [
      NativeThread(name: "enrich") { [self] in enrichAll(plan) },
      NativeThread(name: "evaluate") { [self] in
        let settings = EvaluateLaneSettings(
          broker: broker, topics: topics, lane: lane(topics.enriched, GroupNames.evaluate), seal: seal,
          rules: rules)
        guarded(evaluate) {
          try runEvaluateLane(settings, context: evaluate) { counts in
            results.withLock { $0.evaluate = counts }
          }
        }
      },
      NativeThread(name: "apply") { [self] in
        var settings = ApplyLaneSettings(
          broker: broker, topics: topics, lane: lane(topics.decisions, GroupNames.apply),
          cacheBytes: cache / self.settings.partitions, seal: seal,
          shop: .trial)
        settings.options.firstSeenShipped = self.settings.firstSeenShipped
        guarded(apply) {
          try runApplyLane(
            settings, context: apply,
            prepare: { processor in
              files.attach(to: processor)
              processor.collectBytesMax = self.settings.collectBytesMax
              processor.isEnding = { [self] in apply.isStopping }
              processor.onLedger = { [self] ledger in results.withLock { $0.ledgers.append(ledger) } }
            },
            finished: { counts in results.withLock { $0.apply = counts } })
          try files.finish()
        }
      },
    ].compactMap(\.self)
    threads.withLock { $0 = started }
    guard started.count == 3, let apply = started.last else {
      throw UserError("the system has no more threads")
    }
    return apply
  }

  /// The first of enrich's lanes runs here, each of the others on a thread of its own.
  private func enrichAll(_ plan: DemandPlan) {
    guard let reference = loadReference() else { return }
    let others = (1..<Int32(settings.partitions)).map { partition in
      NativeThread(name: "enrich-\(partition)") { [self] in enrich(partition, reference, plan) }
    }
    if others.contains(where: { $0 == nil }) {
      guarded(enrich[0]) { throw UserError("the system has no more threads") }
    }
    enrich(0, reference, plan)
    for thread in others { thread?.join() }
  }

  private func enrich(_ partition: Int32, _ reference: ReferenceData, _ plan: DemandPlan) {
    let share = settings.historyBytesMax / settings.partitions
    var settings = EnrichLaneSettings(
      broker: broker, topics: topics, lane: lane(topics.orders, GroupNames.enrich), cacheBytes: share,
      seal: seal, reference: reference, plan: plan)
    settings.lane.takenPartitions = [partition]
    settings.lane.keepsStateAtEnd = false
    settings.lane.dirtyBytesMax = share / 40 * 39
    settings.collectBytesMax = self.settings.collectBytesMax / self.settings.partitions
    settings.residentBytesMax = self.settings.residentBytesMax
    let context = enrich[Int(partition)]
    guarded(context) {
      try runEnrichLane(settings, context: context) { counts in
        results.withLock { $0.enrichDeadLetters += counts.deadLetters }
      }
    }
  }

  /// While it is being read the file is fed already.
  private func loadReference() -> ReferenceData? {
    var loaded: ReferenceData?
    guarded(enrich[0]) {
      let (reference, problems) = try ReferenceFiles.load(directory: settings.reference, geo: settings.geo)
      for problem in problems { StandardStream.error.write("warning: \(problem)\n") }
      loaded = reference
    }
    // What reading the files took is not needed again.
    ProcessMemory.trim()
    return loaded
  }

  private func guarded(_ context: LaneContext, _ body: () throws -> Void) {
    do { try body() } catch {
      results.withLock { $0.failure = $0.failure ?? "\(error)" }
      context.stop()
    }
  }

  private func isBroken() -> Bool {
    results.withLock { $0.failure != nil } || contexts.contains { $0.failure != nil }
  }

  // MARK: Feeding

  private func feed(_ file: OrderFile, _ summary: inout TrialRunSummary) throws {
    let producer = try Producer(settings: broker.client)
    defer { producer.close(timeoutMs: 1000) }
    let intakeTopics = IntakeTopics(
      orders: try broker.topic(topics.orders, of: producer, readBy: GroupNames.enrich),
      deadLetters: try broker.topic(topics.deadLetters, of: producer, readBy: nil))
    guard let secret = IdentitySecret(bytes: [UInt8](repeating: 0x50, count: IdentitySecret.byteCount)) else {
      throw UserError("libsodium does not start")
    }
    let intake = OrderIntake(secret: secret, producer: producer, topics: intakeTopics, seal: seal)
    intake.onRefusal = { [letters] line, problems, bytes in letters.add(line, problems, bytes) }
    let watchesDeadlines = rules.demand.timedFacts.contains(where: \.isTruth)
    intake.latestEventTimeUs = watchesDeadlines ? .min : nil
    var bar = ProgressBar(
      title: "orders", total: file.byteCount > 0 ? file.byteCount : nil,
      isTerminal: StandardStream.error.isTerminal, nowMs: monotonicMs())
    while let line = try file.next() {
      _ = try intake.take(
        line, readableAfter: OrderFile.readableAfter, source: "file", position: file.lineNumber)
      summary.read += 1
      if summary.read % 128 == 0 {
        try pause(producer)
        show(&bar, file.bytesRead)
      }
    }
    if let end = intake.latestEventTimeUs { try markEnd(end, intakeTopics.orders, producer) }
    producer.flushPending()
    while !producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 200) {
      if isBroken() { try throwFailure() }
      if let failure = producer.failure { throw failure }
      show(&bar, file.bytesRead)
    }
    if settings.showsProgress {
      StandardStream.error.write(bar.finish(done: file.bytesRead, nowMs: monotonicMs()))
    }
    summary.deadLettered = intake.counts.refused
  }

  /// The clock of every partition comes to the same end (docs/design.md, "Deadlines").
  private func markEnd(_ instant: Int64, _ orders: TopicHandle, _ producer: Producer) throws {
    guard instant > .min else { return }
    for partition in 0..<Int32(settings.partitions) {
      _ = try ClockMark.value(at: instant).withUnsafeBytes {
        try producer.send(topic: orders, partition: partition, key: nil, value: $0)
      }
    }
  }

  private func show(_ bar: inout ProgressBar, _ bytes: Int) {
    guard settings.showsProgress, let text = bar.update(done: bytes, nowMs: monotonicMs()) else { return }
    StandardStream.error.write(text)
  }

  /// Never further ahead of the broker than this.
  private static let bufferedBytesMax = 8 << 20

  private func pause(_ producer: Producer) throws {
    while !producer.waitForRoom(maxBytes: Stages.bufferedBytesMax, timeoutMs: 200) {
      if isBroken() { try throwFailure() }
      if let failure = producer.failure { throw failure }
    }
    if isBroken() { try throwFailure() }
  }

  private func waitUntilDrained(_ summary: inout TrialRunSummary) throws {
    guard let progress = broker.progress else { return }
    while !progress.waitUntilDrained(timeoutMs: 200) {
      if isBroken() { try throwFailure() }
    }
  }
}
