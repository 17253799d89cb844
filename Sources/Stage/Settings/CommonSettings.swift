public import HTTP

/// The names of the topics.
public struct TopicSettings: Sendable, Equatable {
  public let orders: String
  public let deadLetters: String
  public let enriched: String
  public let decisions: String
  public let actions: String
  public let rules: String
  /// The changelog topics of enrich and apply.
  public let enrichChangelog: String
  public let applyChangelog: String
}

/// The stage's own HTTP server.
public struct HTTPSettings: Sendable, Equatable {
  public let host: String
  /// 0: any that is free.
  public let port: UInt16
  public let limits: HTTPLimits
}

/// What every stage has.
public struct CommonSettings: Sendable, Equatable {
  public let stage: String
  public let kafka: KafkaSettings
  public let topics: TopicSettings
  public let http: HTTPSettings
  public let logLevel: Log.Level
  public let drainDeadlineMs: Int
  public let deadLetterKeyFile: String
}

/// When a stage's state becomes durable, and where.
public struct StateSettings: Sendable, Equatable {
  public let directory: String
  public let cacheBytes: Int
  public let commitIntervalMs: Int
  public let uncommittedMax: Int
  public let checkpointIntervalMs: Int
  /// Of each partition: 0 or 1.
  public let standbys: Int
}

/// The keys that every stage has, in the order of its file.
struct CommonKeys: Sendable {
  let stage: String
  /// Names of topics that only this stage has.
  let moreTopics: [ConfigurationKey]
  let kafka: KafkaKeys
  let orders = topic("orders", "orders", "Order snapshots, keyed by customer.")
  let deadLetters = topic("dead_letters", "orders.dlq", "What could not be processed, encrypted.")
  let enriched = topic(
    "enriched", "orders.enriched", "Snapshots with the customer's history, keyed by customer.")
  let decisions = topic("decisions", "decisions", "What each order should carry, keyed by mall.")
  let actions = topic("actions", "actions", "One record for each thing that was done to an order.")
  let rules = topic("rules", "rules", "Published rule sets, compacted.")
  let enrichChangelog = topic("enrich_changelog", "enrich.history", "The state of enrich, compacted.")
  let applyChangelog = topic("apply_changelog", "apply.ledger", "The ledger of apply, compacted.")
  let host = ConfigurationKey.text(
    "http.host", "127.0.0.1", bytesMax: 255,
    "The address to listen on; 0.0.0.0 for all of IPv4. There is no TLS and no login here: put a proxy in front."
  )
  let port: ConfigurationKey
  let connectionsMax = ConfigurationKey.integer(
    "http.connections_max", 1...65_536, 1_024, "Connections at a time; more wait in the kernel's queue.")
  let headerBytesMax = ConfigurationKey.integer(
    "http.header_bytes_max", 4_096...131_072, 32_768, "Request line and headers together.")
  let idleTimeoutMs = ConfigurationKey.integer(
    "http.idle_timeout_ms", 1_000...600_000, 30_000,
    "A connection whose client is silent for so long is closed. Counted in whole seconds.")
  let logLevel = ConfigurationKey.choice(
    "log.level", Log.Level.allCases.map(\.name), Log.Level.info.name,
    "The least important event that is written to standard error.")
  let drainDeadlineMs = ConfigurationKey.integer(
    "shutdown.drain_deadline_ms", 500...600_000, 10_000,
    "After SIGTERM or SIGINT: time to finish what was begun. After it the process ends with code 75 and the rest is read again by the next one."
  )
  let deadLetterKeyFile = ConfigurationKey.text(
    "dead_letters.key_file", "state/dead-letter.key", bytesMax: 4_096,
    "The 32-byte key that encrypts dead letters; made with a random key when it is not there. All stages and the operator's tool need the same one."
  )

  init(stage: String, port number: Int, moreTopics: [ConfigurationKey] = []) {
    self.stage = stage
    self.moreTopics = moreTopics
    kafka = KafkaKeys(stage: stage)
    port = .integer("http.port", 0...65_535, number, "The port to listen on; 0 for any that is free.")
  }

  /// Of the stages that write or read it.
  static let ruleDemands = topic(
    "rules_demands", "rules.demands", "How far enrich is with what published rules ask for, compacted.")

  static func topic(_ name: String, _ fallback: String, _ about: String) -> ConfigurationKey {
    .text("topics.\(name)", fallback, bytesMax: 249, about)
  }

  var topics: [ConfigurationKey] {
    [orders, deadLetters, enriched, decisions, actions, rules, enrichChangelog, applyChangelog]
      + moreTopics
  }

  var all: [ConfigurationKey] {
    kafka.all + topics + [host, port, connectionsMax, headerBytesMax, idleTimeoutMs, logLevel]
      + [drainDeadlineMs, deadLetterKeyFile]
  }

  func settings(_ values: ConfigurationValues) -> CommonSettings {
    CommonSettings(
      stage: stage, kafka: KafkaSettings(values, kafka), topics: topicSettings(values),
      http: HTTPSettings(
        host: values.text(host), port: UInt16(clamping: values.integer(port)),
        limits: HTTPLimits(
          connectionsMax: values.integer(connectionsMax), headerBytesMax: values.integer(headerBytesMax),
          idleSeconds: max(values.integer(idleTimeoutMs) / 1_000, 1))),
      logLevel: Log.Level(name: values.text(logLevel)) ?? .info,
      drainDeadlineMs: values.integer(drainDeadlineMs),
      deadLetterKeyFile: values.text(deadLetterKeyFile))
  }

  private func topicSettings(_ values: ConfigurationValues) -> TopicSettings {
    TopicSettings(
      orders: values.text(orders), deadLetters: values.text(deadLetters), enriched: values.text(enriched),
      decisions: values.text(decisions), actions: values.text(actions), rules: values.text(rules),
      enrichChangelog: values.text(enrichChangelog), applyChangelog: values.text(applyChangelog))
  }

  var relations: [ConfigurationRelation] {
    let topics = topics
    return kafka.relations
      + topics.map { key in
        ConfigurationRelation([key]) { values in
          isTopicName(values.text(key))
            ? []
            : [values.problem(key, "is no topic name", allowed: "letters, digits, dot, dash, underscore")]
        }
      } + [
        ConfigurationRelation(topics) { values in
          topics.indices.dropFirst().compactMap { index in
            let name = values.text(topics[index])
            guard let other = topics[..<index].first(where: { values.text($0) == name }) else { return nil }
            return values.problem(topics[index], "names the same topic as \(other.path)")
          }
        }
      ]
  }

  private func isTopicName(_ text: String) -> Bool {
    text != "." && text != ".."
      && text.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
      }
  }
}

/// The keys of section `state`.
struct StateKeys: Sendable {
  /// Nil: the stage has none.
  let standby: ConfigurationKey?
  let directory: ConfigurationKey
  let cacheBytes = ConfigurationKey.integer(
    "state.cache_bytes", 1_048_576...1_099_511_627_776, 134_217_728,
    "Memory for state that is in use, over all partitions of this process.")
  let commitIntervalMs = ConfigurationKey.integer(
    "state.commit_interval_ms", 10...60_000, 200,
    "Time between two commits of state and input offsets. A crash repeats what came after the last one.")
  let uncommittedMax = ConfigurationKey.integer(
    "state.uncommitted_max", 100...1_000_000, 20_000,
    "Inputs between two commits: reading pauses there until the commit is through.")
  let checkpointIntervalMs = ConfigurationKey.integer(
    "state.checkpoint_interval_ms", 100...3_600_000, 5_000,
    "Time between two writes of the state files. A start reads the changelog from the last one on.")

  init(stage: String, hasStandby: Bool = true) {
    standby =
      hasStandby
      ? .integer(
        "state.standby", 0...1, 0,
        "1: this instance also keeps the state files of partitions up to date that it would get if their owner were gone; taking one over then needs only the last moments of its changelog. Costs as much disk, reading and writing again. Give all instances the same."
      ) : nil
    directory = .text(
      "state.directory", "state/\(stage)", bytesMax: 4_096,
      "Where the state files are, one a partition. Losing it costs time, not data.")
  }

  var all: [ConfigurationKey] {
    [directory, cacheBytes, commitIntervalMs, uncommittedMax, checkpointIntervalMs]
      + (standby.map { [$0] } ?? [])
  }

  var relations: [ConfigurationRelation] {
    let keys = self
    return [
      ConfigurationRelation([commitIntervalMs, checkpointIntervalMs]) { values in
        let commit = values.integer(keys.commitIntervalMs)
        guard values.integer(keys.checkpointIntervalMs) < commit else { return [] }
        return [
          values.problem(
            keys.checkpointIntervalMs, "is shorter than state.commit_interval_ms",
            allowed: "at least \(commit)", hint: "a checkpoint holds what commits have made durable")
        ]
      }
    ]
  }

  func settings(_ values: ConfigurationValues) -> StateSettings {
    StateSettings(
      directory: values.text(directory), cacheBytes: values.integer(cacheBytes),
      commitIntervalMs: values.integer(commitIntervalMs), uncommittedMax: values.integer(uncommittedMax),
      checkpointIntervalMs: values.integer(checkpointIntervalMs),
      standbys: standby.map { values.integer($0) } ?? 0)
  }
}
