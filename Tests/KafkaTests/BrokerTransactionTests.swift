import Testing

@testable import Kafka

/// What only a real broker can show. One at a time: some of them kill brokers.
@Suite(.serialized, .enabled(if: RealBroker.bootstrap != nil, "KAFKA_BOOTSTRAP is not set"))
struct BrokerTests {}

extension BrokerTests {
  /// Transactions, fencing, open ends.
  @Suite struct Transactions {
    private let settings = RealBroker.settings

    private func isAborted(_ outcome: CommitOutcome) -> Bool {
      if case .aborted(let error) = outcome { return error.remedy == .abort || error.remedy == .retry }
      return false
    }

    private func records(_ topic: String, _ values: [String], partition: Int32 = 0) throws
      -> TransactionRecords
    {
      let records = TransactionRecords()
      let number = records.topic(topic)
      for value in values {
        try withBytes(value) { try records.append(topic: number, partition: partition, key: $0, value: $0) }
      }
      return records
    }

    private func values(_ topic: String, _ isolation: Isolation, count: Int) throws -> [String] {
      let consumer = try Consumer(settings: settings, groupId: "x", isolation: isolation, membership: .manual)
      defer { consumer.close() }
      try consumer.assign([(TopicPartition(topic, 0), 0)])
      return read(consumer, count: count, rounds: 20).seen.compactMap(\.value)
    }

    @Test func recordsAndOffsetsAreCommittedTogether() throws {
      let topic = try RealBroker.newTopic("commit")
      let input = TopicPartition(topic, 1)
      let consumer = try Consumer(settings: settings, groupId: "g-\(topic)", membership: .manual)
      defer { consumer.close() }
      let producer = TransactionalProducer(settings: settings, transactionalId: "id-\(topic)")
      try producer.open()
      var outcome: CommitOutcome
      var attempts = 0
      repeat {
        // A topic just made may be unknown to its leader for a moment: aborted, and sent again.
        outcome = producer.commit(
          try records(topic, ["a", "b"]), offsets: [(input, 5)], group: try consumer.groupMetadata())
        attempts += 1
      } while attempts < 20 && isAborted(outcome)
      guard case .committed(let ends) = outcome else {
        Issue.record("\(outcome)")
        return
      }
      #expect(attempts > 1 || ends == [TopicPartition(topic, 0): 2])
      #expect(try consumer.committed([input]) == [input: 5])
      #expect(try values(topic, .readCommitted, count: 2) == ["a", "b"])
      producer.close()
    }

    @Test func anOlderInstanceIsFenced() throws {
      let topic = try RealBroker.newTopic("fence")
      let old = TransactionalProducer(settings: settings, transactionalId: "id-\(topic)")
      try old.open()
      guard case .committed = old.commit(try records(topic, ["a"]), offsets: [], group: nil) else {
        Issue.record("first commit failed")
        return
      }
      let new = TransactionalProducer(settings: settings, transactionalId: "id-\(topic)")
      try new.open()
      let outcome = old.commit(try records(topic, ["zombie"]), offsets: [], group: nil)
      if case .committed = outcome { Issue.record("a zombie committed") }
      #expect(try !values(topic, .readCommitted, count: 9).contains("zombie"))
      old.close()
      new.close()
    }

    @Test func theChangelogReaderWaitsForAnOpenTransaction() throws {
      let topic = try RealBroker.newTopic("open")
      let session = try TransactionSession(
        settings, transactionalId: "id-\(topic)", transactionTimeoutMs: 20_000)
      #expect(session.initialize(until: monotonicMs() + 30_000) == nil)
      #expect(session.begin() == nil)
      let open = try records(topic, ["a", "b", "c"])
      #expect(session.produce(open) == nil)
      let partition = TopicPartition(topic, 0)
      let reader = try ChangelogReader(settings: settings)
      let admin = try Admin(settings: settings)
      let limit = monotonicMs() + 20_000
      while try admin.watermarks(partition, isolation: .readUncommitted).high < 3, monotonicMs() < limit {}
      #expect(try admin.watermarks(partition, isolation: .readCommitted).high == 0)
      #expect(throws: KafkaError.self) {
        _ = try reader.readToEnd(partition, from: nil, stallMs: 1_000) { _, _, _ in
          Issue.record("undecided record read")
        }
      }
      #expect(session.commit(until: monotonicMs() + 20_000) == nil)
      var seen: [String] = []
      let next = try reader.readToEnd(partition, from: nil) { _, value, _ in
        text(value).map { seen.append($0) }
      }
      #expect(seen == ["a", "b", "c"])
      // The end marker takes an offset of its own; another reading starts behind it.
      #expect(next >= 3)
      #expect(try reader.readToEnd(partition, from: next) { _, _, _ in Issue.record("read twice") } >= 4)
      #expect(throws: KafkaError.self) { _ = try reader.readToEnd(partition, from: 99) { _, _, _ in } }
      reader.close()
      admin.close()
      session.close()
    }

    @Test func anAbortedTransactionIsNotReadButPassed() throws {
      let topic = try RealBroker.newTopic("abort")
      let session = try TransactionSession(
        settings, transactionalId: "id-\(topic)", transactionTimeoutMs: 20_000)
      #expect(session.initialize(until: monotonicMs() + 30_000) == nil)
      #expect(session.begin() == nil)
      let aborted = try records(topic, ["x"])
      #expect(session.produce(aborted) == nil)
      let admin = try Admin(settings: settings)
      let partition = TopicPartition(topic, 0)
      let limit = monotonicMs() + 20_000
      while try admin.watermarks(partition, isolation: .readUncommitted).high < 1, monotonicMs() < limit {}
      #expect(session.abort(until: monotonicMs() + 20_000) == nil)
      let reader = try ChangelogReader(settings: settings)
      let next = try reader.readToEnd(partition, from: nil) { _, _, _ in Issue.record("aborted record read") }
      #expect(next == 2)
      reader.close()
      admin.close()
      session.close()
    }

    @Test func offsetsAreFoundByTime() throws {
      let topic = try RealBroker.newTopic("times")
      let partition = TopicPartition(topic, 0)
      let producer = try Producer(settings: settings)
      let handle = try producer.topic(topic)
      for number in 0..<10 {
        let sequence = try producer.sendText(handle, 0, "k", "\(number)")
        #expect(producer.waitAcknowledged(through: sequence, timeoutMs: 10_000))
        rest(ms: 5)
      }
      #expect(producer.close())
      let consumer = try Consumer(settings: settings, groupId: "x", membership: .manual)
      try consumer.assign([(partition, 0)])
      let batch = MessageBatch()
      var times: [Int64] = []
      let limit = deadline(inMs: 10_000)
      while times.count < 10, monotonicMs() < limit {
        _ = consumer.poll(into: batch, max: 10, timeoutMs: 100)
        for index in 0..<batch.count { times.append(batch[index].timestampMs) }
        batch.release()
      }
      consumer.close()
      try #require(times.count == 10)
      let admin = try Admin(settings: settings)
      defer { admin.close() }
      for index in [0, 4, 9] {
        #expect(
          try admin.offsetsForTimes([(partition, timestampMs: times[index])]) == [partition: Int64(index)])
      }
      #expect(try admin.offsetsForTimes([(partition, timestampMs: times[9] + 60_000)]).isEmpty)
      #expect(try admin.offsetsForTimes([(TopicPartition(topic, 1), timestampMs: 0)]).isEmpty)
      #expect(throws: KafkaError.self) {
        _ = try admin.offsetsForTimes(
          [(TopicPartition("no-such-topic", 0), timestampMs: 0)], timeoutMs: 3_000)
      }
    }

    @Test func batchesShrinkUntilTheBrokerTakesThemAndOnlyARecordThatIsTooLargeStops() throws {
      let topic = try RealBroker.newTopic("small", partitions: 1, properties: ["max.message.bytes": "20000"])
      let producer = try Producer(settings: settings)
      let handle = try producer.topic(topic)
      let value = String(repeating: "v", count: 500)
      for number in 0..<3_000 { _ = try producer.sendText(handle, 0, "\(number)", value) }
      #expect(producer.waitAcknowledged(through: 3_000, timeoutMs: 30_000))
      #expect(producer.reopenings > 0)
      let consumer = try Consumer(settings: settings, groupId: "x", membership: .manual)
      try consumer.assign([(TopicPartition(topic, 0), 0)])
      let (seen, _) = read(consumer, count: .max, rounds: 10)
      var known: Set<String> = []
      let isComplete =
        seen.compactMap(\.key).filter { known.insert($0).inserted } == (0..<3_000).map { "\($0)" }
      #expect(isComplete)
      consumer.close()
      let sequence = try producer.sendText(handle, 0, "k", String(repeating: "w", count: 30_000))
      #expect(!producer.waitAcknowledged(through: sequence, timeoutMs: 30_000))
      #expect(producer.failure?.name == "MSG_SIZE_TOO_LARGE")
      producer.close(timeoutMs: 0)
    }
  }
}
