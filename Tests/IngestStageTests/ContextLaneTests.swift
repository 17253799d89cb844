import Glibc
import Kafka
import LaneTestKit
import Orders
import Stage
import Store
import Synchronization
import TestKit
import Testing
import Topics

@testable import IngestStage

/// The join on an embedded broker of its own: `order.context` in, `orders` out.
@Suite(.serialized) struct ContextLaneTests {
  private static let hour: Int64 = 3_600_000_000

  private static func beacon(_ order: String, ip: String = "8.8.8.8", at: Int64, taken: Int64)
    -> ContextBench.Sent
  {
    let value = BeaconValue(
      ip: ip, at: Instant(microseconds: at), takenAt: Instant(microseconds: taken * hour))
    return ContextBench.Sent(key: key(order), value: OrderContextValue(value).protobuf)
  }

  private static func pointer(_ order: String, customer: UInt8 = 1, taken: Int64) -> ContextBench.Sent {
    var key = CustomerKeyValue()
    key.kind = .member
    key.digest = [UInt8](repeating: customer, count: 16)
    let value = PointerValue(customer: key, takenAt: Instant(microseconds: taken * hour))
    return ContextBench.Sent(key: Self.key(order), value: OrderContextValue(value).protobuf)
  }

  private static func key(_ order: String) -> [UInt8] {
    OrderContextKey(mallId: "demomall", shopNo: 1, orderId: order).bytes
  }

  /// Beacons and events of many orders, mixed, the one before the other or after, some twice, some customers two.
  private static func stream(_ seed: UInt64) -> [ContextBench.Sent] {
    var random = SeededGenerator(seed: seed)
    var sent: [ContextBench.Sent] = []
    for number in 0..<300 {
      let order = "order-\(number)"
      sent.append(beacon(order, at: Int64(number), taken: 1))
      sent.append(pointer(order, taken: 1))
      if number % 3 == 0 { sent.append(beacon(order, ip: "9.9.9.9", at: Int64(number + 1), taken: 1)) }
      if number % 5 == 0 { sent.append(pointer(order, customer: 2, taken: 1)) }
      if number % 7 == 0 { sent.append(beacon(order, at: Int64(number), taken: 1)) }
    }
    return sent.shuffled(using: &random)
  }

  @Test func aPairBecomesARecordOfOrdersUnderTheCustomersKey() throws {
    let bench = try ContextBench()
    try bench.send([
      Self.pointer("A", taken: 1), Self.beacon("B", at: 7, taken: 1), Self.beacon("A", at: 5, taken: 1),
      Self.pointer("B", customer: 2, taken: 1), Self.beacon("C", at: 5, taken: 1),
      Self.pointer("A", taken: 2), Self.beacon("A", at: 5, taken: 1),
    ])
    let counts = try bench.run()
    let records = try bench.read("orders")
    #expect(
      records.map(\.key)
        == [1, 2].map { Array("demomall".utf8) + [0, 1] + [UInt8](repeating: $0, count: 16) })
    let events = try records.map { record in
      try #require(record.value.withUnsafeBytes { ContextEventValue(orders: $0) })
    }
    #expect(events.map(\.orderId) == ["A", "B"])
    #expect(events.map(\.at.microseconds) == [5, 7])
    #expect(events.allSatisfy { $0.mallId == "demomall" && $0.shopNo == 1 && $0.ip == "8.8.8.8" })
    #expect(records.allSatisfy { $0.value.withUnsafeBytes { ContextEventValue.isHeld(by: $0) } })
    #expect(counts.joined.load(ordering: .relaxed) == 2 && counts.pointers.load(ordering: .relaxed) == 3)
  }

  @Test func aJoinThatDiesIsFollowedByOneThatSaysTheSame() throws {
    let sent = Self.stream(61)
    let whole = try ContextBench()
    try whole.send(sent)
    _ = try whole.run()
    let expected = try whole.read("orders").map(\.value)
    #expect(expected.count == 300 + 100 + 60 + 20)

    let broken = try ContextBench()
    try broken.send(sent)
    _ = try broken.run(dyingAt: 200)
    _ = try broken.run(dyingAt: 500)
    _ = try broken.run(cacheBytes: 4 << 10)
    var seen: Set<[UInt8]> = []
    let distinct = try broken.read("orders").map(\.value).filter { seen.insert($0).inserted }
    #expect(distinct == expected)
  }

  @Test func aRestartBetweenOrderAndBeaconLosesNeither() throws {
    let bench = try ContextBench()
    try bench.send([Self.pointer("A", taken: 1), Self.beacon("B", at: 1, taken: 1)])
    _ = try bench.run()
    #expect(try bench.read("orders").isEmpty)
    try bench.send([Self.beacon("A", at: 1, taken: 1), Self.pointer("B", taken: 1)])
    _ = try bench.run()
    #expect(try bench.read("orders").count == 2)
    let stored = try bench.stored()
    #expect(stored.count == 2)
    for value in stored.values { #expect(!String(decoding: value, as: UTF8.self).contains("8.8.8.8")) }
  }

  @Test func whatCameTooLateIsDroppedAndCounted() throws {
    let bench = try ContextBench()
    try bench.send([
      Self.beacon("A", at: 1, taken: 1), Self.pointer("B", taken: 1), Self.beacon("C", at: 1, taken: 20),
    ])
    _ = try bench.run()
    #expect(try bench.stored().count == 3)
    // 26 hours later by the records' own times.
    try bench.send([Self.pointer("D", taken: 27)])
    let counts = try bench.run()
    #expect(Set(try bench.stored().keys) == [Self.key("C"), Self.key("D")])
    #expect(counts.expired.load(ordering: .relaxed) == 1)
    try bench.send([
      Self.pointer("A", taken: 27), Self.beacon("B", at: 1, taken: 27), Self.pointer("C", taken: 27),
    ])
    _ = try bench.run()
    let events = try bench.read("orders").map {
      $0.value.withUnsafeBytes { ContextEventValue(orders: $0) }?.orderId
    }
    #expect(events == ["C"])
  }

  @Test func aClockThatIsAheadMakesNothingOld() throws {
    let bench = try ContextBench()
    try bench.send([
      Self.beacon("A", at: 1, taken: 1), Self.beacon("X", at: 1, taken: 1_000_000_000),
      Self.pointer("A", taken: 1),
    ])
    _ = try bench.run(clockUs: 2 * Self.hour)
    #expect(try bench.read("orders").count == 1)
  }

  @Test func whatCannotBeUsedBecomesADeadLetter() throws {
    let bench = try ContextBench()
    let good = Self.pointer("A", taken: 1)
    var both = OrderContextValue(BeaconValue(ip: "8.8.8.8", at: .distantPast, takenAt: .distantPast))
    both.pointer = PointerValue()
    try bench.send([
      .init(key: Self.key("A"), value: nil), .init(key: Self.key("A"), value: [0xFF]),
      .init(key: Self.key("A"), value: []), .init(key: nil, value: good.value),
      .init(key: Array("demomall".utf8), value: good.value), .init(key: Self.key("A"), value: both.protobuf),
      .init(key: Self.key("A"), value: Array("{\"ip\":\"8.8.8.8\"}".utf8)), good,
      Self.beacon("A", at: 1, taken: 1),
    ])
    let counts = try bench.run()
    #expect(counts.deadLetters.load(ordering: .relaxed) == 7)
    #expect(try bench.read("orders").count == 1)
    let letters = try bench.read("orders.dlq").compactMap { DeadLetterValue(protobuf: $0.value) }
    #expect(letters.map(\.position) == [0, 1, 2, 3, 4, 5, 6])
    #expect(letters.allSatisfy { $0.stage == "ingest" && $0.source == "order.context" })
    #expect(
      letters.map { $0.problems.first?.code } == [
        "record.tombstone", "record.malformed", "record.malformed", "record.key", "record.key",
        "record.malformed", "record.malformed",
      ])
    #expect(letters[1].sealedBody.withUnsafeBytes { bench.seal.open($0) } == [0xFF])
  }

  @Test func inputsThatRetentionHasRemovedAreNoReasonToStop() throws {
    let bench = try ContextBench()
    try bench.send([Self.pointer("A", taken: 1)])
    _ = try bench.run()
    // So much that the broker drops its oldest records: fields that nobody knows.
    var padding = ProtobufWriter(capacity: 600_000)
    padding.bytes(99, [UInt8](repeating: 1, count: 500_000))
    var large = Self.beacon("Z", at: 1, taken: 1)
    large.value = (large.value ?? []) + padding.bytes
    try bench.send(Array(repeating: large, count: 14) + [Self.beacon("A", at: 1, taken: 1)])
    let reports = Reports()
    let context = LaneContext { report in
      if case .inputSkipped(_, let from, let to) = report { reports.values.withLock { $0 += [from, to] } }
    }
    _ = try bench.run(context: context)
    #expect(reports.values.withLock { $0.first == 1 && ($0.last ?? 0) > 1 })
    #expect(try bench.read("orders").count == 1)
  }

  @Test func ingestIsReadyWithItsJoinAndAnOrderMeetsItsBeacon() throws {
    let folder = TemporaryFolder.make()
    defer { TemporaryFolder.remove(folder) }
    for round in 0..<2 {
      let ingest = try RunningIngest.open { $0.contextJoin = RunningIngest.join(directory: folder) }
      defer { ingest.close() }
      ingest.awaitReady()
      #expect(ingest.health.isReady && ingest.failure == nil)
      let order = Event { $0.order = "\"A-1\"" }.text
      let beacon = "{\"ip\":\"203.0.113.7\"}"
      let path = "/v1/orders/demomall/1/A-1/context"
      if round == 0 {
        #expect(try ingest.post(path, beacon).status == 202)
        #expect(try ingest.post("/v1/orders", order).status == 202)
      } else {
        #expect(try ingest.post("/v1/orders", order).status == 202)
        #expect(try ingest.post(path, beacon).status == 202)
      }
      let access = BrokerAccess(
        client: ClientSettings(bootstrap: ingest.broker.bootstrap, clientId: "test"), isEmbedded: true)
      // The join answers when it has both; the order's own record was there before the 202.
      _ = try access.first("orders", partitions: 3) { OrderSnapshotValue(protobuf: $0)?.context }
      let records = try ingest.orders()
      let context = try #require(records.compactMap(\.context).first)
      #expect(records.count == 2)
      #expect(context.orderId == "A-1" && context.ip == "203.0.113.7")
      #expect(context.customer == records.first { $0.context == nil }?.customer)
      ingest.lane.show()
      #expect(ingest.metrics.exposition().contains("passflow_context_joined 1\n"))
      ingest.stop()
      #expect(ingest.failure == nil && ingest.log.allSatisfy { !$0.contains("203.0.113.7") })
      // The second broker is a new one.
      for name in ["\(GroupNames.ingest)-0.sqlite", "\(GroupNames.ingest)-1.sqlite"] {
        unlink("\(folder)/\(name)")
      }
    }
  }
}

private final class Reports: Sendable {
  let values = Mutex<[Int64]>([])
}

/// A join lane with one partition, and what came out of it.
final class ContextBench {
  struct Sent {
    var key: [UInt8]?
    var value: [UInt8]?
  }
  struct Stopped: Error {}

  let broker: EmbeddedBroker
  let access: BrokerAccess
  let directory = TemporaryFolder.make()
  let seal: DeadLetterSeal
  private(set) var sent = 0

  init() throws {
    broker = try EmbeddedBroker(topics: [("order.context", 1), ("orders", 1), ("orders.dlq", 1)])
    access = BrokerAccess(
      client: ClientSettings(bootstrap: broker.bootstrap, clientId: "test"), isEmbedded: true)
    seal = try #require(DeadLetterSeal(key: [UInt8](repeating: 3, count: 32)))
  }

  deinit {
    broker.close()
    TemporaryFolder.remove(directory)
  }

  func send(_ records: [Sent]) throws {
    let producer = try Producer(settings: access.client)
    let topic = try producer.topic("order.context")
    func lend(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> Void) rethrows {
      if let bytes { try bytes.withUnsafeBytes { try body($0) } } else { try body(nil) }
    }
    for record in records {
      try lend(record.key) { key in
        try lend(record.value) { value in
          _ = try producer.send(topic: topic, partition: 0, key: key, value: value)
        }
      }
    }
    try #require(producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 20_000))
    producer.close(timeoutMs: 1_000)
    sent += records.count
  }

  private var settings: LaneSettings {
    var settings = LaneSettings(
      inputTopic: "order.context", groupId: GroupNames.ingest, usesGroup: false, durability: .file)
    settings.inputPartitions = 1
    settings.stateDirectory = directory
    settings.commitIntervalMs = 1
    settings.batchMax = 64
    settings.skipsGoneInputs = true
    return settings
  }

  /// Runs the join until everything sent is handled and committed, or until it dies without a drain.
  func run(
    cacheBytes: Int = 1 << 20, dyingAt stopAt: Int64? = nil, clockUs: Int64 = .max,
    context: LaneContext = LaneContext()
  ) throws -> ContextProcessor.Counts {
    let producer = try Producer(settings: access.client)
    let counts = ContextProcessor.Counts()
    let processor = ContextProcessor(
      outputs: .init(
        orders: try access.topic("orders", of: producer, readBy: nil),
        deadLetters: try access.topic("orders.dlq", of: producer, readBy: nil)),
      seal: seal, cacheBytesMax: cacheBytes, counts: counts, clockUs: { clockUs })
    let lane = StatefulLane(
      settings: settings, clientSettings: access.client,
      consumer: try access.consumer(group: GroupNames.ingest, reading: settings.inputTopic),
      producer: producer,
      processor: MortalProcessor(processor, dyingAt: stopAt, doneAt: Int64(sent), context),
      schemaVersion: ContextProcessor.schemaVersion, context: context)
    lane.run()
    producer.close(timeoutMs: 2_000)
    if stopAt == nil { #expect(context.failure == nil) }
    return counts
  }

  private func open() throws -> PartitionState {
    try PartitionState.open(
      directory: directory, name: "\(GroupNames.ingest)-0",
      identity: PartitionIdentity(
        topic: "order.context", partition: 0, schemaVersion: ContextProcessor.schemaVersion))
  }

  /// What is in the partition's file.
  func stored() throws -> [[UInt8]: [UInt8]] {
    var found: [[UInt8]: [UInt8]] = [:]
    try open().scan(prefix: []) { found[[UInt8]($0)] = [UInt8]($1) }
    return found
  }

  func read(_ topic: String) throws -> [(key: [UInt8], value: [UInt8])] {
    try access.records(topic).map { ($0.key, $0.value ?? []) }
  }
}
