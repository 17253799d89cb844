import Kafka
import Orders
import Stage
import TestKit
import Testing
import Topics

@testable import IngestStage

@Suite(.serialized) struct OrdersEndpointTests {
  /// Stands for whatever a customer wrote: it may be nowhere but in the order and the sealed body.
  static let canary = "CANARY7f3a"

  @Test func anAcceptedOrderIsOnTheTopicUnderItsCustomersKey() throws {
    let ingest = try RunningIngest.open()
    defer { ingest.close() }
    let answer = try ingest.post("/v1/orders", Event().text)
    #expect(answer.status == 202)
    #expect(answer.body == "{\"accepted\":1}")
    let records = try ingest.records("orders")
    #expect(records.count == 1)
    let key = try #require(records.first?.key)
    #expect(key.starts(with: Array("demomall".utf8) + [0]))
    #expect(key.count == "demomall".utf8.count + 2 + 16)
    let partition = key.withUnsafeBytes { Partitioner.partition(forKey: $0, count: 3) }
    #expect(records.first?.partition == partition)
    #expect(try ingest.orders().map(\.orderId) == ["A-1"])
    #expect(ingest.health.isReady)
    #expect(
      ingest.metrics.exposition().contains("passflow_ingest_events_accepted_total{source=\"http\"} 1\n"))
    #expect(
      ingest.metrics.exposition().contains(
        "passflow_ingest_acknowledgement_seconds_count{route=\"orders\"} 1\n"))
  }

  @Test func theSampleOfTheContractIsTakenThoughItHasManyLines() throws {
    let ingest = try RunningIngest.open()
    defer { ingest.close() }
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
      separator: "/")
    let file = try OrderFile(path: "\(root)/topics/samples/order-event.json")
    var body: [UInt8] = []
    while let line = try file.next() { body += Array(line) + [10] }
    #expect(try ingest.post("/v1/orders", body).status == 202)
    #expect(try ingest.orders().map(\.orderId) == ["20261010-0000123"])
  }

  struct Bad: Sendable, CustomTestStringConvertible {
    let name: String
    let body: String
    let code: String
    let field: String
    var status = 400
    var testDescription: String { name }
  }

  static let bad: [Bad] = {
    let long = canary + String(repeating: "x", count: 100_000)
    let large = Event { $0.name = "\"\(canary)\(String(repeating: "x", count: 1 << 20))\"" }
    return [
      Bad(
        name: "not JSON", body: "{\"mall_id\":\"\(canary)\", oops}", code: "json.syntax",
        field: "line 1, column "),
      Bad(name: "no object", body: "[\"\(canary)\"]", code: "json.not_object", field: ""),
      Bad(
        name: "wrong type", body: Event { $0.version = "\"\(canary)\"" }.text, code: "type.integer",
        field: "version"),
      Bad(name: "missing identity", body: Event { $0.order = nil }.text, code: "missing", field: "order_id"),
      Bad(
        name: "time without offset", body: Event { $0.time = "\"2026-10-10T09:30:00\"" }.text,
        code: "time.no_offset",
        field: "event_time"),
      Bad(
        name: "no time", body: Event { $0.time = "\"\(canary)\"" }.text, code: "time.invalid",
        field: "event_time"),
      Bad(
        name: "negative money", body: Event { $0.unitPrice = "\"-7\"" }.text, code: "money.negative",
        field: "items[0].unit_price"),
      Bad(
        name: "over-precise money", body: Event { $0.unitPrice = "\"15000.5\"" }.text,
        code: "money.too_many_decimals", field: "items[0].unit_price"),
      Bad(name: "257 items", body: Event { $0.itemCount = 257 }.text, code: "limit.items", field: "items"),
      Bad(name: "1 MiB and more", body: large.text, code: "json.too_large", field: "", status: 413),
      Bad(
        name: "unknown mall", body: Event { $0.mall = "\"\(canary)\"" }.text, code: "mall.unknown",
        field: "mall_id"),
      Bad(
        name: "NUL in an id", body: Event { $0.order = "\"\(canary)\\u0000\"" }.text, code: "text.nul",
        field: "order_id"),
      Bad(
        name: "NUL byte", body: Event { $0.order = "\"\(canary)\u{0}\"" }.text, code: "json.",
        field: "line 1, column "),
      Bad(
        name: "lone surrogate", body: Event { $0.order = "\"\(canary)\\ud83d\"" }.text,
        code: "json.surrogate",
        field: "line 1, column "),
      Bad(
        name: "id of 100 kB", body: Event { $0.order = "\"\(long)\"" }.text, code: "text.too_long",
        field: "order_id"),
    ]
  }()

  @Test func eachBadInputIsAnsweredAndDeadLetteredWithFieldAndClassButNeverItsValue() throws {
    let ingest = try RunningIngest.open { $0.malls = ["demomall"] }
    defer { ingest.close() }
    for bad in Self.bad {
      let answer = try ingest.post("/v1/orders", bad.body)
      #expect(answer.status == bad.status, "\(bad.name)")
      #expect(
        answer.body.hasPrefix("{\"accepted\":0,\"refused\":1,\"problems\":[{\"line\":1,"), "\(bad.name)")
      #expect(answer.body.contains("\"code\":\"\(bad.code)"), "\(bad.name): \(answer.body.prefix(400))")
      #expect(answer.body.contains("\"field\":\"\(bad.field)"), "\(bad.name): \(answer.body.prefix(400))")
      #expect(!answer.body.contains(Self.canary), "\(bad.name)")
    }
    let letters = try ingest.deadLetters()
    #expect(letters.count == Self.bad.count)
    for bad in Self.bad {
      let body = Array(bad.body.utf8)
      let letter = try #require(
        letters.first { ingest.opened($0.sealedBody) == Array(body.prefix(1 << 20)) }, "\(bad.name)")
      #expect(letter.stage == "ingest" && letter.source == "http" && letter.position == 1)
      #expect(letter.bodyBytes == Int64(body.count))
      #expect(
        letter.problems.contains { $0.code.hasPrefix(bad.code) && $0.field.hasPrefix(bad.field) },
        "\(bad.name)")
    }
    let canary = Array(Self.canary.utf8)
    for record in try ingest.records("orders.dlq") { #expect(!contains(record.value, canary)) }
    #expect(!ingest.metrics.exposition().contains(Self.canary))
    #expect(!ingest.log.contains { $0.contains(Self.canary) })
    #expect(try ingest.records("orders").isEmpty)
    #expect(ingest.metrics.exposition().contains("passflow_ingest_events_refused_total{class=\"money\"} 2\n"))
  }

  private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
    bytes.indices.contains { bytes[$0...].starts(with: part) }
  }

  @Test func oddButLegalOrdersAreTaken() throws {
    let ingest = try RunningIngest.open()
    defer { ingest.close() }
    let odd = [
      Event { $0.status = "\"Z99\"" }, Event(), Event(),
      Event { ($0.name, $0.order) = ("\"🍊👩‍🌾\"", "\"주문-🍊\"") },
      Event { $0.time = "\"1970-01-01T00:00:00Z\"" },
      Event { $0.name = "\"\(String(repeating: "가", count: 34_000))\"" },
      Event { $0.itemCount = 256 },
    ]
    for event in odd { #expect(try ingest.post("/v1/orders", event.text).status == 202) }
    #expect(try ingest.records("orders").count == odd.count)
    #expect(try ingest.records("orders.dlq").isEmpty)
    #expect(ingest.metrics.exposition().contains("passflow_ingest_unknown_codes_total 1\n"))
  }

  @Test func aBodyOfMoreThanTwoMebibytesIsAnswered413() throws {
    let ingest = try RunningIngest.open()
    defer { ingest.close() }
    let answer = try ingest.post("/v1/orders", [UInt8](repeating: 0x20, count: (2 << 20) + 1))
    #expect(answer.status == 413)
    #expect(answer.body == "{\"error\":\"body_too_large\",\"message\":\"The body may have 2097152 bytes\"}")
    #expect(try ingest.post("/v1/orders", [UInt8](repeating: 0x20, count: 2 << 20)).status == 400)
    #expect(try ingest.post("/v1/orders", "").body.contains("json.empty"))
    let lines = String(repeating: "1\n", count: IngestDesk.linesMax + 1)
    let answerToLines = try ingest.post("/v1/orders", headers: ["Content-Type: application/x-ndjson"], lines)
    #expect(answerToLines.status == 413)
    #expect(try ingest.records("orders.dlq").isEmpty)
  }

  @Test func oneBadLineDelaysNoOther() throws {
    let ingest = try RunningIngest.open()
    defer { ingest.close() }
    var lines = (1...200).map { number in Event { $0.order = "\"L-\(number)\"" }.text }
    lines[0] = "{\"mall_id\":\"\(Self.canary)\","
    lines[99] = Event { ($0.version, $0.order) = ("-1", nil) }.text
    let answer = try ingest.post("/v1/orders", lines.joined(separator: "\n\n") + "\r\n")
    #expect(answer.status == 207)
    #expect(answer.body.hasPrefix("{\"accepted\":198,\"refused\":2,\"problems\":[{\"line\":1,"))
    #expect(answer.body.contains("{\"line\":199,\"code\":\"missing\",\"field\":\"order_id\""))
    #expect(answer.body.contains("{\"line\":199,\"code\":\"integer.range\",\"field\":\"version\""))
    #expect(!answer.body.contains(Self.canary))
    let expected = (2...200).filter { $0 != 100 }.map { "L-\($0)" }
    #expect(try Set(ingest.orders().map(\.orderId)) == Set(expected))
    #expect(try Set(ingest.deadLetters().map(\.position)) == [1, 199])
    let all = try ingest.post("/v1/orders", "{}\n{}\n")
    #expect(all.status == 400)
    #expect(all.body.hasPrefix("{\"accepted\":0,\"refused\":2,"))
    let good = try ingest.post("/v1/orders", lines[1] + "\n" + lines[2] + "\n")
    #expect(good.status == 202)
    #expect(good.body == "{\"accepted\":2}")
  }

  @Test func whatWouldNotFitARecordIsRefusedAndItsDeadLetterCut() throws {
    let ingest = try RunningIngest.open { settings in
      settings.intakeLimits.recordBytesMax = 40_000
      settings.intakeLimits.eventBytesMax = 100_000
    }
    defer { ingest.close() }
    let category = String(repeating: "c", count: 2_000)
    let many = Event().text.replacing(
      "\"kind\":",
      with:
        "\"categories\":[\"\([String](repeating: category, count: 30).joined(separator: "\",\""))\"],\"kind\":"
    )
    #expect(try ingest.post("/v1/orders", many).body.contains("record.too_large"))
    #expect(try ingest.post("/v1/orders", String(repeating: "7", count: 100_001)).status == 413)
    #expect(try ingest.post("/v1/orders", Event().text).status == 202)
    let letters = try ingest.deadLetters()
    #expect(Set(letters.map(\.bodyBytes)) == [Int64(many.utf8.count), 100_001])
    for letter in letters { #expect(letter.protobuf.count <= 40_000) }
  }
}
