import Files
import History
import Kafka
import RuleVersions
import Rules
public import Stage
import Topics

/// `passflow-enrich`: the stage as a process.
public func runEnrichService(_ configuration: EnrichConfiguration) -> ExitCode {
  let host = StageHost(settings: configuration.common)
  return host.run { context in
    let common = configuration.common
    let broker = try BrokerAccess.from(common.kafka, logLine: host.kafkaLogLine)
    let rules = try RuleFiles.book(configuration.rules)
    let (reference, problems) = try ReferenceFiles.load(directory: configuration.referenceDirectory)
    for problem in problems { host.log.warning("reference.line_left_out", .name("problem", problem)) }
    var topics = TopicNames(common.topics)
    topics.ruleDemands = configuration.ruleDemandsTopic
    let lane = try LaneSettings(
      inputTopic: topics.orders, kafka: common.kafka, stage: "enrich", state: configuration.state,
      changelogTopic: topics.enrichChangelog, broker: broker)
    var settings = EnrichLaneSettings(
      broker: broker, topics: topics, lane: lane,
      cacheBytes: lane.cacheBytesAPartition(of: configuration.state),
      seal: try host.deadLetterSeal(), reference: reference, plan: try demandPlan(of: rules))
    if configuration.rulesSource == .topic { settings.followedBase = rules }
    settings.report = demandReports(host)
    settings.stockMaxAgeHours = configuration.stockAgeHoursMax
    settings.idleAfterMs = configuration.idleAfterMs
    settings.isClockBounded = true
    settings.zoneOffsetMinutes = configuration.zoneOffsetSeconds / 60
    host.log.info(
      "rules.loaded", .integer("rules", rules.shared.rules.count), .name("rule_set", rules.shared.hash),
      .name("reference", reference.edition))
    try runEnrichLane(settings, context: context)
  }
}

/// What is computed for published rules, in the log and the metrics.
private func demandReports(_ host: StageHost) -> @Sendable (RuleReport) -> Void {
  let log = host.log
  let switches = host.metrics.counter(
    "passflow_demand_switches_total", "Partitions that began to compute what other published rules ask for.")
  let everyStage = RuleReportLog(log, host.metrics)
  return { report in
    switch report {
    case .read, .noTopic, .refused: everyStage.write(report)
    case .switched(let partition, let offset, let rulesEnd, _):
      switches.add()
      log.info(
        "demand.switched", .integer("partition", Int(partition)), .integer("offset", Int(offset)),
        .integer("rules_end", Int(rulesEnd)))
    case .claimed, .waiting, .waited: break
    }
  }
}
