internal import CRdKafka

/// librdkafka's mock cluster, hosted in this process: a broker for trials and tests without a server.
///
/// Other processes on this machine can connect to ``bootstrap``. What it cannot do (librdkafka 2.0.2):
/// it keeps at most 5 MiB and 100,000 record batches per partition and drops the oldest silently (see
/// ``Pacing``); it is memory only; transactions leave no trace (aborted records are seen, offsets sent in
/// them are thrown away, nobody is fenced); there is no administration, no look-up by time. Groups are slow:
/// the first join takes 3 s and later ones a session's time-out less one second, and a member's session
/// must outlast that (``sessionTimeoutMinMs``). Manual assignment is quicker.
public final class EmbeddedBroker: @unchecked Sendable {
  /// Kinds of request in whose way an error can be put.
  public enum Request: Int16, Sendable {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case offsetCommit = 8
    case offsetFetch = 9
    case findCoordinator = 10
    case joinGroup = 11
    case heartbeat = 12
    case initProducerId = 22
    case addPartitions = 24
    case addOffsets = 25
    case endTransaction = 26
    case transactionOffsetCommit = 28
  }

  /// Group members need a longer session than this, or they never get an assignment: the broker answers
  /// the first join after 3 s, looks for sessions that are over once a second, and throws the request of a
  /// member away whose session is; its connection then stays blocked for good.
  public static let sessionTimeoutMinMs = 4_500

  /// What a client gives as `bootstrap.servers`.
  public let bootstrap: String
  private let host: ClientHandle
  private var cluster: OpaquePointer?

  /// - Throws: ``KafkaError`` when the cluster or a topic cannot be made.
  public init(topics: [(name: String, partitions: Int)], brokers: Int = 1) throws(KafkaError) {
    let settings = ClientSettings(bootstrap: "", clientId: "embedded-broker")
    host = try ClientHandle(RD_KAFKA_PRODUCER, settings, defaults: [:])
    guard let cluster = rd_kafka_mock_cluster_new(host.rk, Int32(clamping: brokers)) else {
      throw KafkaError.own("the embedded broker cannot start")
    }
    self.cluster = cluster
    bootstrap = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
    try MockWaker.during(bootstrap) { () throws(KafkaError) in
      for topic in topics { try addTopic(topic.name, partitions: topic.partitions) }
    }
  }

  /// Makes a topic; the admin API does not reach this broker.
  public func addTopic(_ name: String, partitions: Int) throws(KafkaError) {
    guard let cluster else { throw KafkaError.own("the embedded broker is closed") }
    let outcome = rd_kafka_mock_topic_create(cluster, name, Int32(clamping: partitions), 1)
    if outcome != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(outcome, "topic \(name) not made") }
  }

  /// The next `count` requests of this kind at a broker (numbered from 1) are answered with `code` after
  /// `delayMs`. Code −195 cuts the connection; code 0 with a long delay is a lost acknowledgement.
  public func disturb(_ request: Request, code: Int32, count: Int = 1, delayMs: Int = 0, broker: Int = 1) {
    guard let cluster else { return }
    _ = passflow_mock_push_error(
      cluster, Int32(clamping: broker), request.rawValue, Int32(clamping: count),
      rd_kafka_resp_err_t(rawValue: code), Int32(clamping: delayMs))
  }

  /// Cuts all connections of a broker (−1: of all) and refuses new ones, or takes them again.
  public func setReachable(_ reachable: Bool, broker: Int = -1) {
    guard let cluster else { return }
    let id = Int32(clamping: broker)
    _ = reachable ? rd_kafka_mock_broker_set_up(cluster, id) : rd_kafka_mock_broker_set_down(cluster, id)
  }

  /// Every answer takes this long.
  public func setRoundTrip(ms: Int, broker: Int = -1) {
    guard let cluster else { return }
    rd_kafka_mock_broker_set_rtt(cluster, Int32(clamping: broker), Int32(clamping: ms))
  }

  /// Ends the cluster; clients see connection errors from now on.
  public func close() {
    guard let cluster else { return }
    self.cluster = nil
    MockWaker.during(bootstrap) { rd_kafka_mock_cluster_destroy(cluster) }
    host.destroy()
  }

  deinit { close() }
}
