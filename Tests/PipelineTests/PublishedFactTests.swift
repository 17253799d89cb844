import EnrichStage
import EvaluateStage
import History
import Kafka
import LaneTestKit
import Orders
import RuleVersions
import Rules
import Stage
import Synchronization
import TestKit
import Testing
import Topics

@testable import Pipeline

/// A published rule with a list that enrich has never heard of, over both lanes on the embedded broker.
@Suite(.serialized)
struct PublishedFactTests {
  private final class Running {
    let broker: EmbeddedBroker
    let access: BrokerAccess
    private let folder: String
    private let contexts = [LaneContext(), LaneContext()]
    private var threads: [NativeThread] = []
    let reports = Reports()

    final class Reports: Sendable {
      let all = Mutex<[RuleReport]>([])
    }

    static let base = "rules:\n  - {id: all, if: amount.items >= 1, then: {labels: [ALL]}}"

    /// Three partitions of `orders`, two of `orders.enriched`.
    init() throws {
      folder = TemporaryFolder.make("published")
      broker = try EmbeddedBroker(
        topics: TopicPlans.all(partitions: 2, replication: 1).map {
          ($0.name, $0.name == "orders" ? 3 : $0.partitions)
        })
      access = BrokerAccess(
        client: ClientSettings(bootstrap: broker.bootstrap, clientId: "test"), isEmbedded: true)
      let seal = try #require(DeadLetterSeal(key: [UInt8](repeating: 7, count: 32)))
      let book = RuleBook(
        shared: try RuleSet.load(files: [
          ("base.yaml", Running.base)
        ]))
      var builder = ReferenceBuilder()
      Array("list,sku,valid_from,valid_to,note\nhot,S1,,,\n".utf8).withUnsafeBytes {
        builder.add(.lists, $0, file: "lists.csv")
      }
      var enrich = EnrichLaneSettings(
        broker: access, topics: TopicNames(), lane: lane("orders", GroupNames.enrich, 3), cacheBytes: 8 << 20,
        seal: seal, reference: builder.build(), plan: try demandPlan(of: book))
      enrich.followedBase = book
      var evaluate = EvaluateLaneSettings(
        broker: access, topics: TopicNames(), lane: lane("orders.enriched", GroupNames.evaluate, 2),
        seal: seal,
        rules: book)
      evaluate.followsRules = true
      let reports = reports
      evaluate.report = { report in reports.all.withLock { $0.append(report) } }
      let contexts = contexts
      let (enriching, evaluating) = (enrich, evaluate)
      threads = [
        try #require(NativeThread(name: "enrich") { try? runEnrichLane(enriching, context: contexts[0]) }),
        try #require(
          NativeThread(name: "evaluate") { try? runEvaluateLane(evaluating, context: contexts[1]) }),
      ]
    }

    private func lane(_ topic: String, _ group: String, _ partitions: Int) -> LaneSettings {
      var lane = LaneSettings(inputTopic: topic, groupId: group, usesGroup: false, durability: .file)
      lane.inputPartitions = partitions
      lane.stateDirectory = folder
      lane.commitIntervalMs = 1
      return lane
    }

    func close() {
      for context in contexts { context.stop() }
      for thread in threads { thread.join() }
      #expect(contexts.allSatisfy { $0.failure == nil })
      broker.close()
      TemporaryFolder.remove(folder)
    }

    var switched: Set<Int32> {
      Set(
        reports.all.withLock { $0 }.compactMap {
          if case .switched(let partition, _, _, _) = $0 { partition } else { nil }
        })
    }

    /// Looks until it holds; false: not in time.
    func wait(until holds: () throws -> Bool) throws -> Bool {
      let deadline = monotonicMs() + 30_000
      while try !holds() {
        if monotonicMs() > deadline || contexts.contains(where: { $0.failure != nil }) { return false }
      }
      return true
    }

    func send(_ numbers: Range<Int>) throws {
      let producer = try Producer(settings: access.client)
      defer { producer.close(timeoutMs: 1_000) }
      let topic = try producer.topic("orders")
      for number in numbers {
        _ = try Self.order(number).withUnsafeBytes {
          try producer.send(topic: topic, partition: Int32(number % 3), key: nil, value: $0)
        }
      }
      #expect(producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 20_000))
    }

    private static func order(_ number: Int) -> [UInt8] {
      var order = OrderSnapshotValue()
      order.mallId = "mall"
      order.shopNo = 1
      order.orderId = "o\(number)"
      var customer = CustomerKeyValue()
      customer.kind = .member
      customer.digest = (0..<16).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) }
      order.customer = customer
      order.event = "order.placed"
      order.eventTime = Instant(microseconds: 1_791_592_200_000_000)
      order.placedAt = order.eventTime
      order.version = 1
      order.currency = "KRW"
      order.paymentStatus = .paid
      var item = ItemValue()
      item.itemCode = "i"
      item.sku = "S1"
      item.quantity = 1
      item.unitPrice = 1_000
      item.status = "N10"
      order.items = [item]
      return order.protobuf
    }

    /// Labels by order, of the last decision.
    func labels() throws -> [String: [String]] {
      var labels: [String: [String]] = [:]
      for record in try access.records("decisions", partitions: 2) {
        guard let decision = record.value.flatMap({ DecisionValue(protobuf: $0) }) else { continue }
        labels[decision.orderId] = decision.labels.map(\.label)
      }
      return labels
    }
  }

  @Test func theNextOrderGetsTheLabelAndNoneIsDecidedWithoutTheFact() throws {
    let running = try Running()
    defer { running.close() }
    try running.send(0..<30)
    #expect(try running.wait { try running.labels().count == 30 })
    let publisher = try RulePublisher(running.access)
    defer { publisher.close() }
    let text = "rules:\n  - {id: hot, if: 'inList(\"hot\")', then: {labels: [HOT]}}"
    let (version, _) = try publisher.publish([("hot.yaml", text)], author: "test", note: "")
    try publisher.activate(version.hash, in: RegistryScope(mallId: "mall"), author: "test", note: "")
    // Orders go on coming while enrich and evaluate switch.
    var sent = 30
    while running.switched.count < 2, sent < 3_000 {
      try running.send(sent..<sent + 3)
      sent += 3
    }
    try running.send(sent..<sent + 30)
    #expect(try running.wait { try running.labels().count == sent + 30 })
    #expect(running.switched == [0, 1])
    let base = try RuleSet.load(files: [("base.yaml", Running.base)]).hash
    var labelled = 0
    for record in try running.access.records("decisions", partitions: 2) {
      let decision = try #require(record.value.flatMap { DecisionValue(protobuf: $0) })
      let isNew = decision.ruleSet != base
      // Under the new rules nobody waits for the list, and it is known.
      #expect(decision.labels.map(\.label) == (isNew ? ["ALL", "HOT"] : ["ALL"]), "\(decision.orderId)")
      #expect(decision.pendingOn.isEmpty)
      labelled += isNew ? 1 : 0
    }
    #expect(labelled >= 30)
    let progress = try #require(try DemandProgress.read(running.access))
    #expect(progress.partitionCount == 3 && progress.hasReached(2))
    #expect(progress.text(2).contains("all 3 partitions") && progress.text(3).contains("0, 1, 2 of 3"))
  }
}
