import Glibc
import Kafka
import Rules
import Stage
import Synchronization
import Topics

@testable import EvaluateStage
@testable import RuleVersions

/// Evaluate lanes on an embedded broker of their own, and what came out of them.
final class EvaluateBench: Sendable {
  struct Stopped: Error {}

  let broker: EmbeddedBroker
  let access: BrokerAccess
  let seal: DeadLetterSeal
  let partitions: Int
  private let seen = Mutex<[RuleReport]>([])

  init(partitions: Int = 1, withRules: Bool = true, withDemands: Bool = false) throws {
    self.partitions = partitions
    broker = try EmbeddedBroker(
      topics: [("orders.enriched", partitions), ("decisions", 1), ("orders.dlq", 1)]
        + (withRules ? [("rules", 1), ("rules.switches", partitions)] : [])
        + (withDemands ? [("rules.demands", 1)] : []))
    access = BrokerAccess(
      client: ClientSettings(bootstrap: broker.bootstrap, clientId: "test"), isEmbedded: true)
    guard let seal = DeadLetterSeal(key: [UInt8](repeating: 3, count: DeadLetterSeal.keyByteCount)) else {
      throw Stopped()
    }
    self.seal = seal
  }

  deinit { broker.close() }

  /// All reports of all lanes so far.
  var reports: [RuleReport] { seen.withLock { $0 } }

  /// Switches in the stream.
  var switches: [(partition: Int32, offset: Int64)] {
    reports.compactMap {
      if case .switched(let partition, let offset, let end, _) = $0, end > 0 {
        (partition, offset)
      } else {
        nil
      }
    }
  }

  var refusals: [String] {
    reports.compactMap { if case .refused(let scope, let hash, _) = $0 { "\(scope) \(hash)" } else { nil } }
  }

  func send(_ topic: String, _ records: [(key: [UInt8], value: [UInt8]?, partition: Int32)]) throws {
    let producer = try Producer(settings: access.client)
    let handle = try producer.topic(topic)
    for record in records {
      _ = try record.key.withUnsafeBytes { key in
        if let value = record.value {
          try value.withUnsafeBytes {
            try producer.send(topic: handle, partition: record.partition, key: key, value: $0)
          }
        } else {
          try producer.send(topic: handle, partition: record.partition, key: key, value: nil)
        }
      }
    }
    guard producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 20_000) else {
      throw Stopped()
    }
    producer.close(timeoutMs: 1_000)
  }

  /// Orders number `range`, each in partition number modulo partitions, with a position of its own.
  func sendOrders(_ range: Range<Int>, mall: (Int) -> String = { _ in "demomall" }) throws {
    try send(
      "orders.enriched",
      range.map { number in
        var record = Fixture.record("order-\(number)", amount: number % 3 == 0 ? 5_000 : 120_000)
        record.snapshot?.mallId = mall(number)
        record.position = Position(epoch: 0, partition: 0, offset: Int64(number), n: 0)
        return (Array("demomall\u{0}k\(number)".utf8), record.protobuf, Int32(number % partitions))
      })
  }

  func publisher() throws -> RulePublisher { try RulePublisher(access) }

  /// Publishes and activates.
  @discardableResult
  func putInForce(_ rules: String, _ scope: RegistryScope = .shared) throws -> String {
    let publisher = try publisher()
    defer { publisher.close() }
    let (version, _) = try publisher.publish([("rules.yaml", rules)], author: "test", note: "")
    try publisher.activate(version.hash, in: scope, author: "test", note: "")
    return version.hash
  }

  /// Runs a lane with these rules of the configuration until `watch`, called after each step, stops the context or
  /// throws; that is a kill: nothing is committed or waited for then.
  func run(
    group: String = "g", base: String = Fixture.rules, batchMax: Int = 64, commitMs: Int = 1,
    access: BrokerAccess? = nil, enrichWaitMs: Int = 60_000,
    watch: @escaping (WatchedProcessor) throws -> Void
  ) throws {
    let access = access ?? self.access
    let topics = TopicNames()
    let producer = try access.producer()
    let set = try RuleSet.load(files: [("base.yaml", base)])
    let switcher = try RuleSwitcher.open(
      access, topics, base: RuleBook(shared: set), producer: producer, enrichWaitMs: enrichWaitMs
    ) { [self] report in
      seen.withLock { $0.append(report) }
    }
    defer { switcher?.close() }
    let processor = EvaluateProcessor(
      decider: Decider(plan: try Plan([set])), switcher: switcher, followsRules: true,
      decisions: try access.topic("decisions", of: producer, readBy: nil),
      deadLetters: try access.topic("orders.dlq", of: producer, readBy: nil), seal: seal)
    var lane = LaneSettings(
      inputTopic: "orders.enriched", groupId: group, usesGroup: !access.isEmbedded, durability: .scratch)
    lane.inputPartitions = partitions
    lane.batchMax = batchMax
    lane.commitIntervalMs = commitMs
    let context = LaneContext()
    let watched = WatchedProcessor(processor, context, watch)
    let running = StatelessLane(
      settings: lane,
      consumer: try access.consumer(group: group, reading: lane.inputTopic), producer: producer,
      processor: watched, context: context)
    running.run()
    producer.close(timeoutMs: 2_000)
    if let failure = context.failure, !watched.wasKilled { throw LaneFailure(text: failure) }
  }

  /// Values of a topic from its beginning, partition after partition.
  func read(_ topic: String) throws -> [[UInt8]] {
    let consumer = try Consumer(settings: access.client, groupId: "reader", membership: .manual)
    defer { consumer.close() }
    let count = try access.partitionCount(topic)
    var values: [[UInt8]] = []
    for number in 0..<Int32(count) {
      let partition = TopicPartition(topic, number)
      let end = try consumer.watermarks(partition, timeoutMs: 10_000).high
      try consumer.assign([(partition, 0)])
      let batch = MessageBatch()
      var next: Int64 = 0
      var silent = 0
      while next < end, silent < 100 {
        _ = consumer.poll(into: batch, max: 10_000, timeoutMs: 100)
        silent = batch.count == 0 ? silent + 1 : 0
        for index in 0..<batch.count {
          values.append(batch[index].value.map { [UInt8]($0) } ?? [])
          next = batch[index].offset + 1
        }
        batch.release()
      }
    }
    return values
  }

  /// Decisions as they came, by the number of the order.
  func decisions() throws -> [(number: Int, ruleSet: String, bytes: [UInt8])] {
    try read("decisions").compactMap { bytes in
      DecisionValue(protobuf: bytes).map { (Int($0.position.offset), $0.ruleSet, bytes) }
    }
  }
}

struct LaneFailure: Error { let text: String }

/// Hands everything on, counts, and lets a test look in after each step.
final class WatchedProcessor: StatelessProcessor {
  private let inner: EvaluateProcessor
  private let watch: (WatchedProcessor) throws -> Void
  let context: LaneContext
  private let deadline = monotonicMs() + 60_000
  private(set) var orders = 0
  private(set) var wasKilled = false

  init(
    _ inner: EvaluateProcessor, _ context: LaneContext, _ watch: @escaping (WatchedProcessor) throws -> Void
  ) {
    self.inner = inner
    self.context = context
    self.watch = watch
  }

  func open(_ partition: Int32, start: StatelessStart, outputs: Producer) throws {
    try inner.open(partition, start: start, outputs: outputs)
  }
  func close(_ partition: Int32) { inner.close(partition) }

  func process(_ batch: MessageBatch, outputs: Producer) throws {
    try inner.process(batch, outputs: outputs)
    for index in 0..<batch.count where !RuleSwitchValue.isControl(batch[index].key) { orders += 1 }
  }

  func tick(outputs: Producer) throws {
    try inner.tick(outputs: outputs)
    guard monotonicMs() < deadline else { throw LaneFailure(text: "not done in time: \(orders) orders") }
    do { try watch(self) } catch {
      wasKilled = true
      outputs.flushPending()
      throw error
    }
  }
}
