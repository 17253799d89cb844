import Synchronization
import Testing

@testable import Kafka

extension BrokerTests {
  /// Brokers killed and brought back under load.
  @Suite(
    .enabled(
      if: RealBroker.canKill, "KAFKA_CLUSTER and KAFKA_CLUSTER_DIR are not set, or fewer than 3 brokers"))
  struct Faults {
    private let settings = RealBroker.settings

    /// The broker that coordinates this name: Java's `String.hashCode` over the internal topic's partitions.
    private func coordinator(of name: String, in internalTopic: String) throws -> Int {
      let admin = try Admin(settings: settings)
      defer { admin.close() }
      let leaders = try admin.leaders(of: internalTopic)
      var hash: Int32 = 0
      for byte in name.utf8 { hash = hash &* 31 &+ Int32(byte) }
      return Int(leaders[Int(hash == .min ? 0 : abs(hash)) % leaders.count])
    }

    private func values(_ topic: String, partitions: Int, count: Int) throws -> [[Int]] {
      let consumer = try Consumer(
        settings: settings, groupId: "check", isolation: .readCommitted, membership: .manual)
      defer { consumer.close() }
      try consumer.assign((0..<Int32(partitions)).map { (TopicPartition(topic, $0), 0) })
      let (seen, _) = read(consumer, count: count, rounds: 50)
      return (0..<partitions).map { partition in
        seen.filter { $0.partition == partition }.compactMap { $0.value.flatMap { Int($0) } }
      }
    }

    private struct WrongAnswer: Error { let question: String }

    /// What a stage asks when it starts; nobody leads or coordinates some of it, and all of it waits.
    private func askEverything(_ topic: String, _ groups: [String], partitions: Int) throws {
      func check(_ holds: Bool, _ question: String) throws {
        if !holds { throw WrongAnswer(question: question) }
      }
      let admin = try Admin(settings: settings)
      defer { admin.close() }
      let changelog = try ChangelogReader(settings: settings)
      defer { changelog.close() }
      try check(admin.partitionCount(of: topic) == partitions, "partitions")
      for group in groups {
        let reader = try Consumer(
          settings: settings, groupId: group, isolation: .readCommitted, membership: .manual)
        let zero = TopicPartition(topic, 0)
        try check(reader.committed([zero])[zero] == 7, "committed")
        try reader.commit([(TopicPartition(topic, 1), 8)])
        reader.close()
      }
      for number in 0..<Int32(partitions) {
        let partition = TopicPartition(topic, number)
        // A producer that opened itself anew may have repeated a record.
        let high = try admin.watermarks(partition, isolation: .readCommitted).high
        try check(high >= 1, "watermarks")
        try check(changelog.readToEnd(partition, from: nil) { _, _, _ in } == high, "changelog")
      }
    }

    /// A topic with a record in each partition, and groups with a commit.
    private func prepareQuestions(partitions: Int) throws -> (topic: String, groups: [String]) {
      let topic = try RealBroker.newTopic("questions", partitions: partitions)
      let producer = try Producer(settings: settings)
      let handle = try producer.topic(topic)
      for partition in 0..<Int32(partitions) { _ = try producer.sendText(handle, partition, "k", "v") }
      #expect(producer.close())
      let groups = (0..<4).map { "questions-\(topic)-\($0)" }
      for group in groups {
        let reader = try Consumer(settings: settings, groupId: group, membership: .manual)
        try reader.commit([(TopicPartition(topic, 0), 7)])
        reader.close()
      }
      return (topic, groups)
    }

    /// One commit of one record and one offset, repeated as the outcomes demand.
    private func commitOnce(
      _ producer: TransactionalProducer, _ topic: String, value: String, input: TopicPartition,
      to offset: Int64,
      _ consumer: Consumer, timeoutMs: Int
    ) throws -> [String] {
      let records = TransactionRecords()
      let number = records.topic(topic)
      try withBytes(value) { try records.append(topic: number, partition: 0, key: nil, value: $0) }
      var story: [String] = []
      let start = monotonicMs()
      for _ in 0..<20 {
        if !producer.isOpen {
          do { try producer.open() } catch {
            story.append("open: \(error.name)")
            continue
          }
        }
        switch producer.commit(
          records, offsets: [(input, offset)], group: try consumer.groupMetadata(), timeoutMs: timeoutMs)
        {
        case .committed: return story
        case .aborted(let error): story.append("aborted: \(error.name) after \(monotonicMs() - start) ms")
        case .uncertain(let error), .fenced(let error):
          story.append("uncertain or fenced: \(error.name) after \(monotonicMs() - start) ms")
          if try consumer.committed([input], timeoutMs: 30_000)[input] == offset { return story }
        }
      }
      Issue.record("never committed: \(story)")
      return story
    }

    /// Meanwhile the usual questions are asked, which wait for a dead broker instead of failing.
    @Test(arguments: ["transaction's", "group's"])
    func theDeathOfACoordinatorNeitherLosesNorDoublesACommit(which: String) throws {
      let topic = try RealBroker.newTopic("coordinator")
      let input = TopicPartition(topic, 1)
      let group = "g-\(topic)"
      let id = "id-\(topic)"
      let consumer = try Consumer(settings: settings, groupId: group, membership: .manual)
      defer { consumer.close() }
      let producer = TransactionalProducer(
        settings: settings, transactionalId: id, transactionTimeoutMs: 5_000)
      try producer.open()
      // A cluster that has just been started makes its internal topics for this one first.
      #expect(
        try commitOnce(producer, topic, value: "1", input: input, to: 1, consumer, timeoutMs: 30_000) == [])
      let victim =
        which == "group's"
        ? try coordinator(of: group, in: "__consumer_offsets")
        : try coordinator(of: id, in: "__transaction_state")
      let partitions = 6
      let (questions, groups) = try prepareQuestions(partitions: partitions)
      let killer = BrokerKiller()
      killer.kill(victim)
      let asker = OnThread { [self] in try askEverything(questions, groups, partitions: partitions) }
      // Shorter than it takes to find another coordinator.
      let story = try commitOnce(producer, topic, value: "2", input: input, to: 2, consumer, timeoutMs: 1_000)
      asker.finish()
      killer.finish()
      print(
        "\(which) coordinator \(victim) killed: \(story), \(producer.openings) openings, \(producer.abandoned) abandoned"
      )
      #expect(
        try commitOnce(producer, topic, value: "3", input: input, to: 3, consumer, timeoutMs: 10_000) == [])
      #expect(try consumer.committed([input], timeoutMs: 20_000) == [input: 3])
      #expect(try values(topic, partitions: 1, count: 9) == [[1, 2, 3]])
      producer.close()
    }

    /// Every broker once, one after the other (PASSFLOW_TEST_LONG), or one of them.
    @Test func aCopyIsExactThoughBrokersAreKilledWhileTheSourceIsWritten() throws {
      let kills = RealBroker.isLong ? 3 : 1
      let count = kills * 16_000
      let partitions = 3
      let source = try RealBroker.newTopic("source", partitions: partitions)
      let target = try RealBroker.newTopic("target", partitions: partitions)
      let producer = try Producer(settings: settings)
      let handle = try producer.topic(source)
      let copier = try TransactionalCopier(settings, source: source, target: target, partitions: partitions)
      let killer = BrokerKiller()
      let limit = deadline(inMs: 60_000 + 40_000 * kills)
      var sent = 0
      while sent < count || killer.killed < kills || producer.acknowledgedThrough < UInt64(sent),
        monotonicMs() < limit
      {
        // One broker after equal shares; the next not before the last one is back.
        if killer.killed < kills, killer.isIdle,
          copier.copied >= (2 * killer.killed + 1) * count / (2 * kills + 2)
        {
          killer.start(killer.killed + 1)
        }
        let room = min(count * (killer.killed + 1) / (kills + 1), count) - sent
        for number in sent..<(sent + max(0, min(room, 500))) {
          _ = try producer.sendText(handle, Int32(number % partitions), "k", "\(number)")
          sent += 1
        }
        producer.flushPending()
        try copier.step(max: 400)
      }
      #expect(producer.close(timeoutMs: 30_000))
      let ends = try copier.inputEnds()
      while copier.copied < ends, monotonicMs() < limit { try copier.step(max: 2_000) }
      killer.finish()
      #expect(killer.killed == kills)
      copier.close()
      print("copy: \(sent) sent, \(producer.reopenings) reopenings, \(copier.summary)")
      let written = try values(source, partitions: partitions, count: ends)
      let copied = try values(target, partitions: partitions, count: ends + 1)
      for number in 0..<partitions {
        var known: Set<Int> = []
        let isComplete =
          written[number].filter { known.insert($0).inserted }
          == Array(stride(from: number, to: count, by: partitions))
        #expect(isComplete)
        let isExact = copied[number] == written[number]
        #expect(isExact)
      }
    }
  }
}

/// Runs something that throws beside the test.
private final class OnThread: @unchecked Sendable {
  private var thread: WorkerThread?
  private let failure = Mutex<String?>(nil)

  init(_ body: @escaping @Sendable () throws -> Void) {
    thread = WorkerThread { [self] in
      do { try body() } catch { failure.withLock { $0 = "\(error)" } }
    }
  }

  func finish() {
    thread?.join()
    #expect(failure.withLock { $0 } == nil)
  }
}

/// Kills a broker and brings it back, on a thread of its own.
final class BrokerKiller: @unchecked Sendable {
  private(set) var killed = 0
  private var thread: WorkerThread?
  private let busy = Atomic<Bool>(false)

  var isIdle: Bool { !busy.load(ordering: .acquiring) }

  /// Dead when it returns, coming back meanwhile.
  func kill(_ broker: Int) {
    RealBroker.cluster("kill", broker)
    run { RealBroker.cluster("revive", broker) }
  }

  func start(_ broker: Int) {
    run {
      RealBroker.cluster("kill", broker)
      RealBroker.cluster("revive", broker)
    }
  }

  private func run(_ body: @escaping @Sendable () -> Void) {
    thread?.join()
    killed += 1
    busy.store(true, ordering: .releasing)
    thread = WorkerThread { [self] in
      body()
      busy.store(false, ordering: .releasing)
    }
  }

  func finish() { thread?.join() }
}

/// Consume, copy, commit records and offsets in one transaction; reacts to outcomes as a stage must.
final class TransactionalCopier {
  private let consumer: Consumer
  private let producer: TransactionalProducer
  private let inputs: [TopicPartition]
  private let batch = MessageBatch()
  private let records = TransactionRecords()
  private let target: Int
  private var outcomes: [String: Int] = [:]
  /// By partition: the input offset that is committed.
  private var committed: [TopicPartition: Int64] = [:]
  /// Inputs are written without transactions: their offsets are dense.
  var copied: Int { committed.values.reduce(0) { $0 + Int($1) } }
  var summary: String {
    "\(outcomes.sorted { $0.key < $1.key }), \(producer.openings) openings, \(producer.abandoned) abandoned"
  }

  init(_ settings: ClientSettings, source: String, target: String, partitions: Int) throws {
    inputs = (0..<Int32(partitions)).map { TopicPartition(source, $0) }
    consumer = try Consumer(settings: settings, groupId: "copy-\(source)", membership: .manual)
    producer = TransactionalProducer(
      settings: settings, transactionalId: "copy-\(source)", transactionTimeoutMs: 10_000)
    self.target = records.topic(target)
    try producer.open()
    try goBack()
  }

  private func goBack() throws {
    committed = try consumer.committed(inputs, timeoutMs: 30_000)
    try consumer.assign(inputs.map { ($0, committed[$0] ?? 0) })
  }

  /// How many inputs there are.
  func inputEnds() throws -> Int {
    try inputs.reduce(0) { try $0 + Int(consumer.watermarks($1).high) }
  }

  func step(max: Int) throws {
    for case .error(let error) in consumer.poll(into: batch, max: max, timeoutMs: 50)
    where error.remedy != .retry {
      outcomes["read: \(error.name)", default: 0] += 1
    }
    if batch.count == 0 { return }
    records.reset()
    var ends = committed
    for index in 0..<batch.count {
      let view = batch[index]
      try records.append(topic: target, partition: view.partition, key: view.key, value: view.value)
      ends[inputs[Int(view.partition)]] = view.offset + 1
    }
    batch.release()
    try commit(ends)
  }

  private func commit(_ ends: [TopicPartition: Int64]) throws {
    if !producer.isOpen {
      do { try producer.open() } catch { return note("open", error) }
      return try goBack()
    }
    switch producer.commit(
      records, offsets: ends.map { ($0.key, $0.value) }, group: try consumer.groupMetadata())
    {
    case .committed:
      outcomes["committed", default: 0] += 1
      committed = ends
      return
    case .aborted(let error): note("aborted", error)
    case .uncertain(let error): note("uncertain", error)
    case .fenced(let error):
      note("fenced", error)
      do { try producer.open() } catch { note("open", error) }
    }
    if producer.isOpen { try goBack() }
  }

  private func note(_ what: String, _ error: KafkaError) {
    outcomes["\(what): \(error.name)", default: 0] += 1
  }

  func close() {
    batch.release()
    consumer.close()
    producer.close()
  }
}
