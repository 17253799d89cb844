import Files
import Kafka
import RuleVersions
import Rules
public import Stage
import Topics

/// `passflow-evaluate`: the stage as a process.
public func runEvaluateService(_ configuration: EvaluateConfiguration) -> ExitCode {
  let host = StageHost(settings: configuration.common)
  return host.run { context in
    let common = configuration.common
    let broker = try BrokerAccess.from(common.kafka, logLine: host.kafkaLogLine)
    let rules = try RuleFiles.book(configuration.rules)
    var topics = TopicNames(common.topics)
    topics.ruleSwitches = configuration.ruleSwitchesTopic
    topics.ruleDemands = configuration.ruleDemandsTopic
    var lane = LaneSettings(
      inputTopic: topics.enriched, groupId: common.kafka.groupID, usesGroup: !broker.isEmbedded,
      durability: .scratch)
    lane.batchMax = configuration.batchMax
    lane.pollTimeoutMs = max(configuration.lingerMs, 1)
    lane.commitIntervalMs = broker.isEmbedded ? 20 : 200
    if broker.isEmbedded { lane.inputPartitions = try broker.partitionCount(topics.enriched) }
    host.log.info(
      "rules.loaded", .integer("rules", rules.shared.rules.count), .name("rule_set", rules.shared.hash),
      .integer("malls_and_shops", rules.own.count))
    var settings = EvaluateLaneSettings(
      broker: broker, topics: topics, lane: lane, seal: try host.deadLetterSeal(), rules: rules)
    settings.followsRules = configuration.rulesSource == .topic
    settings.enrichWaitMs = configuration.enrichWaitMs
    settings.report = ruleReports(host)
    try runEvaluateLane(settings, context: context)
  }
}

/// Published rules in the log and the metrics.
private func ruleReports(_ host: StageHost) -> @Sendable (RuleReport) -> Void {
  let log = host.log
  let switches = host.metrics.counter(
    "passflow_rule_switches_total", "Partitions switched to other published rules.")
  let everyStage = RuleReportLog(log, host.metrics)
  let waiting = host.metrics.gauge(
    "passflow_rules_waiting_partitions",
    "Partitions of orders whose enrich does not yet compute what published rules ask for.")
  return { report in
    switch report {
    case .read, .noTopic, .refused: everyStage.write(report)
    case .claimed(let partition, let rulesEnd, let shared):
      log.info(
        "rules.claimed", .integer("partition", Int(partition)), .integer("rules_end", Int(rulesEnd)),
        .name("shared", shared.isEmpty ? "configuration" : shared))
    case .switched(let partition, let offset, let rulesEnd, let shared):
      switches.add()
      log.info(
        "rules.switched", .integer("partition", Int(partition)), .integer("offset", Int(offset)),
        .integer("rules_end", Int(rulesEnd)), .name("shared", shared.isEmpty ? "configuration" : shared))
    case .waiting(let rulesEnd, let facts, let partitions, let waitedMs):
      waiting.set(max(partitions.count, 1))
      let list = partitions.map { "\($0)" }.joined(separator: ",")
      log.warning(
        "rules.waiting", .integer("rules_end", Int(rulesEnd)), .integer("waited_ms", waitedMs),
        .name("for_facts", facts.joined(separator: ", ")),
        .name(
          "for_enrich_on_partitions",
          partitions.isEmpty ? "none has ever said that it follows topic rules" : list))
    case .waited(let rulesEnd, let waitedMs, let isReached):
      waiting.set(0)
      let fields: [LogField] = [
        .integer("rules_end", Int(rulesEnd)), .integer("waited_ms", waitedMs),
      ]
      log.write(isReached ? .info : .warning, isReached ? "rules.waited" : "rules.not_waited_for", fields)
    }
  }
}
