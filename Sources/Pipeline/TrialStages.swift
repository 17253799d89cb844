import ApplyStage
import EnrichStage
import EvaluateStage
import Files
import History
import IngestStage
import Kafka
import Rules
import Stage
import Synchronization
import Topics

/// The four lanes of one trial run.
final class TrialStages: Sendable {
  let settings: TrialRunSettings
  let broker: BrokerAccess
  let topics: TopicNames
  let rules: RuleBook
  private let stateDirectory: String
  let seal: DeadLetterSeal
  let letters: DeadLetterFile
  /// A lane for each partition: no customer is in two of them.
  private let enrich: [LaneContext]
  private let evaluate = LaneContext()
  private let apply = LaneContext()
  private let results = Mutex(Results())
  private let threads = Mutex<[NativeThread]>([])

  private struct Results {
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

  func throwFailure() throws {
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

  func isBroken() -> Bool {
    results.withLock { $0.failure != nil } || contexts.contains { $0.failure != nil }
  }
}
