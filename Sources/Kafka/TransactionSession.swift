internal import CRdKafka

/// One life of a transactional producer: a client, the thread that takes its delivery reports, and what
/// they say about the transaction at hand.
final class TransactionSession: @unchecked Sendable {
  let handle: ClientHandle
  private let queue: OpaquePointer
  private let settings: ClientSettings
  private let monitor = Monitor()
  private var reader: WorkerThread?
  private var topicObjects: [String: OpaquePointer] = [:]
  private var isClosed = false

  // Guarded by the monitor.
  private var isStopping = false
  /// By topic number << 32 | partition: the offset after the last acknowledged record.
  private var ends: [Int: Int64] = [:]

  /// - Throws: ``KafkaError`` when a property is refused.
  init(_ settings: ClientSettings, transactionalId: String, transactionTimeoutMs: Int) throws(KafkaError) {
    self.settings = settings
    handle = try ClientHandle(
      RD_KAFKA_PRODUCER, settings,
      defaults: [
        "transactional.id": transactionalId, "transaction.timeout.ms": "\(transactionTimeoutMs)",
        "message.timeout.ms": "\(transactionTimeoutMs)", "enable.idempotence": "true", "acks": "all",
        // Small answers are slow with more (Nagle on the mock); order is the same either way.
        "max.in.flight.requests.per.connection": "1", "linger.ms": "0", "retry.backoff.ms": "50",
        "socket.timeout.ms": "\(max(1_000, min(10_000, transactionTimeoutMs - 100)))",
        "message.max.bytes": "\(Producer.recordBytesMax + 4_096)", "batch.size": "1000000",
        "queue.buffering.max.messages": "2000000", "queue.buffering.max.kbytes": "1048576",
      ])
    guard let queue = handle.mainQueue() else { throw KafkaError.own("the producer has no queue") }
    self.queue = queue
    reader = WorkerThread { [self] in takeReports() }
  }

  private func takeReports() {
    while !monitor.locked({ isStopping }) {
      guard let event = rd_kafka_queue_poll(queue, 500) else { continue }
      if rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR {
        note(event)
      } else {
        _ = settings.takeTelemetry(event)
      }
      rd_kafka_event_destroy(event)
    }
  }

  private func note(_ event: OpaquePointer) {
    monitor.lock()
    while let message = rd_kafka_event_message_next(event) {
      let tag = Int(bitPattern: message.pointee._private) &- 1
      if message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR || tag < 0 { continue }
      ends[tag] = max(ends[tag] ?? 0, message.pointee.offset &+ 1)
    }
    monitor.unlock()
  }

  func forgetReports() { monitor.locked { ends.removeAll(keepingCapacity: true) } }

  /// Ends by partition, after a commit has waited for all reports.
  func endOffsets(_ records: TransactionRecords) -> [TopicPartition: Int64] {
    monitor.lock()
    defer { monitor.unlock() }
    var found: [TopicPartition: Int64] = [:]
    for (tag, end) in ends where records.topics.indices.contains(tag >> 32) {
      found[TopicPartition(records.topics[tag >> 32], Int32(truncatingIfNeeded: tag & 0xffff_ffff))] = end
    }
    return found
  }

  // MARK: Producing

  /// Hands all records over without a copy, in order within each topic.
  func produce(_ records: TransactionRecords) -> KafkaError? {
    for (number, name) in records.topics.enumerated() {
      var messages: [rd_kafka_message_t] = []
      for entry in records.entries where entry.topic == number {
        messages.append(TransactionSession.message(entry, records.arena))
      }
      if messages.isEmpty { continue }
      let topic: OpaquePointer
      do throws(KafkaError) { topic = try topicObject(name) } catch { return error }
      let count = Int32(clamping: messages.count)
      let accepted = rd_kafka_produce_batch(
        topic, -1, RD_KAFKA_MSG_F_PARTITION, &messages, count)
      if accepted != count {
        let refused = messages.first { $0.err != RD_KAFKA_RESP_ERR_NO_ERROR }
        let error = handle.fatalError ?? KafkaError(refused?.err ?? RD_KAFKA_RESP_ERR__FAIL)
        // The topic was there a moment ago: a broker that has just come back does not know yet.
        return error.isMissingTopic && !error.isFatal ? error.retriable : error
      }
    }
    return nil
  }

  private static func message(
    _ entry: TransactionRecords.Entry, _ arena: TransactionRecords.Arena
  ) -> rd_kafka_message_t {
    var message = rd_kafka_message_t()
    message.partition = entry.partition
    message._private = UnsafeMutableRawPointer(bitPattern: Int(entry.topic) << 32 | Int(entry.partition) &+ 1)
    if entry.keyCount >= 0 {
      message.key = arena.base + entry.start
      message.key_len = entry.keyCount
    }
    if entry.valueCount >= 0 {
      message.payload = arena.base + entry.start + max(0, entry.keyCount)
      message.len = entry.valueCount
    }
    return message
  }

  /// The topic's partitions are asked for first: with a topic that this client has not met, librdkafka
  /// 2.0.2's batch call puts partition −1 into the transaction, and the broker refuses it.
  private func topicObject(_ name: String) throws(KafkaError) -> OpaquePointer {
    if let known = topicObjects[name] { return known }
    guard let made = rd_kafka_topic_new(handle.rk, name, nil) else { throw KafkaError(rd_kafka_last_error()) }
    do throws(KafkaError) {
      _ = try partitionCount(of: name, handle, timeoutMs: 10_000)
    } catch {
      rd_kafka_topic_destroy(made)
      throw error
    }
    topicObjects[name] = made
    return made
  }

  // MARK: Transaction calls, repeated while librdkafka says so

  func initialize(until limit: Int64) -> KafkaError? {
    repeated(until: limit) { rd_kafka_init_transactions(handle.rk, $0) }
  }

  func begin() -> KafkaError? { rd_kafka_begin_transaction(handle.rk).map { KafkaError(consuming: $0) } }

  func sendOffsets(_ offsets: [PartitionOffset], _ group: GroupMetadata, until limit: Int64) -> KafkaError? {
    let list = PartitionList(offsets: offsets)
    let pointer = list.list
    return repeated(until: limit) {
      rd_kafka_send_offsets_to_transaction(handle.rk, pointer, group.pointer, $0)
    }
  }

  func commit(until limit: Int64) -> KafkaError? {
    repeated(until: limit) { rd_kafka_commit_transaction(handle.rk, $0) }
  }

  func abort(until limit: Int64) -> KafkaError? {
    repeated(until: limit) { rd_kafka_abort_transaction(handle.rk, $0) }
  }

  private func repeated(until limit: Int64, _ call: (Int32) -> OpaquePointer?) -> KafkaError? {
    while true {
      let left = limit - monotonicMs()
      guard let failed = call(Int32(clamping: max(100, left))) else { return nil }
      let error = KafkaError(consuming: failed)
      if !error.isRetriable || monotonicMs() >= limit { return error }
      monitor.lock()
      _ = monitor.wait(untilMs: min(limit, monotonicMs() + 20)) { isStopping }
      monitor.unlock()
    }
  }

  /// Waits for librdkafka to let go of everything. Nobody may be within a call.
  func close() {
    if isClosed { return }
    isClosed = true
    monitor.locked {
      isStopping = true
      monitor.wakeAll()
    }
    rd_kafka_queue_yield(queue)
    reader?.join()
    for topic in topicObjects.values { rd_kafka_topic_destroy(topic) }
    topicObjects.removeAll()
    rd_kafka_purge(
      handle.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING)
    rd_kafka_queue_destroy(queue)
    handle.destroy()
  }
}
