import Glibc
import Kafka
import Stage
import Testing
import Topics

@testable import IngestStage

@Suite(.serialized) struct UnreachableBrokerTests {
  @Test func nothingIsAnswered2xxBeforeTheBrokerHasItAndEverythingAfterwards() throws {
    let ingest = try RunningIngest.open { $0.acknowledgementTimeoutMs = 30_000 }
    defer { ingest.close() }
    #expect(try ingest.post("/v1/orders", Event().text).status == 202)
    ingest.broker.setReachable(false)
    let clients = try (0..<8).map { number in
      let client = try ingest.client()
      client.post("/v1/orders", Array(Event { $0.order = "\"W-\(number)\"" }.text.utf8))
      return client
    }
    let bad = try ingest.client()
    bad.post("/v1/orders", Array("{}".utf8))
    #expect(clients[0].staysSilent(milliseconds: 300))
    #expect(bad.staysSilent(milliseconds: 1))
    ingest.broker.setReachable(true)
    for client in clients { #expect(try client.answer().status == 202) }
    #expect(try bad.answer().status == 400)
    let expected = (0..<8).map { "W-\($0)" } + ["A-1"]
    #expect(try Set(ingest.orders().map(\.orderId)) == Set(expected))
    #expect(try ingest.records("orders.dlq").count == 1)
  }

  @Test func whenTheBrokerDoesNotComeBackTheAnswerIs503() throws {
    let ingest = try RunningIngest.open { $0.acknowledgementTimeoutMs = 200 }
    defer { ingest.close() }
    ingest.broker.setReachable(false)
    let answer = try ingest.post("/v1/orders", Event().text)
    #expect(answer.status == 503)
    #expect(answer.headers["retry-after"] == "5")
    #expect(answer.body.contains("not_acknowledged"))
    ingest.broker.setReachable(true)
  }

  @Test func whatWaitsIsBounded() throws {
    let ingest = try RunningIngest.open { settings in
      settings.unacknowledgedMax = 3
      settings.acknowledgementTimeoutMs = 30_000
    }
    defer { ingest.close() }
    ingest.broker.setReachable(false)
    let clients = try (0..<3).map { _ in
      let client = try ingest.client()
      client.post("/v1/orders", Array(Event().text.utf8))
      #expect(client.staysSilent(milliseconds: 50))
      return client
    }
    let answer = try ingest.post("/v1/orders", Event().text)
    #expect(answer.status == 503)
    #expect(answer.headers["retry-after"] == "1")
    #expect(answer.body.contains("too_many_waiting"))
    ingest.lane.show()
    #expect(ingest.metrics.exposition().contains("passflow_ingest_unacknowledged_records 3\n"))
    #expect(ingest.metrics.exposition().contains("passflow_ingest_waiting_requests 3\n"))
    ingest.broker.setReachable(true)
    for client in clients { #expect(try client.answer().status == 202) }
    #expect(try ingest.post("/v1/orders", Event().text).status == 202)
  }

  @Test func beforeTheTopicsAreKnownItIsNotReadyAndTakesNothing() throws {
    let ingest = try RunningIngest(topics: [("orders", 1)])
    defer { ingest.close() }
    let answer = try ingest.post("/v1/orders", Event().text)
    #expect(answer.status == 503)
    #expect(answer.body.contains("starting"))
    #expect(!ingest.health.isReady)
    try ingest.broker.addTopic("orders.dlq", partitions: 1)
    ingest.context.stop()
    ingest.join()
    #expect(ingest.failure == nil)
  }

  @Test func aSuspendedRequestIsAnsweredWhileItDrains() throws {
    let ingest = try RunningIngest.open()
    defer { ingest.close() }
    #expect(try ingest.post("/v1/orders", Event().text).status == 202)
    ingest.broker.setRoundTrip(ms: 600)
    let client = try ingest.client()
    client.post("/v1/orders", Array(Event { $0.order = "\"D-1\"" }.text.utf8))
    #expect(client.staysSilent(milliseconds: 150))
    ingest.context.stop()
    let answer = try client.answer()
    #expect(answer.status == 202)
    ingest.join()
    #expect(ingest.failure == nil)
    ingest.broker.setRoundTrip(ms: 0)
    #expect(try ingest.orders().contains { $0.orderId == "D-1" })
    #expect(try ingest.post("/v1/orders", Event().text).body.contains("stopping"))
  }

  @Test func drainingEndsInTimeWithoutABroker() throws {
    let ingest = try RunningIngest.open { $0.drainMs = 300 }
    defer { ingest.close() }
    ingest.broker.setReachable(false)
    let client = try ingest.client()
    client.post("/v1/orders", Array(Event().text.utf8))
    #expect(client.staysSilent(milliseconds: 100))
    let startMs = monotonicMs()
    ingest.context.stop()
    #expect(try client.answer().status == 503)
    ingest.join()
    #expect(monotonicMs() - startMs < 5_000)
    #expect(ingest.failure == nil)
    ingest.broker.setReachable(true)
  }
}
