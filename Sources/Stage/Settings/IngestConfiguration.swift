/// `passflow-ingest`
public struct IngestConfiguration: StageConfiguration, Equatable {
  public let common: CommonSettings
  /// NDJSON files to read beside HTTP; `--orders` adds to them.
  public private(set) var files: [String]
  /// End when the files are read and acknowledged.
  public private(set) var exitsWhenDone = false
  /// The only malls whose orders are taken; empty takes every mall.
  public let malls: [String]
  public let webhooksTopic: String
  public let contextTopic: String
  public let contextChangelogTopic: String
  /// Whether orders and beacons are joined here.
  public let joinsContext: Bool
  /// Of the join.
  public let state: StateSettings
  public let bodyBytesMax: Int
  public let lineBytesMax: Int
  public let unacknowledgedMax: Int
  public let unacknowledgedBytesMax: Int
  public let acknowledgementTimeoutMs: Int
  /// Webhook keys by mall; secret.
  public let webhookKeys: [ConfigurationPair]
  /// A YAML file of the same form, or nil.
  public let webhookKeysFile: String?
  /// What customers' identities are hashed with; nil: the file below holds it. Secret.
  public let identitySecret: String?
  public let identitySecretFile: String

  private static let webhooksKey = CommonKeys.topic(
    "webhooks", "webhooks", "Webhooks whose orders are not read back yet, encrypted.")
  private static let contextKey = CommonKeys.topic(
    "order_context", "order.context", "Addresses that a storefront tells for an order.")
  private static let keys = CommonKeys(
    stage: "ingest", port: 8_080, moreTopics: [webhooksKey, contextKey, contextChangelogKey])
  private static let contextChangelogKey = CommonKeys.topic(
    "context_changelog", "ingest.context", "The state of the join of orders and addresses, compacted.")
  private static let stateKeys = StateKeys(stage: "ingest", hasStandby: false)
  private static let joinKey = ConfigurationKey(
    "context.join", .boolean, default: .boolean(true),
    "Hand the addresses of order_context on to their orders: each order without an address of its own then leaves a record there. The same for every ingest of a pipeline. False: they are kept for a day and used by nobody."
  )
  private static let mallsKey = ConfigurationKey.list(
    "ingest.malls", countMax: 100_000, "The malls whose orders are taken. Empty: every mall's.")
  private static let filesKey = ConfigurationKey.list(
    "ingest.files", countMax: 1_000, "NDJSON files of orders to read at the start, one order a line.")
  private static let bodyBytesMaxKey = ConfigurationKey.integer(
    "ingest.body_bytes_max", 1_024...67_108_864, 2_097_152,
    "The largest body of a request; more is answered 413.")
  private static let lineBytesMaxKey = ConfigurationKey.integer(
    "ingest.line_bytes_max", 1_024...67_108_864, 1_048_576,
    "The longest order, as a body or as one line of a file; more is refused by itself, the rest goes on.")
  private static let unacknowledgedMaxKey = ConfigurationKey.integer(
    "ingest.unacknowledged_max", 1...1_000_000, 20_000,
    "Orders sent that the broker has not acknowledged yet; at this number HTTP answers 503 and files pause.")
  private static let unacknowledgedBytesMaxKey = ConfigurationKey.integer(
    "ingest.unacknowledged_bytes_max", 1_048_576...17_179_869_184, 134_217_728,
    "The same for their bytes: what may wait in memory for the broker.")
  private static let acknowledgementTimeoutMsKey = ConfigurationKey.integer(
    "ingest.acknowledgement_timeout_ms", 100...300_000, 10_000,
    "How long a request waits for the broker's acknowledgement before it is answered 503.")
  private static let webhookKeysKey = ConfigurationKey.map(
    "ingest.webhook_api_keys", countMax: 10_000, secret: true,
    "The X-API-Key that each mall's webhooks carry: mall id to key.")
  private static let webhookKeysFileKey = ConfigurationKey.text(
    "ingest.webhook_api_keys_file", "", bytesMax: 4_096,
    "A YAML file with the same mapping instead. Empty: none.")
  private static let identitySecretKey = ConfigurationKey.text(
    "ingest.identity_secret", "", bytesMax: 1_024, secret: true,
    "What customers' identities are hashed with, at least 16 bytes, the same for every ingest of a pipeline. Empty: the file below holds it. Better in the environment than in a file."
  )
  private static let identitySecretFileKey = ConfigurationKey.text(
    "ingest.identity_secret_file", "state/identity.key", bytesMax: 4_096,
    "A file of 32 bytes that holds it; made with random bytes when it is not there.")

  public static let schema = ConfigurationSchema(
    stage: "ingest",
    keys: keys.all + stateKeys.all + [joinKey] + [
      filesKey, mallsKey, bodyBytesMaxKey, lineBytesMaxKey, unacknowledgedMaxKey, unacknowledgedBytesMaxKey,
      acknowledgementTimeoutMsKey, webhookKeysKey, webhookKeysFileKey, identitySecretKey,
      identitySecretFileKey,
    ],
    relations: keys.relations + stateKeys.relations + [
      ConfigurationRelation([bodyBytesMaxKey, lineBytesMaxKey]) { values in
        guard values.integer(lineBytesMaxKey) > values.integer(bodyBytesMaxKey) else { return [] }
        return [values.problem(lineBytesMaxKey, "is larger than ingest.body_bytes_max")]
      },
      ConfigurationRelation([webhookKeysKey, webhookKeysFileKey]) { values in
        guard !values.map(webhookKeysKey).isEmpty, values.optional(webhookKeysFileKey) != nil else {
          return []
        }
        return [
          values.problem(
            webhookKeysFileKey, "is given beside ingest.webhook_api_keys", hint: "give one of them")
        ]
      },
      ConfigurationRelation([webhookKeysKey]) { values in
        values.map(webhookKeysKey).filter { $0.value.utf8.count < 8 }.map {
          values.problem(
            webhookKeysKey, "is too short for mall \($0.name)", allowed: "at least 8 bytes a key")
        }
      },
      ConfigurationRelation([identitySecretKey]) { values in
        guard let secret = values.optional(identitySecretKey), secret.utf8.count < 16 else { return [] }
        return [
          values.problem(
            identitySecretKey, "is too short", allowed: "at least 16 bytes", hint: "openssl rand -hex 32")
        ]
      },
    ])

  public init(_ values: ConfigurationValues) {
    common = Self.keys.settings(values)
    files = values.list(Self.filesKey)
    malls = values.list(Self.mallsKey)
    webhooksTopic = values.text(Self.webhooksKey)
    contextTopic = values.text(Self.contextKey)
    contextChangelogTopic = values.text(Self.contextChangelogKey)
    joinsContext = values.boolean(Self.joinKey)
    state = Self.stateKeys.settings(values)
    bodyBytesMax = values.integer(Self.bodyBytesMaxKey)
    lineBytesMax = values.integer(Self.lineBytesMaxKey)
    unacknowledgedMax = values.integer(Self.unacknowledgedMaxKey)
    unacknowledgedBytesMax = values.integer(Self.unacknowledgedBytesMaxKey)
    acknowledgementTimeoutMs = values.integer(Self.acknowledgementTimeoutMsKey)
    webhookKeys = values.map(Self.webhookKeysKey)
    webhookKeysFile = values.optional(Self.webhookKeysFileKey)
    identitySecret = values.optional(Self.identitySecretKey)
    identitySecretFile = values.text(Self.identitySecretFileKey)
  }

  public static let ownOptions = [
    CommandOption(
      "orders", value: "FILE", mayRepeat: true,
      "read orders from FILE, one JSON object a line; - for standard input"),
    CommandOption("exit-when-done", "end when the files are read and the broker has acknowledged them"),
  ]

  public mutating func take(_ arguments: CommandArguments) throws(CommandLineError) {
    files += arguments.values("orders")
    exitsWhenDone = arguments.has("exit-when-done")
    guard !exitsWhenDone || !files.isEmpty else {
      throw CommandLineError(message: "--exit-when-done needs files: give --orders FILE or ingest.files")
    }
  }
}
