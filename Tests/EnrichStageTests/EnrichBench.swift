import EnrichStage
import Glibc
import History
import Kafka
import LaneTestKit
import Orders
import Stage
import Store
import TestKit
import Topics

/// An enrich lane on an embedded broker of its own, with one partition, and what came out of it.
final class EnrichBench {
  struct Stopped: Error {}

  let broker: EmbeddedBroker
  let access: BrokerAccess
  let directory: String
  let seal: DeadLetterSeal
  private(set) var sent = 0

  private let reference: ReferenceData

  init(reference: ReferenceData = .empty) throws {
    self.reference = reference
    broker = try EmbeddedBroker(topics: [("orders", 1), ("orders.enriched", 1), ("orders.dlq", 1)])
    access = BrokerAccess(
      client: ClientSettings(bootstrap: broker.bootstrap, clientId: "test"), isEmbedded: true)
    directory = TemporaryFolder.make("enrich")
    guard let seal = DeadLetterSeal(key: [UInt8](repeating: 3, count: DeadLetterSeal.keyByteCount)) else {
      throw Stopped()
    }
    self.seal = seal
  }

  deinit {
    broker.close()
    TemporaryFolder.remove(directory)
  }

  /// Nil is a tombstone.
  func send(_ values: [[UInt8]?]) throws {
    let producer = try Producer(settings: access.client)
    let topic = try producer.topic("orders")
    for value in values {
      if let value {
        _ = try value.withUnsafeBytes { try producer.send(topic: topic, partition: 0, key: nil, value: $0) }
      } else {
        _ = try producer.send(topic: topic, partition: 0, key: nil, value: nil)
      }
    }
    guard producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 20_000) else {
      throw Stopped()
    }
    producer.close(timeoutMs: 1_000)
    sent += values.count
  }

  /// Runs a lane until everything sent is handled and committed, or until it dies at `stopAt` without a drain.
  /// `idle`: how long a partition has to be so, and the clock. `awaited`: inputs besides those sent.
  func run(
    cacheBytes: Int, durability: Durability = .file, dyingAt stopAt: Int64? = nil,
    demand: FactDemand = FactDemand(claimWindows: [ClaimWindow(scope: .returns, months: 3)]),
    idle: (afterUs: Int64, clock: SteppingClock)? = nil, awaited: Int = 0, isBounded: Bool = false,
    firedPerInput: UInt32 = .max
  ) throws -> EnrichProcessor.Counts {
    let producer = try Producer(settings: access.client)
    let folder = HistoryFolder(reference: reference, demand: demand)
    let clock = idle?.clock
    let processor = EnrichProcessor(
      folder: folder,
      outputs: .init(
        enriched: try access.topic("orders.enriched", of: producer, readBy: nil),
        deadLetters: try access.topic("orders.dlq", of: producer, readBy: nil)),
      seal: seal, cacheBytesMax: cacheBytes,
      clockUs: { clock?.look() ?? 1_800_000_000_000_000 })
    processor.isClockBounded = isBounded
    let orders = try access.topicOfItsReader("orders", of: producer)
    processor.orders = orders
    if let idle { processor.idleClock = IdleClock(orders: orders, idleAfterUs: idle.afterUs) }
    processor.firedPerInputMax = firedPerInput
    var settings = LaneSettings(
      inputTopic: "orders", groupId: GroupNames.enrich, usesGroup: false, durability: durability)
    settings.inputPartitions = 1
    settings.stateDirectory = directory
    settings.commitIntervalMs = 1
    settings.batchMax = 64
    let context = LaneContext()
    let lane = StatefulLane(
      settings: settings, clientSettings: access.client,
      consumer: try access.consumer(group: settings.groupId, reading: settings.inputTopic),
      producer: producer,
      processor: MortalProcessor(processor, dyingAt: stopAt, doneAt: Int64(sent + awaited), context),
      schemaVersion: EnrichProcessor.schemaVersion, context: context)
    lane.run()
    producer.close(timeoutMs: 2_000)
    if stopAt == nil, let failure = context.failure { throw KafkaTestFailure(text: failure) }
    return processor.counts
  }

  /// Values of a topic from its beginning.
  func read(_ topic: String) throws -> [[UInt8]] { try access.records(topic).map { $0.value ?? [] } }
}

struct KafkaTestFailure: Error { let text: String }
