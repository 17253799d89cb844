import Kafka
import Testing

@Suite(.serialized)
struct EmbeddedBrokerTests {
  @Test func whatIsSentIsReadInOrderPerPartitionWithTombstones() throws {
    let broker = try EmbeddedBroker(topics: [("t", 3)])
    defer { broker.close() }
    let producer = try Producer(settings: ClientSettings(bootstrap: broker.bootstrap))
    let topic = try producer.topic("t")
    #expect(topic.partitionCount == 3)
    for number in 0..<3_000 {
      let value = number % 10 == 0 ? nil : "v\(number)"
      let sequence = try producer.sendText(topic, Int32(number % 3), "k\(number)", value)
      #expect(sequence == UInt64(number + 1))
    }
    #expect(producer.waitAcknowledged(through: 3_000, timeoutMs: 20_000))
    #expect(producer.bufferedBytes == 0)
    #expect(producer.reopenings == 0)
    let consumer = try manualConsumer(broker)
    try consumer.assign((0..<3).map { (TopicPartition("t", $0), 0) })
    let (seen, _) = read(consumer, count: 3_000)
    for partition in 0..<3 {
      let mine = seen.filter { $0.partition == partition }
      #expect(mine.map(\.offset) == Array(0..<1_000))
      let numbers = (0..<1_000).map { $0 * 3 + partition }
      #expect(mine.map(\.key) == numbers.map { "k\($0)" })
      #expect(mine.map(\.value) == numbers.map { $0 % 10 == 0 ? nil : "v\($0)" })
    }
    consumer.close()
    #expect(producer.close())
  }

  @Test func theEndOfAPartitionIsReported() throws {
    let broker = try EmbeddedBroker(topics: [("t", 1)])
    defer { broker.close() }
    let producer = try Producer(settings: ClientSettings(bootstrap: broker.bootstrap))
    let topic = try producer.topic("t")
    for number in 0..<10 { _ = try producer.sendText(topic, 0, "", "\(number)") }
    #expect(producer.close())
    let consumer = try manualConsumer(broker)
    try consumer.assign([(TopicPartition("t", 0), 4)])
    let (seen, events) = read(consumer, count: 100, rounds: 10)
    #expect(seen.map(\.offset) == Array(4..<10))
    #expect(events.contains(.endOfPartition(TopicPartition("t", 0), offset: 10)))
    #expect(try consumer.watermarks(TopicPartition("t", 0)).high == 10)
    try consumer.seek([(TopicPartition("t", 0), 8)])
    #expect(read(consumer, count: 2).seen.map(\.offset) == [8, 9])
    consumer.close()
  }

  @Test func offsetsCommittedUnderAGroupWithManualAssignmentAreReadBack() throws {
    let broker = try EmbeddedBroker(topics: [("t", 2)])
    defer { broker.close() }
    let partitions = [TopicPartition("t", 0), TopicPartition("t", 1)]
    let first = try manualConsumer(broker, group: "g")
    #expect(try first.committed(partitions).isEmpty)
    try first.assign([(partitions[0], 0), (partitions[1], 0)])
    try first.commit([(partitions[0], 7)])
    try first.commitAsync([(partitions[1], 9)])
    #expect(try first.committed([partitions[0]]) == [partitions[0]: 7])
    first.close()
    let second = try manualConsumer(broker, group: "g")
    #expect(try second.committed(partitions)[partitions[0]] == 7)
    second.close()
  }

  @Test func anUnknownPartitionAndATooLargeRecordAreRefusedAtOnce() throws {
    let broker = try EmbeddedBroker(topics: [("t", 1)])
    defer { broker.close() }
    let producer = try Producer(settings: ClientSettings(bootstrap: broker.bootstrap))
    let topic = try producer.topic("t")
    #expect(throws: KafkaError.self) { try producer.sendText(topic, 1, "k", "v") }
    let large = [UInt8](repeating: 1, count: Producer.recordBytesMax + 1)
    do {
      try large.withUnsafeBytes { _ = try producer.send(topic: topic, partition: 0, key: nil, value: $0) }
      Issue.record("taken although too large")
    } catch let error as KafkaError {
      #expect(error.name == "MSG_SIZE_TOO_LARGE")
      #expect(error.origin == .input)
      #expect(error.remedy == .stop)
    }
    #expect(producer.lastSequence == 0)
    try large.withUnsafeBytes {
      _ = try producer.send(
        topic: topic, partition: 0, key: nil, value: UnsafeRawBufferPointer(rebasing: $0[1...]))
    }
    #expect(producer.close())
  }
}
