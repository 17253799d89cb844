import Dispatch
import Glibc
import HTTP
import Kafka
import Orders
import Stage
import Synchronization
import TestKit
import Testing
import Topics

@testable import IngestStage

/// A record copied out of a topic.
struct Record: Equatable {
  let partition: Int32
  let key: [UInt8]?
  let value: [UInt8]
}

/// An ingest lane with its own embedded broker and a real HTTP server on loopback.
final class RunningIngest {
  static let topics: [(name: String, partitions: Int)] = [
    ("orders", 3), ("orders.dlq", 2), ("webhooks", 2), ("order.context", 2),
  ]

  /// The join over both partitions of `order.context`, its state in a folder of its own.
  static func join(directory: String? = nil) -> ContextJoinSettings {
    let folder = directory ?? TemporaryFolder.make("ingest")
    return ContextJoinSettings { _ in
      var lane = LaneSettings(
        inputTopic: "order.context", groupId: GroupNames.ingest, usesGroup: false, durability: .file)
      lane.inputPartitions = 2
      lane.stateDirectory = folder
      lane.commitIntervalMs = 1
      return lane
    }
  }

  let broker: EmbeddedBroker
  let metrics = Metrics()
  let health = Health(stage: "ingest")
  let context = LaneContext()
  let lane: IngestLane
  let seal: DeadLetterSeal
  let server: HTTPServer
  private let thread: NativeThread
  private let outcome: Outcome

  final class Outcome: Sendable {
    let failure = Mutex<String?>(nil)
    let log = Mutex<[String]>([])
    let opened = DispatchSemaphore(value: 0)
    let ready = DispatchSemaphore(value: 0)
  }

  init(
    topics: [(name: String, partitions: Int)] = RunningIngest.topics,
    _ change: (inout IngestLaneSettings) -> Void = { _ in }
  ) throws {
    broker = try EmbeddedBroker(topics: topics)
    seal = try #require(DeadLetterSeal(key: [UInt8](repeating: 7, count: 32)))
    let secret = try #require(IdentitySecret(bytes: [UInt8](repeating: 9, count: 32)))
    let client = ClientSettings(
      bootstrap: broker.bootstrap,
      properties: ["reconnect.backoff.ms": "20", "reconnect.backoff.max.ms": "100"])
    var settings = IngestLaneSettings(
      broker: BrokerAccess(client: client, isEmbedded: true), secret: secret, seal: seal)
    settings.showsProgress = false
    change(&settings)
    let outcome = Outcome()
    self.outcome = outcome
    let log = Log(
      stage: "ingest", level: .debug,
      sink: { line in
        outcome.log.withLock { $0.append(line) }
        if line.contains("\"ingest.open\"") { outcome.opened.signal() }
        if line.contains("\"ingest.ready\"") { outcome.ready.signal() }
      })
    let lane = IngestLane(settings, log: log, metrics: metrics, health: health)
    self.lane = lane
    server = try HTTPServer(host: "127.0.0.1", port: 0, routes: lane.routes + health.routes(metrics))
    let context = context
    thread = try #require(
      NativeThread(name: "ingest") {
        do { try lane.run(context) } catch { outcome.failure.withLock { $0 = "\(error)" } }
        outcome.opened.signal()
      })
  }

  /// Runs it until the topics are known.
  static func open(_ change: (inout IngestLaneSettings) -> Void = { _ in }) throws -> RunningIngest {
    let ingest = try RunningIngest(change)
    try #require(ingest.outcome.opened.wait(timeout: .now() + .seconds(20)) == .success)
    return ingest
  }

  /// Waits until it is ready: topics known, and the join, if there is one, restored.
  func awaitReady() { #expect(outcome.ready.wait(timeout: .now() + .seconds(20)) == .success) }

  var failure: String? { outcome.failure.withLock { $0 } }
  var log: [String] { outcome.log.withLock { $0 } }

  /// Waits for the lane to end by itself or because it was told to.
  func join() { thread.join() }

  func stop() {
    context.stop()
    thread.join()
    server.stop(withinMs: 2_000)
  }

  func close() {
    stop()
    broker.close()
  }

  func client() throws -> SocketClient { try SocketClient(port: server.port) }

  func post(_ path: String, headers: [String] = [], _ body: [UInt8]) throws -> SocketClient.Answer {
    let client = try client()
    client.post(path, headers: headers, body)
    return try client.answer()
  }

  func post(_ path: String, headers: [String] = [], _ body: String) throws -> SocketClient.Answer {
    try post(path, headers: headers, Array(body.utf8))
  }

  /// All that is on a topic.
  func records(_ topic: String) throws -> [Record] {
    let count = try #require(RunningIngest.topics.first { $0.name == topic }).partitions
    let consumer = try Consumer(
      settings: ClientSettings(bootstrap: broker.bootstrap), groupId: "test", isolation: .readUncommitted,
      membership: .manual)
    defer { consumer.close() }
    let partitions = (0..<Int32(count)).map { TopicPartition(topic, $0) }
    try consumer.assign(partitions.map { ($0, 0) })
    var ended: Set<TopicPartition> = []
    var records: [Record] = []
    let batch = MessageBatch()
    for _ in 0..<200 where ended.count < count {
      for event in consumer.poll(into: batch, max: 100_000, timeoutMs: 100) {
        if case .endOfPartition(let partition, _) = event { ended.insert(partition) }
      }
      for index in 0..<batch.count {
        let view = batch[index]
        records.append(
          Record(
            partition: view.partition, key: view.key.map { Array($0) },
            value: Array(view.value ?? .init(start: nil, count: 0))))
      }
      batch.release()
    }
    #expect(ended.count == count, "the end of \(topic) was not seen")
    return records
  }

  func orders() throws -> [OrderSnapshotValue] {
    try records("orders").map { try #require(OrderSnapshotValue(protobuf: $0.value)) }
  }

  func deadLetters() throws -> [DeadLetterValue] {
    try records("orders.dlq").map { try #require(DeadLetterValue(protobuf: $0.value)) }
  }

  func opened(_ sealed: [UInt8]) -> [UInt8]? { sealed.withUnsafeBytes { seal.open($0) } }
}

/// An order event as one line of JSON; parts are JSON as they stand.
struct Event {
  var mall = "\"demomall\""
  var order: String? = "\"A-1\""
  var version = "1"
  var time = "\"2026-10-10T09:30:00+09:00\""
  var unitPrice = "\"15000\""
  var status = "\"N10\""
  var name = "\"귤\""
  var buyer = "{\"member_id\":\"kim01\"}"
  var itemCount = 1

  init(_ change: (inout Event) -> Void = { _ in }) { change(&self) }

  var text: String {
    let items = (0..<itemCount).map { number in
      """
      {"item_code":"I-\(number)","product_code":"P1","sku":"S1","name":\(name),"quantity":1,\
      "unit_price":\(unitPrice),"option_price":"0","status":\(status),"kind":"parcel","receiver_no":1}
      """
    }
    return """
      {"schema":"passflow.order/1","mall_id":\(mall),"shop_no":1,\(order.map { "\"order_id\":\($0)," } ?? "")\
      "event":"order.placed","event_time":\(time),"version":\(version),"placed_at":\(time),"currency":"KRW",\
      "amount":{"shipping":"0","discount":"0"},"payment":{"methods":["card"],"status":"paid"},\
      "buyer":\(buyer),"receivers":[],"items":[\(items.joined(separator: ","))]}
      """
  }
}
