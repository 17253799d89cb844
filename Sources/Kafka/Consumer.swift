internal import CRdKafka

/// Reads topics: belongs to one thread, which calls everything here.
///
/// Back-pressure is not polling; prefetched bytes are bounded by `queued.max.messages.kbytes`. Whoever
/// does not poll for long calls ``keepAlive()`` so that the group does not take the partitions away.
public final class Consumer {
  let handle: ClientHandle
  let settings: ClientSettings
  let isManual: Bool
  private let queue: OpaquePointer
  private let idleQueue: OpaquePointer
  private var closed = false

  /// Topic names by ``MessageView/topicIndex``.
  public private(set) var topics: [String] = []
  private var slots: [TopicSlot] = []
  private var topicIndexes: [String: Int] = [:]
  var pendingRebalance: (isAssignment: Bool, partitions: [TopicPartition])?
  private weak var lastBatch: MessageBatch?

  /// Messages thrown away because their partition was not assigned any more or they were out of order.
  public private(set) var filteredCount = 0

  private struct TopicSlot {
    var rkt: OpaquePointer?
    var partitions: [PartitionSlot] = []
  }
  private struct PartitionSlot {
    var isAssigned = false
    var next: Int64 = 0
  }
  /// More partitions than Kafka itself allows in practice: larger numbers are not believed.
  private static let partitionMax = 200_000

  /// - Throws: ``KafkaError`` when a property is refused.
  public init(
    settings: ClientSettings, groupId: String, isolation: Isolation = .readCommitted,
    membership: Membership
  ) throws(KafkaError) {
    self.settings = settings
    if case .manual = membership { isManual = true } else { isManual = false }
    handle = try ClientHandle(
      RD_KAFKA_CONSUMER, settings,
      defaults: Consumer.defaults(groupId: groupId, isolation: isolation, membership: membership))
    guard let queue = rd_kafka_queue_get_consumer(handle.rk), let idle = rd_kafka_queue_new(handle.rk) else {
      throw KafkaError.own("the consumer has no queue")
    }
    self.queue = queue
    idleQueue = idle
  }

  /// - Parameter groupId: nil for a client that only asks: it then keeps no coordinator.
  static func defaults(
    groupId: String?, isolation: Isolation, membership: Membership
  ) -> [String: String] {
    var defaults = [
      "isolation.level": isolation.rawValue, "check.crcs": "true",
      "auto.offset.reset": "error", "enable.auto.commit": "false", "enable.auto.offset.store": "false",
      "fetch.wait.max.ms": "10", "fetch.error.backoff.ms": "50", "queued.max.messages.kbytes": "16384",
      "queued.min.messages": "100000", "enable.partition.eof": "true", "max.poll.interval.ms": "300000",
      "allow.auto.create.topics": "false",
    ]
    if let groupId { defaults["group.id"] = groupId }
    if case .group(let cooperative, let instanceId, let sessionTimeoutMs) = membership {
      defaults["partition.assignment.strategy"] = cooperative ? "cooperative-sticky" : "range"
      defaults["session.timeout.ms"] = "\(sessionTimeoutMs)"
      // A topic made a moment ago may be unknown to the broker asked first: look again soon, not in 5 min.
      defaults["topic.metadata.refresh.interval.ms"] = "5000"
      defaults["heartbeat.interval.ms"] = "\(max(100, sessionTimeoutMs / 5))"
      if let instanceId { defaults["group.instance.id"] = instanceId }
    }
    return defaults
  }

  /// Joins the group for these topics; partitions arrive as ``ConsumerEvent/assigned(_:)``.
  public func subscribe(_ topics: [String]) throws(KafkaError) {
    let list = PartitionList(topics.map { TopicPartition($0, -1) })
    let outcome = rd_kafka_subscribe(handle.rk, list.list)
    if outcome != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(outcome) }
  }

  /// Waits up to `timeoutMs` for something, then takes what is there, up to `max` messages, into `batch`
  /// (after what it already holds).
  ///
  /// On `.assigned` or `.revoked` it returns at once; the messages in the batch were read before it and
  /// are still ours. Answer after working them off.
  public func poll(into batch: MessageBatch, max: Int, timeoutMs: Int) -> [ConsumerEvent] {
    var events: [ConsumerEvent] = []
    if closed { return [.error(KafkaError.own("the consumer is closed"))] }
    lastBatch = batch
    var wait = Int32(clamping: timeoutMs)
    let full = batch.count &+ Swift.max(0, max)
    while batch.count < full, let event = rd_kafka_queue_poll(queue, wait) {
      wait = 0
      if rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH {
        take(event, into: batch)
        continue
      }
      let isRebalance = note(event, &events)
      rd_kafka_event_destroy(event)
      if isRebalance || events.count >= 1_000 { break }
    }
    return events
  }

  /// Tells the group we are alive without taking messages (librdkafka 2.0.2 counts a poll of any queue).
  public func keepAlive() {
    if let event = rd_kafka_queue_poll(idleQueue, 0) { rd_kafka_event_destroy(event) }
  }

  private func take(_ event: OpaquePointer, into batch: MessageBatch) {
    guard let message = rd_kafka_event_message_next(event), message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR,
      let rkt = message.pointee.rkt
    else {
      rd_kafka_event_destroy(event)
      return
    }
    let topic = index(of: rkt)
    let partition = Int(message.pointee.partition)
    let offset = message.pointee.offset
    guard partition >= 0, partition < slots[topic].partitions.count,
      slots[topic].partitions[partition].isAssigned, offset >= slots[topic].partitions[partition].next
    else {
      filteredCount &+= 1
      rd_kafka_event_destroy(event)
      return
    }
    slots[topic].partitions[partition].next = offset &+ 1
    batch.append(Consumer.view(of: message, topic: topic), event)
  }

  private static func view(of message: UnsafePointer<rd_kafka_message_t>, topic: Int) -> MessageView {
    let at = message.pointee
    return MessageView(
      topicIndex: Int32(truncatingIfNeeded: topic), partition: at.partition, offset: at.offset,
      timestampMs: rd_kafka_message_timestamp(message, nil),
      key: at.key.map { UnsafeRawBufferPointer(start: $0, count: at.key_len) },
      value: at.payload.map { UnsafeRawBufferPointer(start: $0, count: at.len) })
  }

  /// Says whether it was a rebalance.
  private func note(_ event: OpaquePointer, _ events: inout [ConsumerEvent]) -> Bool {
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_REBALANCE:
      let list = rd_kafka_event_topic_partition_list(event)
      let partitions = list.map { PartitionList.offsets(of: $0).map(\.0) } ?? []
      let isAssignment = rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
      pendingRebalance = (isAssignment, partitions)
      events.append(
        isAssignment
          ? .assigned(partitions)
          : .revoked(partitions, lost: rd_kafka_assignment_lost(handle.rk) != 0))
      return true
    case RD_KAFKA_EVENT_ERROR:
      events.append(described(event))
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
      let code = rd_kafka_event_error(event)
      if code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__NO_OFFSET {
        events.append(.error(KafkaError(code, "offset commit failed")))
      }
    default:
      _ = settings.takeTelemetry(event)
    }
    return false
  }

  private func described(_ event: OpaquePointer) -> ConsumerEvent {
    if rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__PARTITION_EOF,
      let at = rd_kafka_event_topic_partition(event)
    {
      defer { rd_kafka_topic_partition_destroy(at) }
      let partition = TopicPartition(String(cString: at.pointee.topic), at.pointee.partition)
      return .endOfPartition(partition, offset: at.pointee.offset)
    }
    let error = KafkaError.from(event: event, of: handle)
    // librdkafka goes on by itself when a later look says that it exists.
    return .error(error.isMissingTopic ? error.retriable : error)
  }

  /// Gives the partitions back, leaves the group and frees everything; bounded to about `timeoutMs`.
  public func close(timeoutMs: Int = 5_000) {
    if closed { return }
    closed = true
    lastBatch?.release()
    if !isManual { leaveGroup(until: deadline(inMs: timeoutMs)) }
    freeQueues()
  }

  private func leaveGroup(until limit: Int64) {
    if let error = rd_kafka_consumer_close_queue(handle.rk, queue) {
      rd_kafka_error_destroy(error)
      return
    }
    // An answer still owed holds up the leaving; while it leaves, librdkafka takes any as "none".
    try? answerRebalance([])
    while rd_kafka_consumer_closed(handle.rk) == 0, monotonicMs() < limit {
      guard let event = rd_kafka_queue_poll(queue, 50) else { continue }
      let isRebalance = rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE
      if isRebalance {
        var ignored: [ConsumerEvent] = []
        _ = note(event, &ignored)
      }
      rd_kafka_event_destroy(event)
      if isRebalance { try? answerRebalance([]) }
    }
  }

  /// Ends without a word to the group, as a crash does: it learns of it by the session's time-out.
  func abandon() {
    if closed { return }
    closed = true
    lastBatch?.release()
    freeQueues()
  }

  private func freeQueues() {
    rd_kafka_queue_destroy(queue)
    rd_kafka_queue_destroy(idleQueue)
    handle.destroy(withoutConsumerClose: true, inBackground: settings.closesInBackground)
  }

  deinit { close() }
}

extension Consumer {
  /// The interned number of a topic; grows by one entry per topic ever seen.
  func topicIndex(_ name: String) -> Int {
    if let known = topicIndexes[name] { return known }
    topicIndexes[name] = topics.count
    topics.append(name)
    slots.append(TopicSlot())
    return topics.count - 1
  }

  /// By librdkafka's topic object; the few subscribed topics are searched in turn.
  private func index(of rkt: OpaquePointer) -> Int {
    for index in slots.indices where slots[index].rkt == rkt { return index }
    let index = topicIndex(String(cString: rd_kafka_topic_name(rkt)))
    slots[index].rkt = rkt
    return index
  }

  /// From now on messages of this partition count, from `offset` on (any, when it is a logical one).
  func markAssigned(_ partition: TopicPartition, from offset: Int64) {
    let topic = topicIndex(partition.topic)
    let number = Int(partition.partition)
    guard number >= 0, number < Consumer.partitionMax else { return }
    while slots[topic].partitions.count <= number { slots[topic].partitions.append(PartitionSlot()) }
    slots[topic].partitions[number] = PartitionSlot(isAssigned: true, next: max(0, offset))
  }

  func markRevoked(_ partition: TopicPartition) {
    let topic = topicIndex(partition.topic)
    let number = Int(partition.partition)
    slots[topic].rkt = nil
    guard number >= 0, number < slots[topic].partitions.count else { return }
    slots[topic].partitions[number].isAssigned = false
  }

  func markAllRevoked() {
    for topic in slots.indices {
      slots[topic].rkt = nil
      slots[topic].partitions.removeAll()
    }
  }

  /// The offset after the last message handed out; nil when nothing was or it is not ours.
  public func nextOffset(of partition: TopicPartition) -> Int64? {
    let topic = topicIndex(partition.topic)
    let number = Int(partition.partition)
    guard number >= 0, number < slots[topic].partitions.count, slots[topic].partitions[number].isAssigned
    else { return nil }
    return slots[topic].partitions[number].next
  }
}
