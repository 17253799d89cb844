public import HTTP
public import Kafka
import Synchronization
public import Topics

/// Runs one stage as a process: signals, log, health, metrics, its HTTP server, its lane, drain, exit code.
public final class StageHost: Sendable {
  public let settings: CommonSettings
  public let log: Log
  public let metrics = Metrics()
  public let health: Health
  public let context: LaneContext
  private let refreshes = Mutex<[@Sendable () -> Void]>([])

  public init(settings: CommonSettings) {
    self.settings = settings
    let log = Log(stage: settings.stage, level: settings.logLevel)
    let health = Health(stage: settings.stage)
    self.log = log
    self.health = health
    context = LaneContext { StageHost.note($0, log, health) }
  }

  /// Called before each answer to `/metrics`.
  public func onScrape(_ refresh: @escaping @Sendable () -> Void) {
    refreshes.withLock { $0.append(refresh) }
  }

  /// Runs until SIGTERM or SIGINT, or until the lane ends by itself.
  public func run(routes: [HTTPRoute] = [], lane: @escaping @Sendable (LaneContext) throws -> Void)
    -> ExitCode
  {
    let shutdown = Shutdown(deadlineMs: settings.drainDeadlineMs) { [context, health] in
      health.become(.draining)
      context.stop()
    }
    shutdown.install()
    addLaneMetrics()
    let server: HTTPServer
    do throws(HTTPServerError) {
      server = try HTTPServer(
        host: settings.http.host, port: settings.http.port, limits: settings.http.limits,
        routes: ownRoutes() + routes)
    } catch {
      log.error("http.failed", .name("problem", "\(error)"))
      return .failure
    }
    log.info("stage.started", .integer("port", Int(server.port)))
    let thread = NativeThread(name: settings.stage) { [context] in
      do { try lane(context) } catch { context.fail("\(error)") }
    }
    guard let thread else { return .failure }
    thread.join()
    server.stop(withinMs: 2_000)
    health.become(.stopped)
    shutdown.finished()
    if context.failure != nil { return .failure }
    log.info("stage.stopped")
    return .success
  }

  /// librdkafka's warnings and errors as log events.
  public var kafkaLogLine: @Sendable (LogLine) -> Void {
    { [log] line in
      guard line.level <= 4 else { return }
      log.warning("kafka.log", .name("facility", line.facility), .name("text", line.text))
    }
  }

  /// The installation's dead-letter key, made at the first start.
  public func deadLetterSeal() throws -> DeadLetterSeal {
    try makeDirectories(above: settings.deadLetterKeyFile)
    guard let seal = DeadLetterSeal(key: try KeyFile.readOrCreate(settings.deadLetterKeyFile).bytes) else {
      throw StageStartError("the dead-letter key has a wrong length: \(settings.deadLetterKeyFile)")
    }
    return seal
  }

  private func ownRoutes() -> [HTTPRoute] {
    health.routes(metrics).filter { $0.pattern != "/metrics" } + [
      HTTPRoute(.get, "/metrics") { [self] request in
        for refresh in refreshes.withLock({ $0 }) { refresh() }
        request.respond(
          status: 200, headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
          body: Array(metrics.exposition().utf8))
      }
    ]
  }

  private func addLaneMetrics() {
    let handled = metrics.gauge("passflow_inputs_handled", "Records handled since the start.")
    let commits = metrics.gauge("passflow_state_commits", "State commits since the start.")
    let restored = metrics.gauge("passflow_restored_records", "Changelog records read to restore state.")
    let owned = metrics.gauge("passflow_partitions_owned", "Input partitions held by this instance.")
    let uncommitted = metrics.gauge(
      "passflow_inputs_uncommitted", "Records handled since the last state commit.")
    addStandbyMetrics()
    onScrape { [context] in
      handled.set(Int(context.handled.load(ordering: .relaxed)))
      commits.set(Int(context.stateCommits.load(ordering: .relaxed)))
      restored.set(Int(context.restoredRecords.load(ordering: .relaxed)))
      owned.set(context.ownedPartitions.load(ordering: .relaxed))
      uncommitted.set(context.uncommitted.load(ordering: .relaxed))
    }
  }

  private static func note(_ report: LaneReport, _ log: Log, _ health: Health) {
    switch report {
    case .condition(let condition):
      switch condition {
      case .starting: break
      case .restoring: health.become(.restoring)
      case .ready: health.become(.ready)
      case .draining: health.become(.draining)
      case .stopped: break
      case .failed: health.fail("the lane has stopped; see the log")
      }
    case .assigned(let partition, let offset, let restored):
      log.info(
        "partition.assigned", .integer("partition", Int(partition)), .integer("offset", Int(offset)),
        .integer("restored", Int(restored)))
    case .revoked(let partition, let lost):
      log.info("partition.revoked", .integer("partition", Int(partition)), .flag("lost", lost))
    case .stateRebuilt(let partition, let reason):
      log.warning("state.rebuilt", .integer("partition", Int(partition)), .name("reason", reason))
    case .inputSkipped(let partition, let from, let to):
      log.warning(
        "input.skipped", .integer("partition", Int(partition)), .integer("from", Int(from)),
        .integer("to", Int(to)))
    case .standby(let partition, let change): change.note(partition, log)
    case .commitRepeated(let reason): log.warning("state.commit_repeated", .name("reason", reason))
    case .clientError(let text): log.warning("kafka.client", .name("problem", text))
    case .failed(let text): log.error("stage.failed", .name("problem", text))
    }
  }
}
