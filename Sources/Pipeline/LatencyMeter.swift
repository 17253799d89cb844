import Glibc
import Kafka
import Stage
import Synchronization
import Topics

/// Watches `orders` and `decisions` from outside: how long each order took, by the records' own time stamps, and
/// the last decision of every order. Its reads change nothing for the stages.
final class LatencyMeter: Sendable {
  struct Reading {
    /// Milliseconds from an order's record to its own decision's record.
    var latencies: [Int64] = []
    /// Bytes of the last decision by order id.
    var decisions: [String: [UInt8]] = [:]

  }

  private let state = Mutex(Reading())
  private let stopping = Atomic<Bool>(false)
  private let watching = Atomic<Bool>(false)
  private let thread = Mutex<NativeThread?>(nil)

  init() {}

  var reading: Reading { state.withLock { $0 } }
  var measured: Int { state.withLock { $0.latencies.count } }

  func start(broker: BrokerAccess, topics: TopicNames) {
    thread.withLock {
      $0 = NativeThread(name: "meter") { [self] in try? watch(broker, topics) }
    }
    // What is written before it watches could be gone from this broker when it comes.
    let deadline = monotonicMs() + 10_000
    while !watching.load(ordering: .acquiring), monotonicMs() < deadline { usleep(5_000) }
  }

  /// Waits until so many orders were measured, or the time is up; then stops.
  func stop(after count: Int, withinMs: Int) {
    let deadline = monotonicMs() + Int64(withinMs)
    while measured < count, monotonicMs() < deadline { usleep(20_000) }
    stop()
  }

  func stop() {
    stopping.store(true, ordering: .releasing)
    thread.withLock { $0 }?.join()
  }

  private func watch(_ broker: BrokerAccess, _ topics: TopicNames) throws {
    let consumer = try Consumer(
      settings: broker.client, groupId: "passflow-meter", isolation: .readUncommitted, membership: .manual)
    defer { consumer.close() }
    var partitions: [(TopicPartition, Int64)] = []
    for topic in [topics.orders, topics.decisions] {
      let count = try broker.partitionCount(topic)
      partitions += (0..<Int32(count)).map { (TopicPartition(topic, $0), 0) }
    }
    try consumer.assign(partitions)
    watching.store(true, ordering: .releasing)
    let batch = MessageBatch()
    var produced: [Int64: Int64] = [:]
    var waiting: [(key: Int64, at: Int64)] = []
    while !stopping.load(ordering: .acquiring) {
      _ = consumer.poll(into: batch, max: 4096, timeoutMs: 50)
      state.withLock { reading in
        for index in 0..<batch.count {
          let message = batch[index]
          guard let value = message.value else { continue }
          if consumer.topics[Int(message.topicIndex)] == topics.orders {
            produced[Int64(message.partition) << 48 | message.offset] = message.timestampMs
          } else if let header = DecisionHeader(value), header.vetoLift == nil {
            reading.decisions[String(decoding: header.orderId, as: UTF8.self)] = [UInt8](value)
            guard header.own else { continue }

            waiting.append(
              (Int64(header.position.partition) << 48 | header.position.offset, message.timestampMs))
          }
        }
        waiting.removeAll { entry in
          guard let start = produced.removeValue(forKey: entry.key) else { return false }
          reading.latencies.append(max(entry.at - start, 0))
          return true
        }
      }
      batch.release()
    }
  }
}
