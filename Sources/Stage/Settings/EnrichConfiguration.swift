/// `passflow-enrich`
public struct EnrichConfiguration: StageConfiguration, Equatable {
  public let common: CommonSettings
  public let ruleDemandsTopic: String
  public let state: StateSettings
  public let rulesSource: EvaluateConfiguration.RulesSource
  /// Files and directories of rules: which facts they ask for.
  public let rules: [String]
  public let referenceTopic: String
  /// Where reference data come from: imported editions, or only the directory.
  public let referenceSource: EvaluateConfiguration.RulesSource
  /// CSV files that count before the first imported edition, or nil.
  public let referenceDirectory: String?
  public let stockAgeHoursMax: Int
  /// Seconds that the shop's civil time is ahead of UTC.
  public let zoneOffsetSeconds: Int
  /// ms without inputs after which the wall clock moves a partition's deadlines; nil: never.
  public let idleAfterMs: Int?

  private static let keys = CommonKeys(
    stage: "enrich", port: 8_081, moreTopics: [CommonKeys.ruleDemands, referenceTopicKey])
  private static let referenceTopicKey = CommonKeys.topic(
    "reference", "reference", "Imported editions of reference data, compacted, one partition.")
  private static let stateKeys = StateKeys(stage: "enrich")
  private static let rulesKey = ConfigurationKey.list(
    "enrich.rules", ["config/rules", "config/templates"], countMax: 100,
    "Rule files, and directories of them: the facts that they ask for are computed.")
  private static let sourceKey = ConfigurationKey.choice(
    "enrich.rules_source", EvaluateConfiguration.RulesSource.allCases.map(\.rawValue),
    EvaluateConfiguration.RulesSource.topic.rawValue,
    "topic: what published rules ask for is computed as well, without a restart. files: only what the files above ask for."
  )
  private static let referenceSourceKey = ConfigurationKey.choice(
    "enrich.reference_source", EvaluateConfiguration.RulesSource.allCases.map(\.rawValue),
    EvaluateConfiguration.RulesSource.topic.rawValue,
    "topic: editions that 'passflow reference import' brings take effect without a restart. files: only the directory below."
  )
  private static let directoryKey = ConfigurationKey.text(
    "enrich.reference_directory", "", bytesMax: 4_096,
    "A directory of zones.csv, lists.csv, stock.csv, holidays.csv, geo.csv: what counts before the first imported edition, and for the kinds of file that an edition has none of. The same for all instances. Empty: none."
  )
  private static let stockKey = ConfigurationKey.integer(
    "enrich.stock_max_age_hours", 1...8_760, 24, "Stock counted longer ago than this is not known.")
  private static let zoneKey = ConfigurationKey.text(
    "enrich.zone_offset", "+09:00", bytesMax: 6,
    "How far the shop's civil time is ahead of UTC, as +HH:MM or -HH:MM.")
  private static let idleKey = ConfigurationKey.integer(
    "enrich.timers_idle_after_ms", 0...86_400_000, 60_000,
    "A partition without orders for so long goes by the wall clock for what is overdue. 0: never.")

  public static let schema = ConfigurationSchema(
    stage: "enrich",
    keys: keys.all + stateKeys.all + [
      rulesKey, sourceKey, referenceSourceKey, directoryKey, stockKey, zoneKey, idleKey,
    ],
    relations: keys.relations + stateKeys.relations + [
      ConfigurationRelation([zoneKey]) { values in
        guard offsetSeconds(values.text(zoneKey)) == nil else { return [] }
        return [values.problem(zoneKey, "is no offset", allowed: "-12:00 to +14:00, as +09:00")]
      }
    ])

  public init(_ values: ConfigurationValues) {
    common = Self.keys.settings(values)
    ruleDemandsTopic = values.text(CommonKeys.ruleDemands)
    rulesSource = EvaluateConfiguration.RulesSource(rawValue: values.text(Self.sourceKey)) ?? .topic
    state = Self.stateKeys.settings(values)
    rules = values.list(Self.rulesKey)
    referenceTopic = values.text(Self.referenceTopicKey)
    referenceSource =
      EvaluateConfiguration.RulesSource(rawValue: values.text(Self.referenceSourceKey)) ?? .topic
    referenceDirectory = values.optional(Self.directoryKey)
    stockAgeHoursMax = values.integer(Self.stockKey)
    let idle = values.integer(Self.idleKey)
    idleAfterMs = idle > 0 ? idle : nil
    zoneOffsetSeconds = Self.offsetSeconds(values.text(Self.zoneKey)) ?? 32_400
  }

  static func offsetSeconds(_ text: String) -> Int? {
    let bytes = Array(text.utf8)
    guard bytes.count == 6, bytes[3] == UInt8(ascii: ":") else { return nil }
    guard bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-") else { return nil }
    let digits = [bytes[1], bytes[2], bytes[4], bytes[5]]
    guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let numbers = digits.map { Int($0) - 0x30 }
    let minutes = numbers[2] * 10 + numbers[3]
    guard minutes < 60 else { return nil }
    let total = (numbers[0] * 10 + numbers[1]) * 60 + minutes
    let signed = bytes[0] == UInt8(ascii: "-") ? -total : total
    return (-720...840).contains(signed) ? signed * 60 : nil
  }
}
