/// `passflow-evaluate`
public struct EvaluateConfiguration: StageConfiguration, Equatable {
  public let common: CommonSettings
  /// Files and directories of rules.
  public let rules: [String]
  public let batchMax: Int
  public let lingerMs: Int

  private static let keys = CommonKeys(stage: "evaluate", port: 8_082)
  private static let rulesKey = ConfigurationKey.list(
    "evaluate.rules", ["config/rules", "config/templates"], countMax: 100,
    "Rule files, and directories of them.")
  private static let batchMaxKey = ConfigurationKey.integer(
    "evaluate.batch_max", 1...65_536, 2_048, "Orders evaluated at a time.")
  private static let lingerMsKey = ConfigurationKey.integer(
    "evaluate.linger_ms", 0...1_000, 2,
    "How long a batch that is not full waits for more. Longer costs latency and saves work.")

  public static let schema = ConfigurationSchema(
    stage: "evaluate", keys: keys.all + [rulesKey, batchMaxKey, lingerMsKey], relations: keys.relations)

  public init(_ values: ConfigurationValues) {
    common = Self.keys.settings(values)
    rules = values.list(Self.rulesKey)
    batchMax = values.integer(Self.batchMaxKey)
    lingerMs = values.integer(Self.lingerMsKey)
  }
}
