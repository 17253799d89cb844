/// How to reach the cluster, and what to change of our defaults.
///
/// The defaults differ from librdkafka's where those lose or corrupt silently or are slow: checksums are
/// verified, small packets leave at once, a new group never jumps to the end, offsets are committed only
/// when told to. `properties` overrides everything (librdkafka's CONFIGURATION.md names them).
public struct ClientSettings: Sendable, CustomStringConvertible {
  /// `host:port,host:port`.
  public var bootstrap: String
  /// Shown in the broker's logs and quotas.
  public var clientId: String
  /// librdkafka's own properties, stronger than our defaults.
  public var properties: [String: String]
  /// Lines of librdkafka's log, called on the thread that polls that client. Must not block.
  public var logLine: (@Sendable (LogLine) -> Void)?
  /// librdkafka's statistics as JSON, when `statisticsIntervalMs` > 0; called as `logLine` is.
  public var statistics: (@Sendable (String) -> Void)?
  /// 0: no statistics.
  public var statisticsIntervalMs: Int
  /// Closing a client does not wait for librdkafka's threads, some of which may look up only once a second. For
  /// clients whose broker ends with them.
  public var closesInBackground = false

  public init(
    bootstrap: String, clientId: String = "passflow", properties: [String: String] = [:],
    logLine: (@Sendable (LogLine) -> Void)? = nil,
    statistics: (@Sendable (String) -> Void)? = nil, statisticsIntervalMs: Int = 0
  ) {
    self.bootstrap = bootstrap
    self.clientId = clientId
    self.properties = properties
    self.logLine = logLine
    self.statistics = statistics
    self.statisticsIntervalMs = statisticsIntervalMs
  }

  /// Names of secret properties appear, their values never.
  public var description: String {
    let shown = properties.keys.sorted().map { name in
      ClientSettings.isSecret(name) ? "\(name)=…" : "\(name)=\(properties[name] ?? "")"
    }
    return "bootstrap=\(bootstrap) client=\(clientId) \(shown.joined(separator: " "))"
  }

  /// Properties whose values are credentials or hold them.
  public static func isSecret(_ property: String) -> Bool {
    let name = property.lowercased()
    return ["password", "secret", "pem", "oauthbearer.config", "username", "key"].contains {
      name.contains($0)
    }
      && name != "ssl.key.location"
  }
}

/// One line of librdkafka's log.
public struct LogLine: Sendable {
  /// syslog's levels: 0 emergency … 7 debug.
  public let level: Int
  /// librdkafka's short name of the place, for example `FAIL`.
  public let facility: String
  public let text: String
}
