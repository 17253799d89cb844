import ApplyStage
import Glibc
import Kafka
import LaneTestKit
import Orders
import Shop
import Stage
import Store
import TestKit
import Testing
import Topics

/// The apply lane on an embedded broker, over a local shop.
@Suite(.serialized)
struct ApplyProcessorTests {
  /// Decisions of many orders, several times each; the last one of an order is the last one sent.
  private static func decisions(orders: Int, rounds: Int) -> [[UInt8]] {
    var values: [[UInt8]] = []
    for round in 0..<rounds {
      for order in 0..<orders {
        var value = DecisionValue()
        value.mallId = "demomall"
        value.shopNo = 1
        value.orderId = "order-\(order)"
        value.position = Position(epoch: 0, partition: 0, offset: Int64(values.count), n: 0)
        value.latestVersion = Int64(round)
        value.ruleSet = "abc"
        let names = ["A", "B", "C"].enumerated().filter { (order + round) >> $0.offset & 1 == 1 }.map(
          \.element)
        value.labels = names.map { desired($0, ["i1", "i2"]) }
        values.append(value.protobuf)
      }
    }
    return values
  }

  private static func labels(_ shop: LocalShop, orders: Int) throws -> [[String]] {
    try (0..<orders).map { number in
      try shop.labels(of: OrderIdentity(mallId: "demomall", shopNo: 1, orderId: "order-\(number)"))
        .map { "\($0.itemCode) \($0.label)" }
    }
  }

  private static func expected(orders: Int, lastRound: Int) -> [[String]] {
    (0..<orders).map { order in
      ["i1", "i2"].flatMap { item in
        ["A", "B", "C"].enumerated().filter { (order + lastRound) >> $0.offset & 1 == 1 }
          .map { "\(item) \($0.element)" }
      }
    }
  }

  @Test(arguments: [64 << 10, 64 << 20]) func theShopEndsAsTheLastDecisionsWish(_ cacheBytes: Int) throws {
    let bench = try ApplyBench()
    let values = Self.decisions(orders: 500, rounds: 5)
    try bench.send(values)
    let counts = try bench.run(cacheBytes: cacheBytes)
    #expect(counts.decisions == values.count && counts.deadLetters == 0 && counts.refused == 0)
    #expect(try Self.labels(bench.shop, orders: 500) == Self.expected(orders: 500, lastRound: 4))
    // The very same decisions again: nothing to do (a new offset, an old position).
    try bench.send(values)
    let again = try bench.run(cacheBytes: cacheBytes)
    #expect(again.labelsAdded == 0 && again.labelsRemoved == 0 && again.actions == 0)
    #expect(again.older + again.repeated == values.count)
  }

  @Test func aLaneThatDiesIsFollowedByOneThatGoesOn() throws {
    let bench = try ApplyBench()
    try bench.send(Self.decisions(orders: 200, rounds: 5))
    let first = try bench.run(cacheBytes: 64 << 10, dyingAt: 300)
    let second = try bench.run(cacheBytes: 64 << 10, dyingAt: 700)
    let last = try bench.run(cacheBytes: 64 << 10)
    #expect(first.decisions > 0 && second.decisions > 0 && last.decisions < 1000)
    #expect(try Self.labels(bench.shop, orders: 200) == Self.expected(orders: 200, lastRound: 4))
  }

  /// Among decisions, with deaths of the lane on the way: the act counts once, and what is left of it is in the ledger.
  @Test func aLiftedVetoIsHandledInItsTurnAndOnlyOnce() throws {
    func record(_ offset: Int64, _ labels: [String]) -> [UInt8] {
      var value = DecisionValue()
      (value.mallId, value.shopNo, value.orderId, value.ruleSet) = ("demomall", 1, "o1", "abc")
      value.position = Position(epoch: 0, partition: 0, offset: offset, n: 0)
      value.latestVersion = offset
      value.labels = labels.map { desired($0, ["i1"]) }
      return value.protobuf
    }
    func act(_ label: String, order id: String = "o1") -> [UInt8] {
      var lift = VetoLiftValue()
      (lift.label, lift.by, lift.note) = (label, "lee", "called")
      return DecisionValue(lifting: lift, of: OrderIdentity(mallId: "demomall", shopNo: 1, orderId: id))
        .protobuf
    }
    let order = OrderIdentity(mallId: "demomall", shopNo: 1, orderId: "o1")
    let bench = try ApplyBench()
    try bench.send([record(1, ["A"])])
    _ = try bench.run(cacheBytes: 64 << 10)
    try bench.shop.personRemoves("A", from: ["i1"], of: order)
    try bench.send([record(2, []), record(3, ["A"])])
    _ = try bench.run(cacheBytes: 64 << 10)
    #expect(try bench.shop.labels(of: order).isEmpty)
    // Unknown orders and labels without a veto, the act twice, then the same wish again.
    try bench.send([act("A", order: "other"), act("B"), act("A"), act("A"), record(4, ["A"])])
    _ = try bench.run(cacheBytes: 64 << 10, dyingAt: 6)
    let counts = try bench.run(cacheBytes: 64 << 10)
    #expect(counts.deadLetters == 0)
    #expect(try bench.shop.labels(of: order).map(\.label) == ["A"])
    let lifts = try bench.actions().filter { $0.kind == "label.veto_lifted" }
    #expect(lifts.map(\.result) == ["order_unknown", "none", "done", "none"])
    #expect(lifts.map(\.by) == ["lee", "lee", "lee", "lee"])
    #expect(lifts[2].cause == "called" && lifts[2].rules == ["R"])
    try bench.send([record(5, [])])
    _ = try bench.run(cacheBytes: 64 << 10)
    #expect(try bench.shop.labels(of: order).isEmpty)
  }

  @Test func badRecordsBecomeDeadLettersAndStopNobody() throws {
    let bench = try ApplyBench()
    let sound = Self.decisions(orders: 2, rounds: 2)
    try bench.send([sound[0], nil, [0xFF], Array(sound[1].dropLast(1)), sound[2], sound[3]])
    let counts = try bench.run(cacheBytes: 64 << 10)
    #expect(counts.decisions == 3 && counts.deadLetters == 3)
    #expect(try Self.labels(bench.shop, orders: 2) == Self.expected(orders: 2, lastRound: 1))
  }
}

final class ApplyBench {
  struct Stopped: Error {}

  let broker: EmbeddedBroker
  let access: BrokerAccess
  let directory: String
  let shop: LocalShop
  private var sent = 0

  init() throws {
    broker = try EmbeddedBroker(topics: [("decisions", 1), ("actions", 1), ("orders.dlq", 1)])
    access = BrokerAccess(
      client: ClientSettings(bootstrap: broker.bootstrap, clientId: "test"), isEmbedded: true)
    directory = TemporaryFolder.make("apply")
    shop = try LocalShop(path: directory + "/shop.sqlite")
  }

  deinit {
    broker.close()
    TemporaryFolder.remove(directory)
  }

  func send(_ values: [[UInt8]?]) throws {
    let producer = try Producer(settings: access.client)
    let topic = try producer.topic("decisions")
    for value in values {
      _ =
        try value?.withUnsafeBytes { try producer.send(topic: topic, partition: 0, key: nil, value: $0) }
        ?? producer.send(topic: topic, partition: 0, key: nil, value: nil)
    }
    guard producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 20_000) else {
      throw Stopped()
    }
    producer.close(timeoutMs: 1_000)
    sent += values.count
  }

  /// What stands on topic `actions`.
  func actions() throws -> [ActionValue] {
    try access.records("actions").compactMap { record in record.value.flatMap { ActionValue(protobuf: $0) } }
  }

  /// Until everything sent is handled and committed, or until the lane dies at `stopAt` without a drain.
  func run(
    cacheBytes: Int, dyingAt stopAt: Int64? = nil, sink: (any ShopSink)? = nil
  ) throws -> ApplyProcessor.Counts {
    guard let seal = DeadLetterSeal(key: [UInt8](repeating: 3, count: DeadLetterSeal.keyByteCount)) else {
      throw Stopped()
    }
    let producer = try Producer(settings: access.client)
    let actions = try access.topic("actions", of: producer, readBy: nil)
    let processor = ApplyProcessor(
      reconciler: Reconciler(), shop: sink ?? shop, actionsPartitions: 1,
      deadLetters: try access.topic("orders.dlq", of: producer, readBy: nil), seal: seal,
      cacheBytesMax: cacheBytes)
    var settings = LaneSettings(
      inputTopic: "decisions", groupId: GroupNames.apply, usesGroup: false, durability: .file)
    settings.inputPartitions = 1
    settings.stateDirectory = directory
    settings.commitIntervalMs = 1
    settings.batchMax = 64
    let context = LaneContext()
    let lane = StatefulLane(
      settings: settings, clientSettings: access.client,
      consumer: try access.consumer(group: settings.groupId, reading: settings.inputTopic),
      producer: producer,
      processor: MortalProcessor(processor, dyingAt: stopAt, doneAt: Int64(sent), context),
      schemaVersion: ApplyProcessor.schemaVersion,
      effectTopics: [EffectTopic(name: "actions", handle: actions)], context: context)
    lane.run()
    producer.close(timeoutMs: 2_000)
    if stopAt == nil, context.failure != nil { throw Stopped() }
    return processor.counts
  }
}
