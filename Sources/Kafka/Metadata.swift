internal import CRdKafka

/// A topic made a moment ago is not known to every broker yet: so long "unknown" is not believed.
private let unknownTopicPatienceMs = 2_000

/// Asks for a topic's partitions, again and again while brokers are away or say that it is being made.
/// - Throws: ``KafkaError``: unknown topic, not allowed, or no answer in time.
func partitionCount(of name: String, _ handle: ClientHandle, timeoutMs: Int) throws(KafkaError) -> Int {
  guard let topic = rd_kafka_topic_new(handle.rk, name, nil) else { throw KafkaError(rd_kafka_last_error()) }
  defer { rd_kafka_topic_destroy(topic) }
  let patience = deadline(inMs: min(unknownTopicPatienceMs, timeoutMs))
  let answer = try retried(timeoutMs: timeoutMs) { attemptMs throws(KafkaError) -> Result<Int, KafkaError> in
    do throws(KafkaError) {
      return .success(try askPartitionCount(of: name, topic, handle, attemptMs: attemptMs))
    } catch {
      let isUnknown = error.code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue
      if isUnknown && monotonicMs() > patience { return .failure(error) }
      throw error
    }
  }
  return try answer.get()
}

func askPartitionCount(
  of name: String, _ topic: OpaquePointer, _ handle: ClientHandle, attemptMs: Int
) throws(KafkaError) -> Int {
  var found: UnsafePointer<rd_kafka_metadata>?
  let outcome = rd_kafka_metadata(handle.rk, 0, topic, &found, Int32(clamping: attemptMs))
  guard outcome == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata = found else {
    throw KafkaError(outcome, "no metadata of topic \(name)")
  }
  defer { rd_kafka_metadata_destroy(metadata) }
  guard metadata.pointee.topic_cnt > 0, let described = metadata.pointee.topics else {
    throw KafkaError.timedOut("no metadata of topic \(name)")
  }
  if described[0].err != RD_KAFKA_RESP_ERR_NO_ERROR {
    throw KafkaError(described[0].err, "topic \(name) unknown or not ready")
  }
  if described[0].partition_cnt <= 0 { throw KafkaError.timedOut("topic \(name) has no partition yet") }
  return Int(described[0].partition_cnt)
}

/// The leader's broker id of each partition, −1 without one.
func leaders(of name: String, _ handle: ClientHandle, timeoutMs: Int) throws(KafkaError) -> [Int32] {
  guard let topic = rd_kafka_topic_new(handle.rk, name, nil) else { throw KafkaError(rd_kafka_last_error()) }
  defer { rd_kafka_topic_destroy(topic) }
  return try retried(timeoutMs: timeoutMs) { attemptMs throws(KafkaError) in
    var found: UnsafePointer<rd_kafka_metadata>?
    let outcome = rd_kafka_metadata(handle.rk, 0, topic, &found, Int32(clamping: attemptMs))
    guard outcome == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata = found else {
      throw KafkaError(outcome, "no metadata of topic \(name)")
    }
    defer { rd_kafka_metadata_destroy(metadata) }
    guard metadata.pointee.topic_cnt > 0, let described = metadata.pointee.topics,
      let partitions = described[0].partitions
    else { throw KafkaError.timedOut("no metadata of topic \(name)") }
    var leaders = [Int32](repeating: -1, count: Int(described[0].partition_cnt))
    for index in leaders.indices where leaders.indices.contains(Int(partitions[index].id)) {
      leaders[Int(partitions[index].id)] = partitions[index].leader
    }
    return leaders
  }
}
