import Files
import Glibc
import IngestStage
import Kafka
import Orders
import Rules
import Shop
import Stage
import Topics

/// What `passflow demo` was asked to do.
public struct DemonstrationSettings: Sendable {
  public var orders: String
  public var reference: String
  /// An IP table in place of the folder's own, when it is there.
  public var geo: String?
  /// Folder for state, logs and configuration; emptied at the start.
  public var work: String
  public var partitions = 4
  /// Orders shown in the list.
  public var listed = 14

  public init(orders: String, reference: String, work: String) {
    self.orders = orders
    self.reference = reference
    self.work = work
  }
}

/// The four executables as processes on the embedded broker, fed with sample orders, and what came of it.
public final class Demonstration {
  private let settings: DemonstrationSettings
  private let topics = TopicNames()
  private var children: [ChildProcess] = []
  private let say: (String) -> Void
  private let isInterrupted = LaneContext()

  public init(_ settings: DemonstrationSettings, say: @escaping (String) -> Void) {
    self.settings = settings
    self.say = say
  }

  /// Runs to the end and stops everything it started, whatever happens.
  public func run() throws {
    defer { stopAll() }
    let shutdown = Shutdown(deadlineMs: 20_000) { [isInterrupted] in isInterrupted.stop() }
    shutdown.install()
    defer { shutdown.finished() }
    let ruleSet = try RuleFiles.load([])
    try prepareFolder()
    let broker = try EmbeddedBroker(
      topics: TopicPlans.all(partitions: settings.partitions, replication: 1).map { ($0.name, $0.partitions) }
    )
    defer { broker.close() }
    let access = BrokerAccess(
      client: ClientSettings(bootstrap: broker.bootstrap, clientId: "passflow-demo"), isEmbedded: true)
    say("Embedded broker on \(broker.bootstrap), \(settings.partitions) partitions a topic\n")
    let started = monotonicMs()
    try startStages(broker.bootstrap)
    say(
      "Four processes: passflow-enrich, passflow-evaluate and passflow-apply ready, passflow-ingest feeding\n"
    )
    let meter = LatencyMeter()
    meter.start(broker: access, topics: topics)
    let (lines, seconds) = try feed(broker.bootstrap, access)
    meter.stop(after: lines, withinMs: 10_000)
    stopAll()
    try checkExits()
    try show(meter.reading, ruleSet, lines: lines, seconds: seconds)
    say("Everything that was started has ended; took \((monotonicMs() - started) / 1000) s. ")
    say("Logs and state: \(settings.work)\n")
  }

  // MARK: Processes

  private func prepareFolder() throws {
    for name in ["ingest", "enrich", "apply", ""] { Files.removeDirectory(settings.work + "/" + name) }
    try Files.makeDirectory(settings.work)
  }

  private func variables(_ bootstrap: String, _ stage: String) -> [String: String] {
    [
      "PASSFLOW_KAFKA_BOOTSTRAP": "embedded@\(bootstrap)", "PASSFLOW_HTTP_PORT": "0",
      "PASSFLOW_STATE_DIRECTORY": settings.work + "/" + stage,
      "PASSFLOW_DEAD_LETTERS_KEY_FILE": settings.work + "/dead-letter.key",
      "PASSFLOW_STATE_COMMIT_INTERVAL_MS": "50", "PASSFLOW_STATE_CHECKPOINT_INTERVAL_MS": "1000",
    ]
  }

  private func start(
    _ stage: String, _ bootstrap: String, _ more: [String: String], _ arguments: [String] = []
  )
    throws -> ChildProcess
  {
    let log = settings.work + "/\(stage).log"
    let known = try Demonstration.accepted(stage)
    let wanted = variables(bootstrap, stage).merging(more) { $1 }.filter { known.contains($0.key) }
    let child = try ChildProcess(
      name: stage, path: Demonstration.program(stage), arguments: arguments, variables: wanted, log: log)
    children.append(child)
    return child
  }

  /// Variables that the stage's configuration knows; an unknown one would be an error there.
  private static func accepted(_ stage: String) throws -> Set<String> {
    let schema: ConfigurationSchema
    switch stage {
    case "ingest": schema = IngestConfiguration.schema
    case "enrich": schema = EnrichConfiguration.schema
    case "evaluate": schema = EvaluateConfiguration.schema
    default: schema = ApplyConfiguration.schema
    }
    return Set(schema.keys.map(\.environmentName))
  }

  /// The stage's executable beside our own.
  private static func program(_ stage: String) throws -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let own = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let folder = own.split(separator: "/").dropLast().joined(separator: "/")
    let path = "/\(folder)/passflow-\(stage)"
    guard Files.exists(path) else { throw UserError("\(path) is not there: build it with 'make build'") }
    return path
  }

  private func startStages(_ bootstrap: String) throws {
    let configuration = Files.shippedConfiguration() ?? "config"
    let rules = "\(configuration)/rules,\(configuration)/templates"
    var reference = settings.reference
    if let geo = settings.geo, Files.exists(geo) {
      reference = settings.work + "/reference"
      Files.removeDirectory(reference)
      try Files.makeDirectory(reference)
      for name in Files.names(in: settings.reference) where name.hasSuffix(".csv") && name != "geo.csv" {
        symlink(try absolute(settings.reference + "/" + name), reference + "/" + name)
      }
      symlink(try absolute(geo), reference + "/geo.csv")
    }
    _ = try start(
      "enrich", bootstrap,
      ["PASSFLOW_ENRICH_RULES": rules, "PASSFLOW_ENRICH_REFERENCE_DIRECTORY": reference])
    _ = try start("evaluate", bootstrap, ["PASSFLOW_EVALUATE_RULES": rules])
    _ = try start("apply", bootstrap, ["PASSFLOW_APPLY_SHOP_PATH": settings.work + "/shop.sqlite"])
  }

  private func absolute(_ path: String) throws -> String {
    guard let full = realpath(path, nil) else { throw UserError("\(path) is not there") }
    defer { free(full) }
    return String(cString: full)
  }

  private func stopAll() {
    for child in children { child.terminate() }
    for child in children { child.wait(milliseconds: 12_000) }
  }

  private func checkExits() throws {
    for child in children where child.poll() != 0 {
      throw UserError(
        "passflow-\(child.name) ended with \(child.poll() ?? -1); see \(settings.work)/\(child.name).log")
    }
  }

  // MARK: Feeding

  private func feed(_ bootstrap: String, _ access: BrokerAccess) throws -> (lines: Int, seconds: Double) {
    let total = try countLines()
    let started = monotonicUs()
    let ingest = try start(
      "ingest", bootstrap, ["PASSFLOW_CONTEXT_JOIN": "false"],
      ["--orders", settings.orders, "--exit-when-done"])
    let progress = try PipelineProgress(
      broker: access,
      hops: [
        .init(topic: topics.orders, group: GroupNames.enrich),
        .init(topic: topics.enriched, group: GroupNames.evaluate),
        .init(topic: topics.decisions, group: GroupNames.apply),
      ])
    defer { progress.close() }
    var bar = ProgressBar(
      title: "decided", total: total, isTerminal: StandardStream.output.isTerminal, nowMs: monotonicMs())
    func look(_ lags: [PipelineProgress.Lag]) -> Bool {
      if let text = bar.update(done: min(Int(lags[2].done), total), nowMs: monotonicMs()) { say(text) }
      return !isInterrupted.isStopping && children.allSatisfy { $0.name == "ingest" || $0.poll() == nil }
    }
    while ingest.poll() == nil {
      if try !look(progress.lags()) { try giveUp() }
      usleep(20_000)
    }
    guard ingest.poll() == 0 else {
      try checkExits()
      return (total, 0)
    }
    if try !progress.waitUntilDrained(pollMs: 20, watch: look) { try giveUp() }
    let seconds = Double(monotonicUs() - started) / 1_000_000
    say(bar.finish(done: total, nowMs: monotonicMs()))
    return (total, seconds)
  }

  private func giveUp() throws {
    if isInterrupted.isStopping { throw UserError("interrupted") }
    try checkExits()
    throw UserError("a stage has ended; see the logs in \(settings.work)")
  }

  private func countLines() throws -> Int {
    let file = try OrderFile(path: settings.orders)
    var count = 0
    while try file.next() != nil { count += 1 }
    return count
  }

  // MARK: Showing

  private func show(_ reading: LatencyMeter.Reading, _ ruleSet: RuleSet, lines: Int, seconds: Double) throws {
    let shop = try LocalShop(path: settings.work + "/shop.sqlite")
    var glimpses: [String: OrderGlimpse] = [:]
    let file = try OrderFile(path: settings.orders)
    let reader = OrderGlimpseReader()
    while let line = try file.next() {
      if let glimpse = reader.read(line) { glimpses[glimpse.orderId] = glimpse }
    }
    var labels: [String: [ItemLabel]] = [:]
    var counts: [String: Int] = [:]
    for (id, glimpse) in glimpses {
      let found = try shop.labels(
        of: OrderIdentity(mallId: glimpse.mallId, shopNo: glimpse.shopNo, orderId: id))
      labels[id] = found
      for label in Set(found.map(\.label)) { counts[label, default: 0] += 1 }
    }
    showList(glimpses, labels)
    say("\nOrders by label, of \(glimpses.count):\n")
    for (label, count) in counts.sorted(by: { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value })
    {
      say("  \(count)\t\(label)\n")
    }
    explainOne(reading, labels, ruleSet)
    showFigures(reading, lines: lines, seconds: seconds)
  }

  private func showList(_ glimpses: [String: OrderGlimpse], _ labels: [String: [ItemLabel]]) {
    let newest = glimpses.values.sorted { ($0.placedAt, $0.orderId) > ($1.placedAt, $1.orderId) }
    // The newest orders, those with several labels first: a list of bare orders shows nothing.
    let rich = newest.filter { Set((labels[$0.orderId] ?? []).map(\.label)).count >= 2 }
    var list = OrderList()
    for glimpse in rich.prefix(settings.listed) { list.add(glimpse, labels: labels[glimpse.orderId] ?? []) }
    say("\nThe shop's order list (the newest orders with two labels or more):\n\(list.text)")
  }

  private func explainOne(
    _ reading: LatencyMeter.Reading, _ labels: [String: [ItemLabel]], _ ruleSet: RuleSet
  ) {
    let candidates = labels.filter { !$0.value.isEmpty }.map { (Set($0.value.map(\.label)), $0.key) }
    let chosen =
      candidates.filter { $0.0.contains("고위험주문") }.map(\.1).min()
      ?? candidates.max { ($0.0.count, $0.1) < ($1.0.count, $1.1) }?.1
    guard let chosen, let bytes = reading.decisions[chosen], let decision = DecisionValue(protobuf: bytes)
    else {
      return
    }
    say("\nWhy one order carries its labels:\n")
    for line in DecisionText.lines(decision, ruleSet: ruleSet) { say("  \(line)\n") }
  }

  private func showFigures(_ reading: LatencyMeter.Reading, lines: Int, seconds: Double) {
    let sorted = reading.latencies.sorted()
    func quantile(_ share: Double) -> Int64 {
      sorted.isEmpty ? 0 : sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)]
    }
    let rate = seconds > 0 ? Int(Double(lines) / seconds) : 0
    say(
      "\n\(lines) snapshots in \(Double(Int(seconds * 100)) / 100) s: \(rate) snapshots/s through four processes\n"
    )
    say("order → decision while feeding flat out: p50 \(quantile(0.5)) ms, p99 \(quantile(0.99)) ms ")
    say("(\(sorted.count) measured, queueing included)\n")
  }
}
