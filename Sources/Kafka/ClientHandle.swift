internal import CRdKafka

/// Owns one `rd_kafka_t`. Any thread may use it; `destroy` only when nobody else does any more.
final class ClientHandle: @unchecked Sendable {
  let rk: OpaquePointer
  private var destroyed = false

  /// Events that arrive on the queue instead of through callbacks.
  static let events =
    RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS | RD_KAFKA_EVENT_LOG
    | RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT

  /// - Parameter defaults: this role's properties; the settings' own win.
  /// - Throws: ``KafkaError`` naming the property that librdkafka refused, never a secret's value.
  init(_ kind: rd_kafka_type_t, _ settings: ClientSettings, defaults: [String: String]) throws(KafkaError) {
    guard let conf = rd_kafka_conf_new() else { throw KafkaError.own("no memory for a configuration") }
    do {
      try ClientHandle.fill(conf, settings, defaults)
    } catch {
      rd_kafka_conf_destroy(conf)
      throw error
    }
    rd_kafka_conf_set_events(conf, Int32(ClientHandle.events))
    var text = [CChar](repeating: 0, count: 512)
    guard let rk = rd_kafka_new(kind, conf, &text, text.count) else {
      let code = rd_kafka_last_error()
      rd_kafka_conf_destroy(conf)
      throw KafkaError(code: code.rawValue, text: "cannot open a client: " + string(fromC: text))
    }
    self.rk = rk
    if kind == RD_KAFKA_CONSUMER { rd_kafka_poll_set_consumer(rk) }
    rd_kafka_set_log_queue(rk, nil)
  }

  private static func fill(
    _ conf: OpaquePointer, _ settings: ClientSettings, _ defaults: [String: String]
  ) throws(KafkaError) {
    var all: [String: String] = [
      "socket.nagle.disable": "true", "log.queue": "true", "reconnect.backoff.ms": "50",
      "reconnect.backoff.max.ms": "1000", "socket.timeout.ms": "10000",
      "statistics.interval.ms": "\(max(0, settings.statisticsIntervalMs))",
      "log.connection.close": "false", "topic.metadata.refresh.fast.interval.ms": "100",
    ]
    all.merge(defaults) { $1 }
    all.merge(settings.properties) { $1 }
    all["bootstrap.servers"] = settings.bootstrap
    all["client.id"] = settings.clientId
    var text = [CChar](repeating: 0, count: 512)
    for name in all.keys.sorted() {
      guard let value = all[name] else { continue }
      let outcome = rd_kafka_conf_set(conf, name, value, &text, text.count)
      if outcome != RD_KAFKA_CONF_OK {
        let reason = ClientSettings.isSecret(name) ? "value refused" : string(fromC: text)
        throw KafkaError.invalid("property \(name): \(reason)")
      }
    }
  }

  /// librdkafka's main queue (consumers: the consumer queue), to be destroyed by the caller.
  func mainQueue() -> OpaquePointer? { rd_kafka_queue_get_main(rk) }

  /// The fatal error raised on this client, if any.
  var fatalError: KafkaError? {
    var text = [CChar](repeating: 0, count: 512)
    let code = rd_kafka_fatal_error(rk, &text, text.count)
    if code == RD_KAFKA_RESP_ERR_NO_ERROR { return nil }
    return KafkaError(code: code.rawValue, text: string(fromC: text), isFatal: true)
  }

  /// Waits for librdkafka's threads, unless `inBackground`. Every event, message, topic and queue must be gone before.
  func destroy(withoutConsumerClose: Bool = false, inBackground: Bool = false) {
    if destroyed { return }
    destroyed = true
    let flags = withoutConsumerClose ? RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE : 0
    if inBackground {
      WorkerThread { [self] in rd_kafka_destroy_flags(rk, flags) }.detach()
    } else {
      rd_kafka_destroy_flags(rk, flags)
    }
  }

  deinit { destroy(withoutConsumerClose: true) }
}

/// The text in a C buffer up to its end mark.
func string(fromC buffer: [CChar]) -> String {
  String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

extension ClientSettings {
  /// Hands a log or statistics event to the closures; false when it is of another kind.
  func takeTelemetry(_ event: OpaquePointer) -> Bool {
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_LOG:
      guard let logLine else { return true }
      var facility: UnsafePointer<CChar>?
      var text: UnsafePointer<CChar>?
      var level: Int32 = 0
      if rd_kafka_event_log(event, &facility, &text, &level) == 0 {
        logLine(
          LogLine(
            level: Int(level), facility: facility.map { String(cString: $0) } ?? "",
            text: text.map { String(cString: $0) } ?? ""))
      }
      return true
    case RD_KAFKA_EVENT_STATS:
      if let statistics, let json = rd_kafka_event_stats(event) { statistics(String(cString: json)) }
      return true
    default:
      return false
    }
  }
}

extension KafkaError {
  /// What an error event says; the client's fatal error instead of the mere sign that there is one.
  static func from(event: OpaquePointer, of handle: ClientHandle) -> KafkaError {
    if rd_kafka_event_error_is_fatal(event) != 0, let fatal = handle.fatalError { return fatal }
    let text = rd_kafka_event_error_string(event).map { String(cString: $0) }
    return KafkaError(code: rd_kafka_event_error(event).rawValue, text: text)
  }
}
