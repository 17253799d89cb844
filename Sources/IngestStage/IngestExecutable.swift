import CSodium
import Glibc
import Kafka
public import Stage
import Topics

/// `passflow-ingest` from its command line to its exit code.
public enum IngestExecutable {
  public static func main(version: String = "") -> Never {
    exit(run(IngestConfiguration.loadOrExit(version: version)).rawValue)
  }

  /// Runs until SIGTERM, or until the files are done.
  public static func run(_ configuration: IngestConfiguration) -> ExitCode {
    let settings: IngestLaneSettings
    do { settings = try laneSettings(configuration) } catch let problem as IngestStartProblem {
      StandardStream.error.write("passflow-ingest: \(problem.text)\n")
      return problem.code
    } catch {
      StandardStream.error.write("passflow-ingest: \(error)\n")
      return .failure
    }
    let host = StageHost(settings: configuration.common)
    let lane = IngestLane(settings, log: host.log, metrics: host.metrics, health: host.health)
    host.onScrape { lane.show() }
    return host.run(routes: lane.routes) { try lane.run($0) }
  }

  /// Reads keys and checks files before anything listens.
  static func laneSettings(_ configuration: IngestConfiguration) throws -> IngestLaneSettings {
    let common = configuration.common
    let broker = try broker(common.kafka)
    let deadLetterKey = try KeyFile.readOrCreate(common.deadLetterKeyFile)
    guard let secret = try IdentitySecret(bytes: identity(configuration)),
      let seal = DeadLetterSeal(key: deadLetterKey.bytes)
    else { throw IngestFailure("libsodium does not start") }
    var settings = IngestLaneSettings(broker: broker, secret: secret, seal: seal)
    settings.topics = TopicNames(common.topics)
    settings.topics.webhooks = configuration.webhooksTopic
    settings.topics.context = configuration.contextTopic
    settings.topics.contextChangelog = configuration.contextChangelogTopic
    settings.contextJoin = contextJoin(configuration)
    settings.malls = Set(configuration.malls)
    settings.webhookKeys = WebhookKeys(try webhookKeys(configuration))
    settings.files = configuration.files
    settings.exitsWhenDone = configuration.exitsWhenDone
    settings.bodyBytesMax = configuration.bodyBytesMax
    settings.intakeLimits.eventBytesMax = configuration.lineBytesMax
    settings.intakeLimits.recordBytesMax = min(common.kafka.messageBytesMax, Producer.recordBytesMax) - 4_096
    settings.unacknowledgedMax = configuration.unacknowledgedMax
    settings.unacknowledgedBytesMax = configuration.unacknowledgedBytesMax
    settings.acknowledgementTimeoutMs = configuration.acknowledgementTimeoutMs
    // Two seconds for the answers to leave, one to spare; a pacer may wait for its answer five more.
    let rest = broker.isEmbedded ? 8_000 : 3_000
    settings.drainMs = max(100, common.drainDeadlineMs - rest)
    for path in settings.files where path != "-" { _ = try OrderFile(path: path) }
    return settings
  }

  private static func contextJoin(_ configuration: IngestConfiguration) -> ContextJoinSettings? {
    guard configuration.joinsContext else { return nil }
    var join = ContextJoinSettings { broker in
      var lane = try LaneSettings(
        inputTopic: configuration.contextTopic, kafka: configuration.common.kafka, stage: "ingest",
        state: configuration.state, changelogTopic: configuration.contextChangelogTopic, broker: broker)
      // Older than a day is too old to be joined, and ingest has orders to take.
      lane.skipsGoneInputs = true
      return lane
    }
    join.cacheBytes = configuration.state.cacheBytes
    return join
  }

  private static func broker(_ kafka: KafkaSettings) throws -> BrokerAccess {
    do throws(StageStartError) { return try BrokerAccess.from(kafka) } catch {
      throw IngestStartProblem(.configuration, "configuration is not valid: \(error)")
    }
  }

  private static func webhookKeys(_ configuration: IngestConfiguration) throws -> [ConfigurationPair] {
    guard let path = configuration.webhookKeysFile else { return configuration.webhookKeys }
    do throws(WebhookKeyFileError) { return try WebhookKeys.read(path: path) } catch {
      throw IngestStartProblem(.configuration, "\(error)")
    }
  }

  /// The secret of the configuration, spread over the bytes that the digests need; or the file's.
  private static func identity(_ configuration: IngestConfiguration) throws -> [UInt8] {
    guard let text = configuration.identitySecret else {
      return try KeyFile.readOrCreate(configuration.identitySecretFile).bytes
    }
    _ = sodium_init()
    var made = [UInt8](repeating: 0, count: IdentitySecret.byteCount)
    let bytes = Array(text.utf8)
    crypto_generichash(&made, made.count, bytes, UInt64(bytes.count), nil, 0)
    return made
  }
}

/// Why ingest does not start, with the code that says whether starting again may help.
struct IngestStartProblem: Error {
  let code: ExitCode
  let text: String

  init(_ code: ExitCode, _ text: String) {
    self.code = code
    self.text = text
  }
}
