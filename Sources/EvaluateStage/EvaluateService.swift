import Files
import Kafka
import Rules
public import Stage
import Topics

/// `passflow-evaluate`: the stage as a process.
public func runEvaluateService(_ configuration: EvaluateConfiguration) -> ExitCode {
  let host = StageHost(settings: configuration.common)
  return host.run { context in
    let common = configuration.common
    let broker = try BrokerAccess.from(common.kafka, logLine: host.kafkaLogLine)
    let ruleSet = try RuleFiles.load(configuration.rules)
    let topics = TopicNames(common.topics)
    var lane = LaneSettings(
      inputTopic: topics.enriched, groupId: common.kafka.groupID, usesGroup: !broker.isEmbedded,
      durability: .scratch)
    lane.batchMax = configuration.batchMax
    lane.pollTimeoutMs = max(configuration.lingerMs, 1)
    lane.commitIntervalMs = broker.isEmbedded ? 20 : 200
    if broker.isEmbedded { lane.inputPartitions = try broker.partitionCount(topics.enriched) }
    host.log.info(
      "rules.loaded", .integer("rules", ruleSet.rules.count), .name("rule_set", ruleSet.hash))
    try runEvaluateLane(
      EvaluateLaneSettings(
        broker: broker, topics: topics, lane: lane, seal: try host.deadLetterSeal(), ruleSet: ruleSet),
      context: context)
  }
}
