import Dispatch
import EnrichStage
import EvaluateStage
import Files
import Glibc
import HTTP
import History
import IngestStage
import Kafka
import LaneTestKit
import Rules
import Stage
import TestKit
import Testing
import Topics

@testable import Pipeline

/// From `POST …/context` to the decision, over all lanes on the embedded broker.
@Suite(.serialized)
struct BeaconTests {
  /// Ingest with its HTTP server and its join, enrich and evaluate, each on a thread of its own.
  private final class Running {
    let broker: EmbeddedBroker
    let access: BrokerAccess
    let server: HTTPServer
    let folder: String
    private let contexts = [LaneContext(), LaneContext(), LaneContext()]
    private var threads: [NativeThread] = []
    private let ready = DispatchSemaphore(value: 0)

    init() throws {
      let folder = TemporaryFolder.make("beacon")
      self.folder = folder
      broker = try EmbeddedBroker(
        topics: TopicPlans.all(partitions: 2, replication: 1).map { ($0.name, $0.partitions) })
      let access = BrokerAccess(
        client: ClientSettings(bootstrap: broker.bootstrap, clientId: "test"), isEmbedded: true)
      self.access = access
      let seal = try #require(DeadLetterSeal(key: [UInt8](repeating: 7, count: 32)))
      let secret = try #require(IdentitySecret(bytes: [UInt8](repeating: 9, count: 32)))
      func lane(_ topic: String, _ group: String) -> LaneSettings {
        var lane = LaneSettings(inputTopic: topic, groupId: group, usesGroup: false, durability: .file)
        lane.inputPartitions = 2
        lane.stateDirectory = folder
        lane.commitIntervalMs = 1
        return lane
      }
      var ingest = IngestLaneSettings(broker: access, secret: secret, seal: seal)
      let join = lane("order.context", GroupNames.ingest)
      ingest.contextJoin = ContextJoinSettings { _ in join }
      let metrics = Metrics()
      let health = Health(stage: "ingest")
      let ingestLane = IngestLane(
        ingest,
        log: Log(
          stage: "ingest", level: .info,
          sink: { [ready] line in if line.contains("\"ingest.ready\"") { ready.signal() } }),
        metrics: metrics, health: health)
      server = try HTTPServer(host: "127.0.0.1", port: 0, routes: ingestLane.routes + health.routes(metrics))
      let rules = try RuleFiles.load([])
      var builder = ReferenceBuilder()
      Array("134217728,150994943,US\n".utf8).withUnsafeBytes {
        builder.add(.geo, $0, file: "geo.csv")
      }
      let enrich = EnrichLaneSettings(
        broker: access, topics: TopicNames(), lane: lane("orders", GroupNames.enrich), cacheBytes: 8 << 20,
        seal: seal, reference: builder.build(), plan: DemandPlan(factDemand(of: rules)))
      let evaluate = EvaluateLaneSettings(
        broker: access, topics: TopicNames(), lane: lane("orders.enriched", GroupNames.evaluate), seal: seal,
        rules: RuleBook(shared: rules))
      let contexts = contexts
      threads = [
        try #require(NativeThread(name: "ingest") { try? ingestLane.run(contexts[0]) }),
        try #require(NativeThread(name: "enrich") { try? runEnrichLane(enrich, context: contexts[1]) }),
        try #require(NativeThread(name: "evaluate") { try? runEvaluateLane(evaluate, context: contexts[2]) }),
      ]
      try #require(ready.wait(timeout: .now() + .seconds(20)) == .success)
    }

    func close() {
      for context in contexts { context.stop() }
      for thread in threads { thread.join() }
      server.stop(withinMs: 2_000)
      #expect(contexts.allSatisfy { $0.failure == nil })
      broker.close()
      TemporaryFolder.remove(folder)
    }

    /// Status of the answer, 0 for none.
    func post(_ path: String, _ body: String) -> Int {
      let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { Glibc.close(socket) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(server.port).bigEndian
      address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
      let size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, size) }
      }
      guard connected == 0 else { return 0 }
      let bytes = Array(body.utf8)
      let request = Array(
        "POST \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \(bytes.count)\r\n\r\n".utf8
      )
      for part in [request, bytes] { _ = write(socket, part, part.count) }
      var answer = [UInt8](repeating: 0, count: 4_096)
      let count = recv(socket, &answer, answer.count, 0)
      return Int(String(decoding: answer.prefix(max(count, 0)).dropFirst(9).prefix(3), as: UTF8.self)) ?? 0
    }

    /// Values of a topic from its beginning.
    func read(_ topic: String) throws -> [[UInt8]] {
      try access.records(topic, partitions: 2).map { $0.value ?? [] }
    }

    /// The first decision of an order that satisfies the condition; nil when none comes.
    func decision(_ order: String, _ isWanted: (DecisionValue) -> Bool) throws -> DecisionValue? {
      try access.first("decisions", partitions: 2) { value in
        DecisionValue(protobuf: value).flatMap { $0.orderId == order && isWanted($0) ? $0 : nil }
      }
    }
  }

  private static func order(_ id: String, member: String) -> String {
    let time = "\"2026-10-10T09:30:00+09:00\""
    return """
      {"schema":"passflow.order/1","mall_id":"demomall","shop_no":1,"order_id":"\(id)","event":"order.placed",\
      "event_time":\(time),"version":1,"placed_at":\(time),"payment":{"methods":["card"],"status":"paid"},\
      "buyer":{"member_id":"\(member)"},"items":[{"item_code":"\(id)-1","sku":"S1","quantity":1,\
      "unit_price":"150000","option_price":"0","status":"N10"}]}
      """
  }

  private static func isSuspicious(_ decision: DecisionValue) -> Bool {
    decision.labels.contains { $0.label == "FRAUD_CHECK" }
  }

  @Test func aForeignBeaconMakesItsOrderSuspiciousBeforeAndAfterTheOrder() throws {
    let running = try Running()
    defer { running.close() }
    let beacon = "{\"ip\":\"8.8.8.8\",\"at\":\"2026-10-10T09:29:58+09:00\"}"
    // The order first: decided without the address, then again with it.
    #expect(running.post("/v1/orders", Self.order("A-1", member: "kim01")) == 202)
    let before = try #require(try running.decision("A-1") { _ in true })
    #expect(!Self.isSuspicious(before) && before.facts?.ipCountry == "")
    #expect(running.post("/v1/orders/demomall/1/A-1/context", beacon) == 202)
    let after = try #require(try running.decision("A-1", Self.isSuspicious))
    #expect(Self.isSuspicious(after) && after.facts?.ipCountry == "US")
    #expect(after.version == 1 && after.position.offset > before.position.offset)
    // The beacon first, twice.
    for _ in 0..<2 { #expect(running.post("/v1/orders/demomall/1/B-1/context", beacon) == 202) }
    #expect(running.post("/v1/orders", Self.order("B-1", member: "lee02")) == 202)
    #expect(Self.isSuspicious(try #require(try running.decision("B-1", Self.isSuspicious))))
    // No order after it: nothing comes of it. An order without a beacon: nothing either.
    #expect(running.post("/v1/orders/demomall/1/C-1/context", beacon) == 202)
    #expect(running.post("/v1/orders", Self.order("D-1", member: "kim01")) == 202)
    #expect(!Self.isSuspicious(try #require(try running.decision("D-1") { _ in true })))
    #expect(try running.read("orders").count == 5)
    for topic in ["orders.enriched", "decisions"] {
      for value in try running.read(topic) {
        #expect(!String(decoding: value, as: UTF8.self).contains("8.8.8.8"), "\(topic)")
      }
    }
  }
}
