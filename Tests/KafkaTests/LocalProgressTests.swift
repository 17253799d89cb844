import Testing

@testable import Kafka

@Suite(.serialized)
struct LocalProgressTests {
  @Test func drainedIsWhenEverythingWrittenWasWorkedOff() {
    let progress = LocalProgress()
    let (first, second) = (TopicPartition("t", 0), TopicPartition("u", 1))
    #expect(progress.waitUntilDrained(timeoutMs: 0))
    progress.written(first, to: 10)
    progress.written(second, to: 1)
    progress.finished(first, to: 10)
    #expect(!progress.waitUntilDrained(timeoutMs: 0))
    progress.finished(second, to: 1)
    #expect(progress.waitUntilDrained(timeoutMs: 0))
    // An older offset that is told late takes nothing back.
    progress.finished(first, to: 3)
    progress.written(first, to: 2)
    #expect(progress.waitUntilDrained(timeoutMs: 0))
  }

  @Test func aWriterIsHeldBackUntilTheReaderOfItsProcessSaysHowFarItIs() throws {
    let broker = try EmbeddedBroker(topics: [("t", 1)])
    defer { broker.close() }
    let progress = LocalProgress()
    var settings = ClientSettings(bootstrap: broker.bootstrap)
    settings.closesInBackground = true
    let producer = try Producer(settings: settings)
    defer { producer.close() }
    let window = 1 << 20
    let topic = try producer.topic(
      "t", pacing: Pacing(downstreamGroup: "none", windowBytes: window, progress: progress))
    let value = [UInt8](repeating: 7, count: 1_000)
    let count = 5_000
    for _ in 0..<count {
      _ = try value.withUnsafeBytes { try producer.send(topic: topic, partition: 0, key: nil, value: $0) }
    }
    #expect(!producer.waitAcknowledged(through: UInt64(count), timeoutMs: 300))
    let ahead = Int(producer.acknowledgedThrough)
    #expect(ahead > 0 && ahead * 1_000 <= window)
    let partition = TopicPartition("t", 0)
    while !producer.waitAcknowledged(through: UInt64(count), timeoutMs: 20) {
      let read = Int(producer.acknowledgedThrough)
      progress.finished(partition, to: Int64(read))
      #expect((Int(producer.acknowledgedThrough) - read) * 1_000 <= window)
      if let failure = producer.failure { throw failure }
    }
    #expect(!progress.waitUntilDrained(timeoutMs: 0))
    progress.finished(partition, to: Int64(count))
    #expect(progress.waitUntilDrained(timeoutMs: 1_000))
  }

  /// What a reader writes to its own topic leaves when its inputs were handled, though none is worked off.
  @Test func aReaderThatWritesToItsOwnTopicDoesNotWaitForItself() throws {
    let broker = try EmbeddedBroker(topics: [("t", 1)])
    defer { broker.close() }
    let progress = LocalProgress()
    var settings = ClientSettings(bootstrap: broker.bootstrap)
    settings.closesInBackground = true
    let producer = try Producer(settings: settings)
    defer { producer.close() }
    var pacing = Pacing(downstreamGroup: "", windowBytes: 1 << 18, progress: progress)
    pacing.countsHandled = true
    let topic = try producer.topic("t", pacing: pacing)
    let value = [UInt8](repeating: 7, count: 1_000)
    let count = 2_000
    for _ in 0..<count {
      _ = try value.withUnsafeBytes { try producer.send(topic: topic, partition: 0, key: nil, value: $0) }
    }
    #expect(!producer.waitAcknowledged(through: UInt64(count), timeoutMs: 300))
    let partition = TopicPartition("t", 0)
    // Worked off is not what counts here.
    progress.finished(partition, to: Int64(count))
    #expect(!producer.waitAcknowledged(through: UInt64(count), timeoutMs: 300))
    while !producer.waitAcknowledged(through: UInt64(count), timeoutMs: 20) {
      progress.read(partition, to: Int64(producer.acknowledgedThrough))
      if let failure = producer.failure { throw failure }
    }
    #expect(progress.waitUntilDrained(timeoutMs: 1_000))
  }

  @Test func aRecordAloneWaitsForTheFlushAndAFullBatchDoesNot() throws {
    let broker = try EmbeddedBroker(topics: [("t", 1)])
    defer { broker.close() }
    let producer = try Producer(settings: ClientSettings(bootstrap: broker.bootstrap))
    defer { producer.close() }
    let topic = try producer.topic("t")
    func send(_ bytes: Int) throws -> UInt64 {
      try [UInt8](repeating: 1, count: bytes).withUnsafeBytes {
        try producer.send(topic: topic, partition: 0, key: nil, value: $0)
      }
    }
    #expect(try send(10) == 1)
    let first = try send(600_000)
    #expect(first == 2)
    #expect(producer.waitAcknowledged(through: first, timeoutMs: 10_000))
    let last = try send(10)
    producer.flushPending()
    #expect(producer.waitAcknowledged(through: last, timeoutMs: 10_000))
  }
}
