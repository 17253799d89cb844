import Files
import History
import Kafka
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
    let topics = TopicNames(common.topics)
    let lane = try LaneSettings(
      inputTopic: topics.orders, kafka: common.kafka, stage: "enrich", state: configuration.state,
      changelogTopic: topics.enrichChangelog, broker: broker)
    var settings = EnrichLaneSettings(
      broker: broker, topics: topics, lane: lane,
      cacheBytes: lane.cacheBytesAPartition(of: configuration.state),
      seal: try host.deadLetterSeal(), reference: reference, demand: try factDemand(of: rules))
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
