import EvaluateStage
import Glibc
import History
import Kafka
import LaneTestKit
import ReferenceEditions
import RuleVersions
import Rules
import Stage
import Store
import Synchronization
import TestKit
import Topics

@testable import EnrichStage

/// Enrich lanes that follow published rules, on an embedded broker of their own.
final class DemandBench {
  struct Failure: Error { let text: String }

  let broker: EmbeddedBroker
  let access: BrokerAccess
  let directory: String
  let partitions: Int
  private let seal: DeadLetterSeal
  /// Inputs by partition that a run has to come to the end of.
  private(set) var sent: [Int64]
  private let seen = Mutex<[RuleReport]>([])
  private let seenReference = Mutex<[ReferenceReport]>([])

  init(partitions: Int = 1, withRules: Bool = true, withReference: Bool = false) throws {
    self.partitions = partitions
    sent = Array(repeating: 0, count: partitions)
    broker = try EmbeddedBroker(
      topics: [("orders", partitions), ("orders.enriched", 1), ("orders.dlq", 1)]
        + (withRules ? [("rules", 1), ("rules.demands", 1)] : [])
        + (withReference ? [("reference", 1)] : []))
    access = BrokerAccess(
      client: ClientSettings(bootstrap: broker.bootstrap, clientId: "test"), isEmbedded: true)
    directory = TemporaryFolder.make("demand")
    guard let seal = DeadLetterSeal(key: [UInt8](repeating: 3, count: DeadLetterSeal.keyByteCount)) else {
      throw Failure(text: "no seal")
    }
    self.seal = seal
  }

  deinit {
    broker.close()
    TemporaryFolder.remove(directory)
  }

  /// As if the machine were lost.
  func forgetState() {
    for partition in 0..<partitions {
      for suffix in ["", "-wal", "-shm"] {
        unlink("\(directory)/\(GroupNames.enrich)-\(partition).sqlite\(suffix)")
      }
    }
  }

  var reports: [RuleReport] { seen.withLock { $0 } }
  var referenceReports: [ReferenceReport] { seenReference.withLock { $0 } }

  func send(_ values: [[UInt8]], to topic: String = "orders", partition: Int32 = 0, keys: [[UInt8]]? = nil)
    throws
  {
    let producer = try Producer(settings: access.client)
    let handle = try producer.topic(topic)
    for (index, value) in values.enumerated() {
      let key = keys?[index] ?? []
      _ = try key.withUnsafeBytes { key in
        try value.withUnsafeBytes {
          try producer.send(topic: handle, partition: partition, key: key, value: $0)
        }
      }
    }
    guard producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 20_000) else {
      throw Failure(text: "not acknowledged")
    }
    producer.close(timeoutMs: 1_000)
    if topic == "orders" { sent[Int(partition)] += Int64(values.count) }
  }

  /// Publishes and activates; returns the end of the activations.
  @discardableResult
  func putInForce(_ rules: String, _ scope: RegistryScope = .shared) throws -> Int64 {
    let publisher = try RulePublisher(access)
    defer { publisher.close() }
    let (version, _) = try publisher.publish([("rules.yaml", rules)], author: "test", note: "")
    try publisher.activate(version.hash, in: scope, author: "test", note: "")
    return publisher.registry.activationsEnd
  }

  /// Writes a demand record as an owner does.
  func demand(_ rulesEnd: Int64, partition: Int32 = 0) throws {
    try send([RuleSwitchValue(rulesEnd: rulesEnd, held: [:]).ordersValue], partition: partition)
  }

  /// Runs a lane until everything that was sent is handled and committed (`watch` may ask for more), or until it
  /// dies at `stopAt`, an offset of partition 0.
  @discardableResult
  func run(
    base: String = DemandBench.base, reference: ReferenceData = .empty, dyingAt stopAt: Int64? = nil,
    follows: Bool = true, followsReference: Bool = false, watch: ((LaneContext) throws -> Bool)? = nil
  ) throws -> EnrichProcessor.Counts {
    let producer = try Producer(settings: access.client)
    let book = RuleBook(shared: try RuleSet.load(files: [("base.yaml", base)]))
    let processor = EnrichProcessor(
      folder: HistoryFolder(reference: reference, plan: try demandPlan(of: book)),
      outputs: .init(
        enriched: try access.topic("orders.enriched", of: producer, readBy: nil),
        deadLetters: try access.topic("orders.dlq", of: producer, readBy: nil)),
      seal: seal, cacheBytesMax: 1 << 20, clockUs: { 1_800_000_000_000_000 })
    var effects: [EffectTopic] = []
    processor.followsRules = follows
    if follows {
      processor.follower = try DemandFollower.open(access, TopicNames(), base: book, producer: producer) {
        [self] report in
        seen.withLock { $0.append(report) }
      }
      if processor.follower != nil {
        effects = [
          EffectTopic(
            name: "rules.demands", handle: try access.topic("rules.demands", of: producer, readBy: nil))
        ]
        processor.announces = true
      }
    }
    defer { processor.follower?.close() }
    processor.followsReference = followsReference
    if followsReference {
      processor.referenceFollower = try ReferenceFollower.open(
        access, TopicNames(), base: reference, producer: producer
      ) { [self] report in seenReference.withLock { $0.append(report) } }
    }
    defer { processor.referenceFollower?.close() }
    var settings = LaneSettings(
      inputTopic: "orders", groupId: GroupNames.enrich, usesGroup: false, durability: .file)
    settings.inputPartitions = partitions
    settings.stateDirectory = directory
    settings.commitIntervalMs = 1
    settings.batchMax = 64
    let context = LaneContext()
    let watched = WatchedEnrich(processor, sent: sent, dyingAt: stopAt, context, watch)
    let lane = StatefulLane(
      settings: settings, clientSettings: access.client,
      consumer: try access.consumer(group: settings.groupId, reading: settings.inputTopic),
      producer: producer, processor: watched,
      schemaVersion: EnrichProcessor.schemaVersion, effectTopics: effects, context: context)
    lane.run()
    producer.close(timeoutMs: 2_000)
    if stopAt == nil, let failure = context.failure { throw Failure(text: failure) }
    return processor.counts
  }

  static let base = "rules:\n  - {id: base, if: 'inList(\"base\")', then: {labels: [BASE]}}"

  func read(_ topic: String) throws -> [[UInt8]] {
    try access.records(topic, partitions: topic == "orders" ? partitions : 1).map { $0.value ?? [] }
  }

  /// What was emitted, each once, as it came first.
  func emitted() throws -> [EnrichedOrderValue] {
    var known: Set<[UInt8]> = []
    return try read("orders.enriched").filter { known.insert($0).inserted }
      .compactMap { EnrichedOrderValue(protobuf: $0) }
  }

  /// Announcements, as they came.
  func announced() throws -> [RuleSwitchValue] {
    try read("rules.demands").compactMap { RuleSwitchValue(protobuf: $0) }
  }
}

/// Ends when every partition is through, or dies.
final class WatchedEnrich: StatefulProcessor {
  private let inner: EnrichProcessor
  private var missing: [Int32: Int64]
  private let stopAt: Int64?
  private let context: LaneContext
  private let watch: ((LaneContext) throws -> Bool)?
  private let deadline = monotonicMs() + 60_000

  init(
    _ inner: EnrichProcessor, sent: [Int64], dyingAt stopAt: Int64?, _ context: LaneContext,
    _ watch: ((LaneContext) throws -> Bool)?
  ) {
    self.inner = inner
    missing = Dictionary(
      uniqueKeysWithValues: sent.enumerated().map { (Int32($0.offset), $0.element) }.filter { $0.1 > 0 })
    self.stopAt = stopAt
    self.context = context
    self.watch = watch
  }

  func open(_ partition: Int32, state: PartitionState) throws {
    try inner.open(partition, state: state)
    if state.position.inputOffset >= missing[partition] ?? 0 { missing[partition] = nil }
  }

  func process(_ batch: MessageBatch, outputs: Producer) throws {
    try inner.process(batch, outputs: outputs)
    for index in 0..<batch.count {
      let message = batch[index]
      if let stopAt, message.partition == 0, message.offset >= stopAt {
        outputs.flushPending()
        throw Killed()
      }
      if let end = missing[message.partition], message.offset + 1 >= end { missing[message.partition] = nil }
    }
  }

  func tick(outputs: Producer) throws {
    try inner.tick(outputs: outputs)
    guard monotonicMs() < deadline else { throw DemandBench.Failure(text: "not done in time") }
    if missing.isEmpty, try watch?(context) ?? true { context.stop() }
  }

  func close(_ partition: Int32) { inner.close(partition) }
  func collect(into changes: inout StateChanges) throws { try inner.collect(into: &changes) }
  func persisted() { inner.persisted() }
  var dirtyBytes: Int { inner.dirtyBytes }
}
