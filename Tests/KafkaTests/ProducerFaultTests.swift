import Kafka
import Testing

@Suite(.serialized)
struct ProducerFaultTests {
  /// Sends in rounds while `disturb` interferes, then reads everything.
  private func run(
    properties: [String: String] = [:], _ disturb: (EmbeddedBroker, Int) -> Void
  ) throws -> (values: [[String]], reopenings: Int) {
    let broker = try EmbeddedBroker(topics: [("t", 2)])
    defer { broker.close() }
    let settings = ClientSettings(bootstrap: broker.bootstrap, properties: properties)
    let producer = try Producer(settings: settings)
    let topic = try producer.topic("t")
    for round in 0..<40 {
      disturb(broker, round)
      for number in 0..<100 {
        _ = try producer.sendText(topic, Int32(number % 2), "k", "\(round * 100 + number)")
      }
      producer.flushPending()
      if round % 4 == 0 { _ = producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 20_000) }
    }
    #expect(producer.waitAcknowledged(through: 4_000, timeoutMs: 60_000))
    let reopenings = producer.reopenings
    #expect(producer.close())
    let consumer = try manualConsumer(broker)
    try consumer.assign([(TopicPartition("t", 0), 0), (TopicPartition("t", 1), 0)])
    let (seen, _) = read(consumer, count: .max, rounds: 20)
    consumer.close()
    return (
      (0..<2).map { partition in firstAppearances(seen.filter { $0.partition == partition }) }, reopenings
    )
  }

  private var expected: [[String]] {
    (0..<2).map { partition in (0..<2_000).map { "\($0 * 2 + partition)" } }
  }

  @Test func refusedProduceRequestsLoseNothingAndKeepTheOrder() throws {
    let codes: [Int32] = [6, 19, 20, 7, 5, -195]
    // Each batch in one request. Of two, the first refused, librdkafka takes the second's acknowledgement for the
    // first's records, too: right on a broker that checks sequence numbers, which this one does not.
    let (values, _) = try run(properties: ["linger.ms": "5"]) { broker, round in
      if round % 3 == 1 { broker.disturb(.produce, code: codes[round % codes.count]) }
    }
    #expect(values == expected)
  }

  @Test func fatalAnswersMakeTheProducerOpenAnewAndRepeat() throws {
    // Out of order sequence: fatal for an idempotent producer.
    let (values, reopenings) = try run { broker, round in
      if round % 10 == 5 { broker.disturb(.produce, code: 45) }
    }
    expectNothingLost(values)
    #expect(reopenings > 0)
  }

  /// A range that left in two requests, the first refused: the second's acknowledgement must not count for
  /// the first's records (it once did when a fatal error was looked into).
  @Test func aRefusedFirstRequestIsNotTakenForAcknowledgedWithTheSecond() throws {
    for _ in 0..<3 {
      let (values, _) = try run { broker, round in if round % 3 == 1 { broker.disturb(.produce, code: 45) } }
      expectNothingLost(values)
    }
  }

  /// The embedded broker checks no sequence numbers: it takes the second request of a batch after refusing the first,
  /// which a real broker refuses too. Only there is the order certain (BrokerTests).
  private func expectNothingLost(_ values: [[String]]) {
    let isComplete = values.map(Set.init) == expected.map(Set.init)
    #expect(isComplete, "a record is lost")
    let isInOrder = values == expected
    withKnownIssue("the embedded broker takes a later request first", isIntermittent: true) {
      #expect(isInOrder)
    }
  }

  @Test func lostAcknowledgementsLoseNothingAndKeepTheOrder() throws {
    let (values, _) = try run(properties: ["socket.timeout.ms": "1000", "request.timeout.ms": "1000"]) {
      broker, round in
      if round % 13 == 3 { broker.disturb(.produce, code: 0, delayMs: 2_500) }
    }
    #expect(values == expected)
  }

  @Test func anUnauthorizedTopicIsAFailureThatStops() throws {
    let broker = try EmbeddedBroker(topics: [("t", 1)])
    defer { broker.close() }
    let producer = try Producer(settings: ClientSettings(bootstrap: broker.bootstrap))
    let topic = try producer.topic("t")
    broker.disturb(.produce, code: 29)
    let sequence = try producer.sendText(topic, 0, "k", "v")
    #expect(!producer.waitAcknowledged(through: sequence, timeoutMs: 20_000))
    #expect(producer.failure?.name == "TOPIC_AUTHORIZATION_FAILED")
    producer.close(timeoutMs: 0)
  }
}
