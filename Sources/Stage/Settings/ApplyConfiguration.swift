/// `passflow-apply`
public struct ApplyConfiguration: StageConfiguration, Equatable {
  public enum FirstSeenShipped: String, Sendable, CaseIterable { case label, skip }

  public let common: CommonSettings
  public let state: StateSettings
  /// The local shop's file.
  public let shopPath: String
  public let firstSeenShipped: FirstSeenShipped

  private static let keys = CommonKeys(stage: "apply", port: 8_083)
  private static let stateKeys = StateKeys(stage: "apply")
  private static let shopKey = ConfigurationKey.choice(
    "apply.shop", ["local"], "local", "Where labels are written: local is a SQLite file.")
  private static let shopPathKey = ConfigurationKey.text(
    "apply.shop_path", "state/shop.sqlite", bytesMax: 4_096, "The local shop's file.")
  private static let firstSeenShippedKey = ConfigurationKey.choice(
    "apply.first_seen_shipped", FirstSeenShipped.allCases.map(\.rawValue), "label",
    "What becomes of an order that had left before PassFlow saw it: label it by its first decision, or skip it."
  )

  public static let schema = ConfigurationSchema(
    stage: "apply", keys: keys.all + stateKeys.all + [shopKey, shopPathKey, firstSeenShippedKey],
    relations: keys.relations + stateKeys.relations)

  public init(_ values: ConfigurationValues) {
    common = Self.keys.settings(values)
    state = Self.stateKeys.settings(values)
    shopPath = values.text(Self.shopPathKey)
    firstSeenShipped = FirstSeenShipped(rawValue: values.text(Self.firstSeenShippedKey)) ?? .label
  }
}
