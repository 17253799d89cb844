internal import CRdKafka

/// A topic to be made.
public struct TopicPlan: Sendable {
  public var name: String
  public var partitions: Int
  /// −1: the broker's default.
  public var replication: Int
  /// The broker's topic properties, for example `cleanup.policy`.
  public var properties: [String: String]

  public init(name: String, partitions: Int, replication: Int = -1, properties: [String: String] = [:]) {
    self.name = name
    self.partitions = partitions
    self.replication = replication
    self.properties = properties
  }
}

/// Topics and offsets from the outside. One thread calls. Creating does not work on ``EmbeddedBroker``.
public final class Admin {
  private let settings: ClientSettings
  let committed: ClientHandle
  private let uncommitted: ClientHandle

  /// - Throws: ``KafkaError`` when a property is refused.
  public init(settings: ClientSettings) throws(KafkaError) {
    func open(_ isolation: Isolation) throws(KafkaError) -> ClientHandle {
      try ClientHandle(
        RD_KAFKA_CONSUMER, settings,
        defaults: Consumer.defaults(groupId: nil, isolation: isolation, membership: .manual))
    }
    self.settings = settings
    committed = try open(.readCommitted)
    uncommitted = try open(.readUncommitted)
  }

  /// Makes the topics and waits until every broker knows them; those that exist already are left as they are and
  /// returned. Repeated while the controller is away, up to the time-out: a topic made by a lost first attempt then
  /// counts as existing.
  /// - Throws: ``KafkaError`` naming the first topic that could not be made.
  @discardableResult
  public func createTopics(_ plans: [TopicPlan], timeoutMs: Int = 30_000) throws(KafkaError) -> [String] {
    if plans.isEmpty { return [] }
    let existing = try retried(timeoutMs: timeoutMs) { attemptMs throws(KafkaError) in
      try createOnce(plans, timeoutMs: attemptMs)
    }
    try awaitKnownEverywhere(plans.map(\.name), timeoutMs: timeoutMs)
    return existing
  }

  /// Waits until every broker that answers knows the topics: to be done before joining a group that reads them,
  /// which could otherwise be given no partition for good.
  /// - Throws: ``KafkaError`` naming the broker that does not know a topic within the time.
  public func awaitKnownEverywhere(_ topics: [String], timeoutMs: Int = 30_000) throws(KafkaError) {
    try Kafka.awaitKnownEverywhere(topics, settings, committed, timeoutMs: timeoutMs)
  }

  private func createOnce(_ plans: [TopicPlan], timeoutMs: Int) throws(KafkaError) -> [String] {
    var topics: [OpaquePointer?] = []
    defer { for topic in topics { rd_kafka_NewTopic_destroy(topic) } }
    for plan in plans { topics.append(try newTopic(plan)) }
    guard let queue = rd_kafka_queue_new(committed.rk) else { throw KafkaError.own("no admin queue") }
    defer { rd_kafka_queue_destroy(queue) }
    guard let options = rd_kafka_AdminOptions_new(committed.rk, RD_KAFKA_ADMIN_OP_CREATETOPICS) else {
      throw KafkaError.own("no admin options")
    }
    rd_kafka_AdminOptions_set_operation_timeout(options, Int32(clamping: timeoutMs), nil, 0)
    rd_kafka_AdminOptions_set_request_timeout(options, Int32(clamping: timeoutMs), nil, 0)
    rd_kafka_CreateTopics(committed.rk, &topics, topics.count, options, queue)
    rd_kafka_AdminOptions_destroy(options)
    guard let event = rd_kafka_queue_poll(queue, Int32(clamping: timeoutMs + 1_000)) else {
      throw KafkaError.timedOut("no answer about new topics")
    }
    defer { rd_kafka_event_destroy(event) }
    return try existing(in: event)
  }

  private func newTopic(_ plan: TopicPlan) throws(KafkaError) -> OpaquePointer {
    var text = [CChar](repeating: 0, count: 256)
    guard
      let topic = rd_kafka_NewTopic_new(
        plan.name, Int32(clamping: plan.partitions), Int32(clamping: plan.replication), &text, text.count)
    else { throw KafkaError.invalid("topic \(plan.name): \(string(fromC: text))") }
    for (name, value) in plan.properties { rd_kafka_NewTopic_set_config(topic, name, value) }
    return topic
  }

  private func existing(in event: OpaquePointer) throws(KafkaError) -> [String] {
    if rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR {
      throw KafkaError.from(event: event, of: committed)
    }
    var existing: [String] = []
    var count = 0
    guard let result = rd_kafka_event_CreateTopics_result(event),
      let answers = rd_kafka_CreateTopics_result_topics(result, &count)
    else { return [] }
    for index in 0..<count {
      let code = rd_kafka_topic_result_error(answers[index])
      let name = rd_kafka_topic_result_name(answers[index]).map { String(cString: $0) } ?? ""
      if code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS {
        existing.append(name)
      } else if code != RD_KAFKA_RESP_ERR_NO_ERROR {
        let text = rd_kafka_topic_result_error_string(answers[index]).map { String(cString: $0) } ?? ""
        throw KafkaError(code, "topic \(name): \(text)")
      }
    }
    return existing
  }

  /// All topics with their numbers of partitions.
  public func topics(timeoutMs: Int = 10_000) throws(KafkaError) -> [String: Int] {
    try retried(timeoutMs: timeoutMs) { attemptMs throws(KafkaError) in try listTopics(timeoutMs: attemptMs) }
  }

  private func listTopics(timeoutMs: Int) throws(KafkaError) -> [String: Int] {
    var found: UnsafePointer<rd_kafka_metadata>?
    let outcome = rd_kafka_metadata(committed.rk, 1, nil, &found, Int32(clamping: timeoutMs))
    guard outcome == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata = found else {
      throw KafkaError(outcome, "no list of topics")
    }
    defer { rd_kafka_metadata_destroy(metadata) }
    var topics: [String: Int] = [:]
    guard let list = metadata.pointee.topics else { return topics }
    for index in 0..<Int(metadata.pointee.topic_cnt) where list[index].err == RD_KAFKA_RESP_ERR_NO_ERROR {
      topics[String(cString: list[index].topic)] = Int(list[index].partition_cnt)
    }
    return topics
  }

  /// The number of partitions of one topic.
  /// - Throws: ``KafkaError``: unknown topic.
  public func partitionCount(of topic: String, timeoutMs: Int = 10_000) throws(KafkaError) -> Int {
    try Kafka.partitionCount(of: topic, committed, timeoutMs: timeoutMs)
  }

  /// The broker that leads each partition, −1 where none does.
  public func leaders(of topic: String, timeoutMs: Int = 10_000) throws(KafkaError) -> [Int32] {
    try Kafka.leaders(of: topic, committed, timeoutMs: timeoutMs)
  }

  /// First offset and end; with read committed the end of what is decided.
  public func watermarks(
    _ partition: TopicPartition, isolation: Isolation, timeoutMs: Int = 10_000
  ) throws(KafkaError) -> (low: Int64, high: Int64) {
    let handle = isolation == .readCommitted ? committed : uncommitted
    return try queryWatermarks(handle, partition, timeoutMs: timeoutMs)
  }

  /// Per partition the first offset with a record at or after the time; without one it is left out.
  public func offsetsForTimes(
    _ times: [(TopicPartition, timestampMs: Int64)], timeoutMs: Int = 10_000
  ) throws(KafkaError) -> [TopicPartition: Int64] {
    if times.isEmpty { return [:] }
    return try retried(timeoutMs: timeoutMs) { attemptMs throws(KafkaError) in
      let list = PartitionList(offsets: times.map { ($0.0, $0.timestampMs) })
      let outcome = rd_kafka_offsets_for_times(committed.rk, list.list, Int32(clamping: attemptMs))
      if outcome != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(outcome) }
      if let error = list.firstError { throw error }
      var offsets: [TopicPartition: Int64] = [:]
      for (partition, offset) in list.offsets where offset >= 0 { offsets[partition] = offset }
      return offsets
    }
  }

  public func close() {
    committed.destroy(withoutConsumerClose: true)
    uncommitted.destroy(withoutConsumerClose: true)
  }
}
