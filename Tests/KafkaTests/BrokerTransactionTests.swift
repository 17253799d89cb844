import Testing

@testable import Kafka

/// What only a real broker can show. One at a time: some of them kill brokers.
@Suite(.serialized, .enabled(if: RealBroker.bootstrap != nil, "KAFKA_BOOTSTRAP is not set"))
struct BrokerTests {}

extension BrokerTests {
  /// Transactions, fencing, open ends.
  @Suite struct Transactions {
    private let settings = RealBroker.settings

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
      let outcome = producer.commit(
        try records(topic, ["a", "b"]), offsets: [(input, 5)], group: try consumer.groupMetadata())
      guard case .committed(let ends) = outcome else {
        Issue.record("\(outcome)")
        return
      }
      #expect(ends == [TopicPartition(topic, 0): 2])
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
  }
}
