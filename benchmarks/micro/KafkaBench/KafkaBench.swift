import Glibc
import Kafka

/// Messages per second and CPU per message of the Kafka layer: produce, consume, relay (consume → produce),
/// then the CPU of doing nothing.
///
/// `KafkaBench [BOOTSTRAP] [NAME=VALUE…]`: without an address on the embedded broker, whose own work is in
/// the figures; properties are librdkafka's, for all clients. A real broker is left with about 1.5 GB.
@main
enum KafkaBench {
  static let partitions: Int32 = 4

  static func main() throws {
    let bootstrap = CommandLine.arguments.dropFirst().first { !$0.contains("=") }
    for bytes in [300, 1_024] { try measure(bootstrap, bytes: bytes) }
    try idle(bootstrap)
    if bootstrap == nil { try unanswered() }
  }

  static var properties: [String: String] {
    var found: [String: String] = [:]
    for argument in CommandLine.arguments.dropFirst() {
      let words = argument.split(separator: "=", maxSplits: 1)
      if words.count == 2 { found[String(words[0])] = String(words[1]) }
    }
    return found
  }

  /// A broker with these topics; the embedded one keeps 5 MiB a partition, so readers must keep up there.
  static func prepare(_ bootstrap: String?, _ topics: [String]) throws -> (ClientSettings, EmbeddedBroker?) {
    if let bootstrap {
      let settings = ClientSettings(bootstrap: bootstrap, properties: properties)
      let admin = try Admin(settings: settings)
      try admin.createTopics(topics.map { TopicPlan(name: $0, partitions: Int(partitions)) })
      admin.close()
      return (settings, nil)
    }
    let broker = try EmbeddedBroker(topics: topics.map { ($0, Int(partitions)) })
    return (ClientSettings(bootstrap: broker.bootstrap, properties: properties), broker)
  }

  static func measure(_ bootstrap: String?, bytes: Int) throws {
    let count = bootstrap == nil ? 15_000_000 / bytes : 150_000_000 / bytes
    let stamp = "\(getpid())-\(bytes)"
    let (settings, broker) = try prepare(bootstrap, ["a-\(stamp)", "b-\(stamp)"])
    defer { broker?.close() }
    let value = [UInt8](repeating: 7, count: bytes)
    let producer = try Producer(settings: settings)
    let a = try producer.topic("a-\(stamp)")
    let b = try producer.topic("b-\(stamp)")
    for warm in 0..<(bootstrap == nil ? 1 : 2) {
      try timed("produce \(bytes) B\(warm == 0 && bootstrap != nil ? " (warm-up)" : "")", count) {
        for number in 0..<count {
          let sequence = try value.withUnsafeBytes {
            try producer.send(
              topic: a, partition: Int32(truncatingIfNeeded: number) % partitions, key: nil, value: $0)
          }
          if sequence % 1_000 == 0 {
            producer.flushPending()
            _ = producer.waitForRoom(maxBytes: 32 << 20, timeoutMs: 60_000)
          }
        }
        _ = producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 60_000)
      }
    }
    try consume(settings, "a-\(stamp)", count, "consume \(bytes) B") { _ in }
    try consume(settings, "a-\(stamp)", count, "relay \(bytes) B") { batch in
      for index in 0..<batch.count {
        _ = try producer.send(
          topic: b, partition: batch[index].partition, key: batch[index].key, value: batch[index].value)
      }
      producer.flushPending()
      _ = producer.waitForRoom(maxBytes: 32 << 20, timeoutMs: 60_000)
    }
    _ = producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 60_000)
    print("reopenings \(producer.reopenings)")
    producer.close()
  }

  static func consume(
    _ settings: ClientSettings, _ topic: String, _ count: Int, _ title: String,
    _ body: (MessageBatch) throws -> Void
  ) throws {
    let consumer = try Consumer(settings: settings, groupId: "bench", membership: .manual)
    let batch = MessageBatch()
    try timed(title, count) {
      try consumer.assign((0..<partitions).map { (TopicPartition(topic, $0), LogicalOffset.beginning) })
      var seen = 0
      while seen < count {
        _ = consumer.poll(into: batch, max: 5_000, timeoutMs: 100)
        seen += batch.count
        try body(batch)
        batch.release()
      }
    }
    consumer.close()
  }

  static func idle(_ bootstrap: String?) throws {
    let (settings, broker) = try prepare(bootstrap, ["idle-\(getpid())"])
    defer { broker?.close() }
    let producer = try Producer(settings: settings)
    let topic = try producer.topic("idle-\(getpid())")
    _ = producer.waitAcknowledged(
      through: try producer.send(topic: topic, partition: 0, key: nil, value: nil), timeoutMs: 10_000)
    let consumer = try Consumer(settings: settings, groupId: "bench", membership: .manual)
    try consumer.assign([(TopicPartition("idle-\(getpid())", 0), 0)])
    let batch = MessageBatch()
    let start = clock(CLOCK_PROCESS_CPUTIME_ID)
    for _ in 0..<50 {
      _ = consumer.poll(into: batch, max: 100, timeoutMs: 100)
      batch.release()
    }
    print("idle: CPU \((clock(CLOCK_PROCESS_CPUTIME_ID) - start) * 1_000 / 5) ms per s")
    consumer.close()
    producer.close()
  }

  /// One partition's request is answered after three seconds while more and more comes for it.
  static func unanswered() throws {
    let (settings, broker) = try prepare(nil, ["slow"])
    defer { broker?.close() }
    let producer = try Producer(settings: settings)
    let topic = try producer.topic("slow")
    broker?.disturb(.produce, code: 0, delayMs: 3_000)
    let value = [UInt8](repeating: 7, count: 300)
    let start = clock(CLOCK_PROCESS_CPUTIME_ID)
    for _ in 0..<250 {
      for _ in 0..<20 {
        _ = try value.withUnsafeBytes { try producer.send(topic: topic, partition: 0, key: nil, value: $0) }
      }
      producer.flushPending()
      usleep(10_000)
    }
    print("unanswered request: CPU \((clock(CLOCK_PROCESS_CPUTIME_ID) - start) * 1_000 / 2.5) ms per s")
    _ = producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 30_000)
    producer.close()
  }

  static func clock(_ id: clockid_t) -> Double {
    var now = timespec()
    clock_gettime(id, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }

  static func timed(_ title: String, _ count: Int, _ body: () throws -> Void) rethrows {
    let wall = clock(CLOCK_MONOTONIC)
    let processor = clock(CLOCK_PROCESS_CPUTIME_ID)
    try body()
    let seconds = clock(CLOCK_MONOTONIC) - wall
    let used = clock(CLOCK_PROCESS_CPUTIME_ID) - processor
    print(
      "\(title): \(Int(Double(count) / seconds)) messages/s, \(Int(used * 1e9 / Double(count))) ns CPU per message"
    )
  }
}
