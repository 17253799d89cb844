internal import CRdKafka

/// What went wrong between us and Kafka, with what to do about it.
///
/// `text` is librdkafka's own wording or ours; it never holds a record's bytes or a secret.
public struct KafkaError: Error, Sendable, CustomStringConvertible, Equatable {
  /// Whose doing the error is.
  public enum Origin: String, Sendable {
    /// The broker refused or could not.
    case broker
    /// The connection or librdkafka's own state.
    case client
    /// The record or the request as it was handed to us (too large, unknown topic, not allowed).
    case input
    /// A mistake in this program (wrong state, wrong argument).
    case own
  }

  /// What the caller does next; one table decides (``KafkaError/remedy``).
  public enum Remedy: String, Sendable {
    /// Call the same again after a moment.
    case retry
    /// Abort the transaction and run the same changes in another one.
    case abort
    /// Destroy the producer or consumer, open a new one, and read the committed offsets back.
    case reopen
    /// The group has gone on without us: give up the partitions and join again.
    case rejoin
    /// No repetition helps: a person or a configuration must.
    case stop
  }

  /// librdkafka's or Kafka's error code (negative: the client's own).
  public let code: Int32
  /// The code's name, for example `_TRANSPORT` or `NOT_LEADER_FOR_PARTITION`.
  public let name: String
  /// What happened, fixed words first.
  public let text: String
  /// The client instance is unusable and must be replaced.
  public let isFatal: Bool
  /// The same call may be made again.
  public let isRetriable: Bool
  /// The current transaction must be aborted.
  public let requiresAbort: Bool

  public var description: String {
    var flags = ""
    if isFatal { flags += ", fatal" }
    if isRetriable { flags += ", retriable" }
    if requiresAbort { flags += ", abort" }
    return "kafka: \(text) (\(name) \(code)\(flags)); remedy: \(remedy.rawValue)"
  }

  init(
    code: Int32, text: String? = nil, isFatal: Bool = false, isRetriable: Bool = false,
    requiresAbort: Bool = false
  ) {
    let response = rd_kafka_resp_err_t(rawValue: code)
    self.code = code
    self.name = rd_kafka_err2name(response).map { String(cString: $0) } ?? "UNKNOWN"
    self.text = text ?? rd_kafka_err2str(response).map { String(cString: $0) } ?? "unknown error"
    self.isFatal = isFatal
    self.isRetriable = isRetriable
    self.requiresAbort = requiresAbort
  }

  init(_ response: rd_kafka_resp_err_t, _ text: String? = nil) {
    self.init(code: response.rawValue, text: text)
  }

  /// Takes over and frees librdkafka's error object.
  init(consuming error: OpaquePointer) {
    self.init(
      code: rd_kafka_error_code(error).rawValue,
      text: rd_kafka_error_string(error).map { String(cString: $0) },
      isFatal: rd_kafka_error_is_fatal(error) != 0,
      isRetriable: rd_kafka_error_is_retriable(error) != 0,
      requiresAbort: rd_kafka_error_txn_requires_abort(error) != 0)
    rd_kafka_error_destroy(error)
  }

  /// The same, known to pass.
  var retriable: KafkaError {
    KafkaError(code: code, text: text, isFatal: isFatal, isRetriable: true, requiresAbort: requiresAbort)
  }

  /// A time-out of our own.
  static func timedOut(_ text: String) -> KafkaError {
    KafkaError(code: RD_KAFKA_RESP_ERR__TIMED_OUT.rawValue, text: text, isRetriable: true)
  }

  /// A record over ``Producer/recordBytesMax``.
  static func tooLarge(_ bytes: Int) -> KafkaError {
    KafkaError(
      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
      "record of \(bytes) bytes is larger than the limit of \(Producer.recordBytesMax)")
  }

  /// A mistake in the calling program.
  static func own(_ text: String) -> KafkaError {
    KafkaError(code: RD_KAFKA_RESP_ERR__STATE.rawValue, text: text)
  }

  /// A request as handed to us that cannot be done.
  static func invalid(_ text: String) -> KafkaError {
    KafkaError(code: RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue, text: text)
  }
}
