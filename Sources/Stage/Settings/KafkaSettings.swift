/// Where the broker is and how to speak with it.
public struct KafkaSettings: Sendable, Equatable {
  public enum Bootstrap: Sendable, Equatable {
    /// librdkafka's broker inside the process.
    case embedded
    /// Such a broker in another process: `host:port`.
    case embeddedAt(String)
    /// `host:port`, separated by commas.
    case servers(String)
  }

  public enum Isolation: String, Sendable, CaseIterable {
    case readCommitted = "read_committed"
    case readUncommitted = "read_uncommitted"
  }

  public let bootstrap: Bootstrap
  public let clientID: String
  /// Names this instance for good; nil: made of the host and the process.
  public let instanceID: String?
  /// Empty for a stage that consumes nothing.
  public let groupID: String
  public let isolation: Isolation
  /// `lz4`, `zstd`, `gzip`, `snappy` or `none`
  public let compression: String
  public let messageBytesMax: Int
  public let deliveryTimeoutMs: Int
  public let sessionTimeoutMs: Int
  /// librdkafka's own properties, security among them; may hold secrets.
  public let properties: [ConfigurationPair]

  init(_ values: ConfigurationValues, _ keys: KafkaKeys) {
    let servers = values.text(keys.bootstrap)
    if servers == KafkaKeys.embedded {
      bootstrap = .embedded
    } else if servers.hasPrefix(KafkaKeys.embeddedAt) {
      bootstrap = .embeddedAt(String(servers.dropFirst(KafkaKeys.embeddedAt.count)))
    } else {
      bootstrap = .servers(servers)
    }
    instanceID = values.optional(keys.instanceID)
    clientID = values.text(keys.clientID)
    groupID = values.text(keys.groupID)
    isolation = Isolation(rawValue: values.text(keys.isolation)) ?? .readCommitted
    compression = values.text(keys.compression)
    messageBytesMax = values.integer(keys.messageBytesMax)
    deliveryTimeoutMs = values.integer(keys.deliveryTimeoutMs)
    sessionTimeoutMs = values.integer(keys.sessionTimeoutMs)
    properties = values.map(keys.properties)
  }
}

/// The keys of section `kafka`.
struct KafkaKeys: Sendable {
  static let embedded = "embedded"
  static let embeddedAt = "embedded@"
  let instanceID = ConfigurationKey.text(
    "kafka.instance_id", "", bytesMax: 200,
    "Names this instance, the same after every restart and different from all others: a restart then takes its partitions back and ends its former transaction at once. Empty: a new name each time."
  )
  let bootstrap = ConfigurationKey.text(
    "kafka.bootstrap", embedded, bytesMax: 4_096,
    "Brokers to begin with: host:port, several separated by commas. embedded is the broker inside passflow run and passflow demo, which keeps nothing and is for trying out; embedded@host:port is one that another process hosts."
  )
  let clientID: ConfigurationKey
  let groupID: ConfigurationKey
  let isolation = ConfigurationKey.choice(
    "kafka.isolation", KafkaSettings.Isolation.allCases.map(\.rawValue), "read_committed",
    "What is read of records written in transactions.")
  let compression = ConfigurationKey.choice(
    "kafka.compression", ["none", "lz4", "zstd", "snappy", "gzip"], "lz4",
    "How batches of records are compressed.")
  let messageBytesMax = ConfigurationKey.integer(
    "kafka.message_bytes_max", 65_536...100_000_000, 1_000_000,
    "The largest record sent. Brokers and topics have limits of their own (message.max.bytes, max.message.bytes)."
  )
  let deliveryTimeoutMs = ConfigurationKey.integer(
    "kafka.delivery_timeout_ms", 1_000...900_000, 120_000,
    "How long a record may wait for its acknowledgement before sending counts as failed.")
  let sessionTimeoutMs = ConfigurationKey.integer(
    "kafka.session_timeout_ms", 1_000...1_800_000, 20_000,
    "How long the group waits for a silent member before its partitions go to others.")
  let properties = ConfigurationKey.map(
    "kafka.properties", countMax: 64, secret: true,
    "Further properties of librdkafka, as they stand: security.protocol, sasl.mechanism, sasl.username, sasl.password, ssl.ca.location."
  )

  init(stage: String) {
    clientID = .text(
      "kafka.client_id", "passflow-\(stage)", bytesMax: 200,
      "How brokers name this process in logs and quotas.")
    groupID = ConfigurationKey(
      "kafka.group_id", .text(bytesMax: 200, mayBeEmpty: false), default: .text("passflow-\(stage)"),
      "The consumer group: instances with the same name share the partitions.")
  }

  var all: [ConfigurationKey] {
    [
      bootstrap, clientID, instanceID, groupID, isolation, compression, messageBytesMax, deliveryTimeoutMs,
      sessionTimeoutMs, properties,
    ]
  }

  /// What PassFlow's promises rest on, and what has a key of its own.
  private static let reserved: [String: String] = [
    "bootstrap.servers": "kafka.bootstrap", "metadata.broker.list": "kafka.bootstrap",
    "client.id": "kafka.client_id", "group.id": "kafka.group_id",
    "isolation.level": "kafka.isolation", "compression.codec": "kafka.compression",
    "compression.type": "kafka.compression", "message.max.bytes": "kafka.message_bytes_max",
    "delivery.timeout.ms": "kafka.delivery_timeout_ms", "message.timeout.ms": "kafka.delivery_timeout_ms",
    "session.timeout.ms": "kafka.session_timeout_ms", "acks": "", "request.required.acks": "",
    "enable.idempotence": "", "transactional.id": "", "enable.auto.commit": "",
    "enable.auto.offset.store": "",
    "linger.ms": "", "queue.buffering.max.ms": "", "auto.offset.reset": "", "test.mock.num.brokers": "",
  ]

  var relations: [ConfigurationRelation] {
    let keys = self
    return [
      ConfigurationRelation([properties]) { values in
        values.map(keys.properties).compactMap { pair in
          guard let own = Self.reserved[pair.name] else { return nil }
          return values.problem(
            keys.properties, "may not set \(pair.name)",
            hint: own.isEmpty ? "PassFlow sets it itself: its guarantees rest on it" : "use \(own)")
        }
      },
      ConfigurationRelation([bootstrap]) { values in
        let text = values.text(keys.bootstrap)
        guard text != Self.embedded else { return [] }
        let servers = text.hasPrefix(Self.embeddedAt) ? String(text.dropFirst(Self.embeddedAt.count)) : text
        let wrong = servers.split(separator: ",", omittingEmptySubsequences: false).contains {
          !Self.isServer($0)
        }
        guard wrong else { return [] }
        let meant = Suggestion.nearest(to: text, among: [Self.embedded])
        return [
          values.problem(
            keys.bootstrap, "names no broker", allowed: "embedded, or host:port separated by commas",
            hint: meant.map { "did you mean \($0)?" })
        ]
      },
    ]
  }

  private static func isServer(_ text: Substring) -> Bool {
    guard let colon = text.lastIndex(of: ":"), colon > text.startIndex else { return false }
    guard let port = Int(text[text.index(after: colon)...]) else { return false }
    return (1...65_535).contains(port) && !text.contains(" ")
  }
}
