import Testing

@testable import Kafka

@Suite(.serialized)
struct PacingTests {
  @Test func oneRecordGoesBeforeTheLogIsKnownAndTheWindowAfterwards() {
    var account = PacingAccount(windowBytes: 1_000)
    #expect(account.room < 0 && !account.mayAlwaysSendOne)
    account.consumed(to: 0)
    #expect(account.room == 0 && account.mayAlwaysSendOne)
    account.acknowledged(offset: 0, bytes: 104)
    #expect(account.unreadBytes == 200)
    #expect(account.room == 800)
    account.consumed(to: 1)
    #expect(account.room == 1_000)
  }

  @Test func recordsOfOthersCountWithTheAverage() {
    var account = PacingAccount(windowBytes: 10_000)
    account.consumed(to: 0)
    account.acknowledged(offset: 0, bytes: 4)
    account.acknowledged(offset: 5, bytes: 4)
    #expect(account.unreadBytes == 600)
    account.consumed(to: 6)
    #expect(account.unreadBytes == 0)
  }

  @Test func recordsFromBeforeCountToo() {
    var account = PacingAccount(windowBytes: 10_000)
    account.consumed(to: 10)
    account.acknowledged(offset: 30, bytes: 4)
    #expect(account.unreadBytes == 2_100)
  }

  @Test func aSlowReaderLosesNothingWhenTheProducerIsPaced() throws {
    let broker = try EmbeddedBroker(topics: [("t", 1)])
    defer { broker.close() }
    let producer = try Producer(settings: ClientSettings(bootstrap: broker.bootstrap))
    let topic = try producer.topic("t", pacing: Pacing(downstreamGroup: "slow", windowBytes: 2 << 20))
    let count = 30_000
    let value = [UInt8](repeating: 7, count: 500)
    for _ in 0..<count {
      _ = try value.withUnsafeBytes { try producer.send(topic: topic, partition: 0, key: nil, value: $0) }
    }
    producer.flushPending()
    // 15 MB wait; without pacing the broker would keep the last 5 only.
    #expect(!producer.waitAcknowledged(through: UInt64(count), timeoutMs: 500))
    let partition = TopicPartition("t", 0)
    let consumer = try manualConsumer(broker, group: "slow")
    try consumer.assign([(partition, 0)])
    let batch = MessageBatch()
    var offsets: [Int64] = []
    var silent = 0
    while offsets.count < count, silent < 100 {
      _ = consumer.poll(into: batch, max: 500, timeoutMs: 100)
      silent = batch.count == 0 ? silent + 1 : 0
      for index in 0..<batch.count { offsets.append(batch[index].offset) }
      batch.release()
      if let last = offsets.last { try consumer.commit([(partition, last + 1)]) }
    }
    #expect(offsets == Array(0..<Int64(count)))
    consumer.close()
    #expect(producer.close())
  }

  @Test func twoWritersShareTheWindowAndLoseNothing() throws {
    let broker = try EmbeddedBroker(topics: [("t", 1)])
    defer { broker.close() }
    let pacing = Pacing(downstreamGroup: "slow", windowBytes: 2 << 20, writers: 2)
    let count = 15_000
    let value = [UInt8](repeating: 7, count: 500)
    var producers: [Producer] = []
    for writer in 0..<2 {
      let producer = try Producer(settings: ClientSettings(bootstrap: broker.bootstrap))
      let topic = try producer.topic("t", pacing: pacing)
      for number in 0..<count {
        try withBytes("\(writer) \(number)") { key in
          _ = try value.withUnsafeBytes { try producer.send(topic: topic, partition: 0, key: key, value: $0) }
        }
      }
      producer.flushPending()
      producers.append(producer)
    }
    let partition = TopicPartition("t", 0)
    let consumer = try manualConsumer(broker, group: "slow")
    try consumer.assign([(partition, 0)])
    var keys: [[Int]] = [[], []]
    let batch = MessageBatch()
    var silent = 0
    while keys[0].count + keys[1].count < 2 * count, silent < 100 {
      let events = consumer.poll(into: batch, max: 500, timeoutMs: 100)
      silent = batch.count == 0 ? silent + 1 : 0
      var next: Int64 = 0
      for index in 0..<batch.count {
        next = batch[index].offset + 1
        let words = (text(batch[index].key) ?? "").split(separator: " ").compactMap { Int($0) }
        if words.count == 2, words[0] < 2 { keys[words[0]].append(words[1]) }
      }
      batch.release()
      for case .error(let error) in events { #expect(error.remedy == .retry) }
      if next > 0 { try consumer.commit([(partition, next)]) }
    }
    #expect(keys == [Array(0..<count), Array(0..<count)])
    consumer.close()
    for producer in producers { #expect(producer.close()) }
  }
}
