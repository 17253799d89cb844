/// `passflow-evaluate`
public struct EvaluateConfiguration: StageConfiguration, Equatable {
  public enum RulesSource: String, Sendable, CaseIterable { case topic, files }

  public let common: CommonSettings
  public let ruleSwitchesTopic: String
  public let ruleDemandsTopic: String
  public let rulesSource: RulesSource
  /// Files and directories of rules.
  public let rules: [String]
  public let batchMax: Int
  public let lingerMs: Int
  /// ms that published rules wait for enrich at most.
  public let enrichWaitMs: Int

  private static let switchesKey = CommonKeys.topic(
    "rules_switches", "rules.switches", "Where each partition switched its rules, compacted.")
  private static let keys = CommonKeys(
    stage: "evaluate", port: 8_082, moreTopics: [switchesKey, CommonKeys.ruleDemands])
  private static let sourceKey = ConfigurationKey.choice(
    "evaluate.rules_source", RulesSource.allCases.map(\.rawValue), RulesSource.topic.rawValue,
    "topic: what 'passflow rules activate' put in force goes before the rule files below. files: only they count."
  )
  private static let rulesKey = ConfigurationKey.list(
    "evaluate.rules", ["config/rules", "config/templates"], countMax: 100,
    "Rule files, and directories of them.")
  private static let batchMaxKey = ConfigurationKey.integer(
    "evaluate.batch_max", 1...65_536, 2_048, "Orders evaluated at a time.")
  private static let lingerMsKey = ConfigurationKey.integer(
    "evaluate.linger_ms", 0...1_000, 2,
    "How long a batch that is not full waits for more. Longer costs latency and saves work.")

  private static let enrichWaitKey = ConfigurationKey.integer(
    "evaluate.enrich_wait_ms", 0...3_600_000, 60_000,
    "How long published rules wait at most until enrich computes every fact that they ask for. 0: not at all."
  )

  public static let schema = ConfigurationSchema(
    stage: "evaluate", keys: keys.all + [rulesKey, sourceKey, batchMaxKey, lingerMsKey, enrichWaitKey],
    relations: keys.relations)

  public init(_ values: ConfigurationValues) {
    common = Self.keys.settings(values)
    ruleSwitchesTopic = values.text(Self.switchesKey)
    ruleDemandsTopic = values.text(CommonKeys.ruleDemands)
    enrichWaitMs = values.integer(Self.enrichWaitKey)
    rulesSource = RulesSource(rawValue: values.text(Self.sourceKey)) ?? .topic
    rules = values.list(Self.rulesKey)
    batchMax = values.integer(Self.batchMaxKey)
    lingerMs = values.integer(Self.lingerMsKey)
  }
}
