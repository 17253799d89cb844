import Kafka
import Orders
import Stage
import Testing
import Topics

@testable import IngestStage

@Suite(.serialized) struct MergeEndpointTests {
  private static let path = "/v1/customers/demomall/merge"
  private static let now: Int64 = 1_791_592_200_000_000

  private func merge(
    _ who: String = "\"phone\":\"010-1234-5678\"", member: String = "kim01",
    at: String = "2026-10-10T09:29:00+09:00"
  ) -> String {
    "{\"member_id\":\"\(member)\",\"at\":\"\(at)\",\(who)}"
  }

  private func open() throws -> RunningIngest {
    try RunningIngest.open {
      $0.malls = ["demomall"]
      $0.clockUs = { MergeEndpointTests.now }
    }
  }

  @Test func aMergeLiesInThePartitionOfTheGuestsOrdersAndNamesNobody() throws {
    let ingest = try open()
    defer { ingest.close() }
    let answer = try ingest.post(Self.path, merge("\"former_member_id\":\"kim01\"", member: "kim02"))
    #expect(answer.status == 202 && answer.body == "{\"accepted\":1}")
    #expect(try ingest.post("/v1/orders", Event().text).status == 202)
    let records = try ingest.records("orders")
    #expect(records.count == 2)
    // The sample's order is kim01's.
    #expect(records[0].key == records[1].key && records[0].partition == records[1].partition)
    let told = records.compactMap { $0.value.withUnsafeBytes { MergeEventValue(orders: $0) } }
    #expect(told.map(\.mallId) == ["demomall"] && told.map { $0.to?.kind } == [.member])
    for record in records { #expect(!String(decoding: record.value, as: UTF8.self).contains("kim0")) }
    // No order: nothing for the join of addresses.
    #expect(try ingest.records("order.context").isEmpty)
    #expect(ingest.metrics.exposition().contains("route=\"merge\""))
  }

  @Test func manyComeAsLinesAlsoAmongOrdersAndABadOneDelaysNoOther() throws {
    let ingest = try open()
    defer { ingest.close() }
    let lines = [merge(), "{\"member_id\":\"b\"}", merge("\"email\":\"a@example.com\"")].joined(
      separator: "\n")
    let answer = try ingest.post(Self.path, headers: ["Content-Type: application/x-ndjson"], lines)
    #expect(answer.status == 207 && answer.body.contains("\"accepted\":2"))
    #expect(answer.body.contains("\"line\":2") && answer.body.contains("\"field\":\"phone\""))
    let own = merge(member: "d").dropFirst()
    let mixed = Event().text + "\n{\"schema\":\"passflow.merge/1\",\"mall_id\":\"demomall\",\(own)"
    #expect(
      try ingest.post("/v1/orders", headers: ["Content-Type: application/x-ndjson"], mixed).status == 202)
    #expect(try ingest.records("orders").count == 4)
    #expect(try ingest.deadLetters().count == 1)
  }

  @Test func unknownMallsLaterTimesAndWhatIsNoMergeAreRefused() throws {
    let ingest = try open()
    defer { ingest.close() }
    for (path, body, code) in [
      ("/v1/customers/othermall/merge", merge(), "mall.unknown"),
      (Self.path, merge(at: "2026-10-10T09:40:01+09:00"), "time.future"),
      (Self.path, merge("\"mall_id\":\"m\",\"phone\":\"010-1\""), "path.mismatch"),
      (Self.path, merge("\"phone\":\"0507-1234-5678\""), "identity.none"), (Self.path, "", "json.empty"),
      (Self.path, merge("\"phone\":\"010-1\",\"email\":\"a@b\""), "identity.several"),
      (Self.path, Event().text, "schema.unknown"),
    ] {
      let answer = try ingest.post(path, body)
      #expect(answer.status == 400 && answer.body.contains("\"\(code)\""), "\(path): \(answer.body)")
      #expect(!answer.body.contains("kim01") && !answer.body.contains("1234"))
    }
    #expect(try ingest.post(Self.path, merge(at: "2026-10-10T09:40:00+09:00")).status == 202)
    #expect(try ingest.records("orders").count == 1)
  }
}
