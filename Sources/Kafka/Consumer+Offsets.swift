internal import CRdKafka

extension Consumer {
  /// Where the group committed, without the partitions that have no commit. With read committed it waits
  /// for open transactions that carry offsets, and always for a coordinator that is away, up to the
  /// time-out.
  public func committed(_ partitions: [TopicPartition], timeoutMs: Int = 10_000) throws(KafkaError)
    -> [TopicPartition: Int64]
  {
    if partitions.isEmpty { return [:] }
    return try retried(timeoutMs: timeoutMs) { attemptMs throws(KafkaError) in
      let list = PartitionList(partitions)
      try check(rd_kafka_committed(handle.rk, list.list, Int32(clamping: attemptMs)))
      if let error = list.firstError { throw error }
      var offsets: [TopicPartition: Int64] = [:]
      for (partition, offset) in list.offsets where offset >= 0 { offsets[partition] = offset }
      return offsets
    }
  }

  /// Commits positions (the offset after the last finished message) and waits for the answer; repeated
  /// while the coordinator is away, up to the time-out.
  /// - Throws: ``KafkaError`` with remedy `.rejoin`: the group has gone on without us.
  public func commit(_ offsets: [PartitionOffset], timeoutMs: Int = 10_000) throws(KafkaError) {
    if offsets.isEmpty { return }
    try retried(timeoutMs: timeoutMs) { _ throws(KafkaError) in
      let list = PartitionList(offsets: offsets)
      try check(rd_kafka_commit(handle.rk, list.list, 0))
      if let error = list.firstError { throw error }
    }
  }

  /// Commits without waiting; a failure comes as an ``ConsumerEvent/error(_:)`` of a later poll.
  public func commitAsync(_ offsets: [PartitionOffset]) throws(KafkaError) {
    if offsets.isEmpty { return }
    let list = PartitionList(offsets: offsets)
    try check(rd_kafka_commit(handle.rk, list.list, 1))
  }

  /// librdkafka's position: the offset after the last message it handed out, without those never read.
  public func position(_ partitions: [TopicPartition]) throws(KafkaError) -> [TopicPartition: Int64] {
    let list = PartitionList(partitions)
    try check(rd_kafka_position(handle.rk, list.list))
    var offsets: [TopicPartition: Int64] = [:]
    for (partition, offset) in list.offsets where offset >= 0 { offsets[partition] = offset }
    return offsets
  }

  /// The log's first offset and the one after its last record, asked of the broker. With read committed
  /// the latter is the end of what is decided.
  public func watermarks(_ partition: TopicPartition, timeoutMs: Int = 10_000) throws(KafkaError)
    -> (low: Int64, high: Int64)
  {
    try queryWatermarks(handle, partition, timeoutMs: timeoutMs)
  }

  /// The group's name, generation and member id, as a transaction needs them to fence zombies.
  public func groupMetadata() throws(KafkaError) -> GroupMetadata {
    guard let metadata = rd_kafka_consumer_group_metadata(handle.rk) else {
      throw KafkaError.own("the consumer has no group")
    }
    return GroupMetadata(taking: metadata)
  }

  /// Continues reading a partition that is ours at another offset.
  public func seek(_ offsets: [PartitionOffset], timeoutMs: Int = 10_000) throws(KafkaError) {
    for (partition, offset) in offsets where nextOffset(of: partition) != nil {
      markAssigned(partition, from: offset)
    }
    let list = PartitionList(offsets: offsets)
    // Before 2.1.0 the time-out is taken as microseconds (librdkafka #4230).
    let factor = rd_kafka_version() < 0x0201_0000 ? 1000 : 1
    let limit = Int32(clamping: min(max(0, timeoutMs), 600_000) * factor)
    if let error = rd_kafka_seek_partitions(handle.rk, list.list, limit) {
      throw KafkaError(consuming: error)
    }
    if let error = list.firstError { throw error }
  }
}

/// Asks a partition's leader, repeatedly while there is none; isolation is the client's.
func queryWatermarks(_ handle: ClientHandle, _ partition: TopicPartition, timeoutMs: Int) throws(KafkaError)
  -> (low: Int64, high: Int64)
{
  try retried(timeoutMs: timeoutMs) { attemptMs throws(KafkaError) in
    var low: Int64 = 0
    var high: Int64 = 0
    func ask() -> rd_kafka_resp_err_t {
      rd_kafka_query_watermark_offsets(
        handle.rk, partition.topic, partition.partition, &low, &high, Int32(clamping: attemptMs))
    }
    var outcome = ask()
    switch outcome {
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
      // This client may not have heard of a new topic or of a new leader yet, and does not ask by itself when it
      // reads nothing of the topic otherwise.
      _ = try partitionCount(of: partition.topic, handle, timeoutMs: attemptMs)
      outcome = ask()
    default: break
    }
    if outcome != RD_KAFKA_RESP_ERR_NO_ERROR {
      throw KafkaError(outcome, "no watermarks of \(partition)")
    }
    return (low, high)
  }
}

/// Owns a snapshot of the group's name, generation and member id.
public final class GroupMetadata: @unchecked Sendable {
  let pointer: OpaquePointer

  init(taking pointer: OpaquePointer) { self.pointer = pointer }

  deinit { rd_kafka_consumer_group_metadata_destroy(pointer) }
}
