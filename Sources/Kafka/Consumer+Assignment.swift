internal import CRdKafka

extension Consumer {
  /// Manual membership: reads exactly these partitions, each from its offset (or a ``LogicalOffset``).
  public func assign(_ partitions: [PartitionOffset]) throws(KafkaError) {
    try replaceAssignment(partitions)
  }

  /// Answers `.assigned`: reading starts at these offsets. Partitions of the event that are left out are
  /// read from where the group committed; without a commit that is an error event, never a guess.
  public func finishAssignment(_ offsets: [PartitionOffset]) throws(KafkaError) {
    guard let pending = pendingRebalance, pending.isAssignment else {
      throw KafkaError.own("no assignment is waiting for an answer")
    }
    try answerRebalance(offsets)
  }

  /// Answers `.revoked`: from now on no message of these partitions is handed out.
  public func finishRevocation(_ partitions: [TopicPartition]) throws(KafkaError) {
    guard let pending = pendingRebalance, !pending.isAssignment else {
      throw KafkaError.own("no revocation is waiting for an answer")
    }
    try answerRebalance([])
  }

  /// Whether a rebalance waits for an answer.
  public var owesRebalanceAnswer: Bool { pendingRebalance != nil }

  func answerRebalance(_ offsets: [PartitionOffset]) throws(KafkaError) {
    guard let pending = pendingRebalance else { return }
    pendingRebalance = nil
    let isCooperative =
      rd_kafka_rebalance_protocol(handle.rk).map { String(cString: $0) == "COOPERATIVE" } ?? false
    var starts: [TopicPartition: Int64] = [:]
    for (partition, offset) in offsets { starts[partition] = offset }
    let full = pending.partitions.map { ($0, starts[$0] ?? LogicalOffset.stored) }
    switch (pending.isAssignment, isCooperative) {
    case (true, true): try addAssignment(full)
    case (true, false): try replaceAssignment(full)
    case (false, true): try removeAssignment(pending.partitions)
    case (false, false): try dropAssignment()
    }
  }

  private func replaceAssignment(_ partitions: [PartitionOffset]) throws(KafkaError) {
    markAllRevoked()
    for (partition, offset) in partitions { markAssigned(partition, from: offset) }
    let list = PartitionList(offsets: partitions)
    try check(rd_kafka_assign(handle.rk, list.list))
  }

  private func dropAssignment() throws(KafkaError) {
    markAllRevoked()
    try check(rd_kafka_assign(handle.rk, nil))
  }

  private func addAssignment(_ partitions: [PartitionOffset]) throws(KafkaError) {
    for (partition, offset) in partitions { markAssigned(partition, from: offset) }
    let list = PartitionList(offsets: partitions)
    if let error = rd_kafka_incremental_assign(handle.rk, list.list) { throw KafkaError(consuming: error) }
  }

  private func removeAssignment(_ partitions: [TopicPartition]) throws(KafkaError) {
    for partition in partitions { markRevoked(partition) }
    let list = PartitionList(partitions)
    if let error = rd_kafka_incremental_unassign(handle.rk, list.list) { throw KafkaError(consuming: error) }
  }

  func check(_ outcome: rd_kafka_resp_err_t) throws(KafkaError) {
    if outcome != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(outcome) }
  }
}
