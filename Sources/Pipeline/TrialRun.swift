public import ApplyStage
import Files
import IngestStage
import Kafka
import Orders
import Rules
import Stage
import Store

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
    let run = try TrialStages(
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
