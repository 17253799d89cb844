import Kafka
public import Stage
import Topics

/// `passflow-apply`: the stage as a process.
public func runApplyService(_ configuration: ApplyConfiguration) -> ExitCode {
  let host = StageHost(settings: configuration.common)
  return host.run { context in
    let common = configuration.common
    let broker = try BrokerAccess.from(common.kafka, logLine: host.kafkaLogLine)
    let topics = TopicNames(common.topics)
    let lane = try LaneSettings(
      inputTopic: topics.decisions, kafka: common.kafka, stage: "apply", state: configuration.state,
      changelogTopic: topics.applyChangelog, broker: broker)
    try makeDirectories(above: configuration.shopPath)
    var settings = ApplyLaneSettings(
      broker: broker, topics: topics, lane: lane,
      cacheBytes: lane.cacheBytesAPartition(of: configuration.state),
      seal: try host.deadLetterSeal(), shop: .local(path: configuration.shopPath))
    settings.options.firstSeenShipped = configuration.firstSeenShipped == .skip ? .skip : .label
    try runApplyLane(settings, context: context)
  }
}
