import Synchronization
import Testing

@testable import Kafka

/// Counts what the closures were given.
private final class Heard: Sendable {
  let logs = Atomic<Int>(0)
  let statistics = Atomic<Int>(0)
}

@Suite(.serialized)
struct TelemetryTests {
  private func settings(_ heard: Heard, _ broker: EmbeddedBroker) -> ClientSettings {
    ClientSettings(
      bootstrap: broker.bootstrap, properties: ["debug": "broker"],
      logLine: { line in if !line.text.isEmpty { heard.logs.wrappingAdd(1, ordering: .relaxed) } },
      statistics: { json in if json.hasPrefix("{") { heard.statistics.wrappingAdd(1, ordering: .relaxed) } },
      statisticsIntervalMs: 100)
  }

  private func isBoth(_ heard: Heard) -> Bool {
    heard.logs.load(ordering: .relaxed) > 0 && heard.statistics.load(ordering: .relaxed) > 0
  }

  @Test func aConsumersLogAndStatisticsReachTheClosures() throws {
    let broker = try EmbeddedBroker(topics: [("t", 1)])
    defer { broker.close() }
    let heard = Heard()
    let consumer = try Consumer(settings: settings(heard, broker), groupId: "g", membership: .manual)
    try consumer.assign([(TopicPartition("t", 0), 0)])
    let batch = MessageBatch()
    let limit = deadline(inMs: 10_000)
    while !isBoth(heard), monotonicMs() < limit { _ = consumer.poll(into: batch, max: 10, timeoutMs: 100) }
    #expect(isBoth(heard))
    consumer.close()
  }

  @Test func bothProducersLogAndStatisticsReachTheClosures() throws {
    let broker = try EmbeddedBroker(topics: [("t", 1)])
    defer { broker.close() }
    let heard = Heard()
    let producer = try Producer(settings: settings(heard, broker))
    let heardToo = Heard()
    let transactional = TransactionalProducer(settings: settings(heardToo, broker), transactionalId: "x")
    try transactional.open()
    let limit = deadline(inMs: 10_000)
    while !isBoth(heard) || !isBoth(heardToo), monotonicMs() < limit { rest(ms: 20) }
    #expect(isBoth(heard) && isBoth(heardToo))
    producer.close()
    transactional.close()
  }
}
