import Kafka
import Orders
import Stage
import Testing
import Topics

@testable import IngestStage

@Suite(.serialized) struct ProfileEndpointTests {
  private static let path = "/v1/customers/demomall/1/profile"
  private static let now: Int64 = 1_791_592_200_000_000

  private func profile(
    _ member: String = "kim01", at: String = "2026-10-10T09:29:00+09:00",
    _ more: String = "\"grade\":\"gold\""
  )
    -> String
  {
    "{\"member_id\":\"\(member)\",\"at\":\"\(at)\",\(more)}"
  }

  private func open() throws -> RunningIngest {
    try RunningIngest.open {
      $0.malls = ["demomall"]
      $0.clockUs = { ProfileEndpointTests.now }
    }
  }

  @Test func aProfileLiesInThePartitionOfItsCustomersOrdersAndNamesNobody() throws {
    let ingest = try open()
    defer { ingest.close() }
    #expect(try ingest.post("/v1/orders", Event().text).status == 202)
    let answer = try ingest.post(Self.path, profile())
    #expect(answer.status == 202 && answer.body == "{\"accepted\":1}")
    let records = try ingest.records("orders")
    #expect(records.count == 2)
    #expect(records[0].key == records[1].key && records[0].partition == records[1].partition)
    let told = records.compactMap { $0.value.withUnsafeBytes { ProfileEventValue(orders: $0) } }
    #expect(told.map(\.grade) == ["gold"] && told.map(\.mallId) == ["demomall"])
    for record in records { #expect(!String(decoding: record.value, as: UTF8.self).contains("kim01")) }
    // No order: nothing for the join of addresses.
    #expect(try ingest.records("order.context").isEmpty)
    #expect(ingest.metrics.exposition().contains("route=\"profile\""))
  }

  @Test func manyComeAsLinesAlsoAmongOrdersAndABadOneDelaysNoOther() throws {
    let ingest = try open()
    defer { ingest.close() }
    let lines = [profile("a"), "{\"member_id\":\"b\"}", profile("c", "\"cart\":[]")].joined(separator: "\n")
    let answer = try ingest.post(Self.path, headers: ["Content-Type: application/x-ndjson"], lines)
    #expect(answer.status == 207 && answer.body.contains("\"accepted\":2"))
    #expect(answer.body.contains("\"line\":2") && answer.body.contains("\"field\":\"at\""))
    let own = profile("d").dropFirst()
    let mixed =
      Event().text + "\n{\"schema\":\"passflow.profile/1\",\"mall_id\":\"demomall\",\"shop_no\":1,\(own)"
    #expect(
      try ingest.post("/v1/orders", headers: ["Content-Type: application/x-ndjson"], mixed).status == 202)
    #expect(try ingest.records("orders").count == 4)
    #expect(try ingest.deadLetters().count == 1)
  }

  @Test func wrongPathsUnknownMallsAndLaterTimesAreRefused() throws {
    let ingest = try open()
    defer { ingest.close() }
    for (path, body, code) in [
      ("/v1/customers/demomall/x/profile", profile(), "type.integer"),
      ("/v1/customers/othermall/1/profile", profile(), "mall.unknown"),
      (Self.path, profile(at: "2026-10-10T09:40:01+09:00"), "time.future"),
      (Self.path, profile("kim01", "\"mall_id\":\"m\",\"grade\":\"a\""), "path.mismatch"),
      (Self.path, profile("kim01", "\"grade\":\"\""), "text.empty"), (Self.path, "", "json.empty"),
      (Self.path, "{\"member_id\":1}", "missing"), (Self.path, Event().text, "schema.unknown"),
    ] {
      let answer = try ingest.post(path, body)
      #expect(answer.status == 400 && answer.body.contains("\"\(code)\""), "\(path): \(answer.body)")
      #expect(!answer.body.contains("kim01"))
    }
    #expect(try ingest.post(Self.path, profile(at: "2026-10-10T09:40:00+09:00")).status == 202)
    #expect(try ingest.records("orders").count == 1)
  }
}
