internal import CRdKafka

/// Longest wait for a broker that does not answer: one that is down coordinates no group either.
private let silentBrokerPatienceMs = 1_000

/// Waits until every broker that answers knows these topics with as many partitions as the others.
///
/// Who leads a group asks the group's coordinator which partitions there are to share out. A coordinator that has not
/// heard yet of a topic made a moment ago makes it share out none, and librdkafka 2.0.2 leaves it at that for good: its
/// own list has the partitions, so nothing ever changes. On three brokers one group in four that was joined right after
/// its topic was made stayed without partitions. So whoever makes a topic, and whoever is about to join, waits for this.
/// - Throws: ``KafkaError`` when a broker goes on not knowing a topic until the time is over.
func awaitKnownEverywhere(
  _ topics: [String], _ settings: ClientSettings, _ handle: ClientHandle, timeoutMs: Int
) throws(KafkaError) {
  let addresses = try brokerAddresses(handle, timeoutMs: timeoutMs)
  if addresses.count < 2 { return }
  var counts: [String: Int] = [:]
  for topic in topics { counts[topic] = try partitionCount(of: topic, handle, timeoutMs: timeoutMs) }
  // All connect at once; each then knows only its own broker well enough to ask it.
  var probes: [ClientHandle] = []
  defer { for probe in probes { probe.destroy(withoutConsumerClose: true, inBackground: true) } }
  for address in addresses {
    var alone = settings
    alone.bootstrap = address
    alone.statisticsIntervalMs = 0
    probes.append(
      try ClientHandle(
        RD_KAFKA_CONSUMER, alone,
        defaults: Consumer.defaults(groupId: nil, isolation: .readCommitted, membership: .manual)))
  }
  let limit = deadline(inMs: timeoutMs)
  let patience = deadline(inMs: min(silentBrokerPatienceMs, timeoutMs))
  for (probe, address) in zip(probes, addresses) {
    for topic in topics {
      try awaitKnown(topic, counts[topic] ?? 1, by: probe, address, patience: patience, limit: limit)
    }
  }
}

private func awaitKnown(
  _ name: String, _ count: Int, by probe: ClientHandle, _ address: String, patience: Int64, limit: Int64
) throws(KafkaError) {
  guard let topic = rd_kafka_topic_new(probe.rk, name, nil) else { throw KafkaError(rd_kafka_last_error()) }
  defer { rd_kafka_topic_destroy(topic) }
  while true {
    let left = Int(clamping: max(1, patience &- monotonicMs()))
    do throws(KafkaError) {
      if try askPartitionCount(of: name, topic, probe, attemptMs: left) >= count { return }
    } catch {
      let isUnknown =
        error.code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue || error.remedy == .retry
      if !isUnknown { throw error }
      if error.isSilence, monotonicMs() >= patience { return }
    }
    if monotonicMs() >= limit {
      throw KafkaError.timedOut("broker \(address) does not know topic \(name) with \(count) partitions")
    }
    rest(ms: 20)
  }
}

extension KafkaError {
  /// Nobody answered, as opposed to an answer that was no use.
  fileprivate var isSilence: Bool {
    [
      RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
      RD_KAFKA_RESP_ERR__RESOLVE,
    ].contains { $0.rawValue == code }
  }
}

/// `host:port` of every broker that the cluster counts as living.
private func brokerAddresses(_ handle: ClientHandle, timeoutMs: Int) throws(KafkaError) -> [String] {
  try retried(timeoutMs: timeoutMs) { attemptMs throws(KafkaError) in
    var found: UnsafePointer<rd_kafka_metadata>?
    let outcome = rd_kafka_metadata(handle.rk, 0, nil, &found, Int32(clamping: attemptMs))
    guard outcome == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata = found else {
      throw KafkaError(outcome, "no list of brokers")
    }
    defer { rd_kafka_metadata_destroy(metadata) }
    guard let list = metadata.pointee.brokers else { return [] }
    return (0..<Int(metadata.pointee.broker_cnt)).map { index in
      let host = String(cString: list[index].host)
      return "\(host.contains(":") ? "[\(host)]" : host):\(list[index].port)"
    }
  }
}
