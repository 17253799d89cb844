internal import Glibc
public import Kafka

/// A configuration that is valid but cannot work for this program.
public struct StageStartError: Error, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

extension BrokerAccess {
  /// Of a stage's settings; librdkafka's log lines go to `logLine`.
  public static func from(
    _ settings: KafkaSettings, logLine: (@Sendable (LogLine) -> Void)? = nil
  ) throws(StageStartError) -> BrokerAccess {
    let servers: String
    let isEmbedded: Bool
    switch settings.bootstrap {
    case .embedded:
      throw StageStartError(
        "kafka.bootstrap is embedded: that broker lives inside 'passflow run' and 'passflow demo'; "
          + "give this stage host:port of a Kafka broker")
    case .embeddedAt(let address): (servers, isEmbedded) = (address, true)
    case .servers(let list): (servers, isEmbedded) = (list, false)
    }
    var properties: [String: String] = [:]
    for pair in settings.properties { properties[pair.name] = pair.value }
    // Its 5 MiB a partition are counted as stored: compressed, they hold several times as much.
    if isEmbedded { properties["compression.codec"] = properties["compression.codec"] ?? "lz4" }
    let client = ClientSettings(
      bootstrap: servers, clientId: settings.clientID, properties: properties, logLine: logLine)
    var access = BrokerAccess(client: client, isEmbedded: isEmbedded)
    access.sessionTimeoutMs = settings.sessionTimeoutMs
    access.compression = settings.compression
    access.instanceID = settings.instanceID
    return access
  }
}

extension KafkaSettings {
  /// What this instance's transactions are known by.
  public func transactionalID(stage: String) -> String {
    if let instanceID { return "passflow-\(stage)-\(instanceID)" }
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return "passflow-\(stage)-\(host)-\(getpid())"
  }
}

extension TopicNames {
  public init(_ settings: TopicSettings) {
    self.init()
    orders = settings.orders
    deadLetters = settings.deadLetters
    enriched = settings.enriched
    decisions = settings.decisions
    actions = settings.actions
    enrichChangelog = settings.enrichChangelog
    applyChangelog = settings.applyChangelog
    rules = settings.rules
  }
}

extension LaneSettings {
  /// Of a stage with state.
  public init(
    inputTopic: String, kafka: KafkaSettings, stage: String, state: StateSettings, changelogTopic: String,
    broker: BrokerAccess
  ) throws {
    self.init(
      inputTopic: inputTopic, groupId: kafka.groupID, usesGroup: !broker.isEmbedded,
      durability: broker.isEmbedded
        ? .file
        : .transaction(
          transactionalId: kafka.transactionalID(stage: stage), changelogTopic: changelogTopic))
    commitIntervalMs = state.commitIntervalMs
    uncommittedMax = state.uncommittedMax
    checkpointIntervalMs = state.checkpointIntervalMs
    stateDirectory = state.directory
    standbys = state.standbys
    dirtyBytesMax = min(dirtyBytesMax, max(state.cacheBytes / 4, 1 << 20))
    inputPartitions = try broker.partitionCount(inputTopic)
    guard !broker.isEmbedded else { return }
    let changelogPartitions = try broker.partitionCount(changelogTopic)
    if changelogPartitions != inputPartitions {
      throw StageStartError(
        "\(changelogTopic) has \(changelogPartitions) partitions and \(inputTopic) has \(inputPartitions): "
          + "they must have the same number; 'passflow topics create' makes them so")
    }
  }

  /// The process's budget, shared out as if it owned every partition: more are never given to it.
  public func cacheBytesAPartition(of state: StateSettings) -> Int {
    max(state.cacheBytes / max(inputPartitions, 1), 1 << 20)
  }
}
