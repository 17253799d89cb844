import Glibc
import Kafka
import Orders
import Stage
import Testing
import Topics

@testable import IngestStage

@Suite(.serialized) struct ContextEndpointTests {
  private static let at: @Sendable () -> Int64 = { 1_000_000 }

  @Test func anAddressIsKeptUnderItsOrder() throws {
    let ingest = try RunningIngest.open { $0.clockUs = Self.at }
    defer { ingest.close() }
    let answer = try ingest.post(
      "/v1/orders/demomall/1/A%2F%EC%A3%BC/context", "{\"ip\":\" 2001:DB8:0:0::1 \",\"x\":[1]}")
    #expect(answer.status == 202)
    #expect(try ingest.post("/v1/orders/demomall/0/B/context", "{\"ip\":\"1.2.3.4\"}").status == 202)
    let records = try ingest.records("order.context")
    let now = Instant(microseconds: 1_000_000)
    #expect(
      Set(records.map { OrderContextValue(protobuf: $0.value) }) == [
        OrderContextValue(BeaconValue(ip: "2001:db8::1", at: now, takenAt: now)),
        OrderContextValue(BeaconValue(ip: "1.2.3.4", at: now, takenAt: now)),
      ])
    #expect(
      Set(records.compactMap(\.key)) == [
        Array("demomall\u{0}1\u{0}A/주".utf8), Array("demomall\u{0}0\u{0}B".utf8),
      ])
  }

  @Test func theSendersTimeIsKeptUnlessItIsOfTheFuture() throws {
    let ingest = try RunningIngest.open { $0.clockUs = Self.at }
    defer { ingest.close() }
    let path = "/v1/orders/demomall/1/A/context"
    let bodies = [
      "{\"ip\":\"1.2.3.4\",\"at\":\"1970-01-01T00:00:00.5Z\"}", "{\"at\":null,\"ip\":\"1.2.3.5\"}",
      "{\"ip\":\"1.2.3.6\",\"at\":\"1970-01-01T00:10:01Z\"}",
    ]
    for body in bodies { #expect(try ingest.post(path, body).status == 202) }
    let cases = [
      ("\"1970-01-01T00:10:01.000001Z\"", "time.future"), ("\"1970-01-01T00:00:00\"", "time.no_offset"),
      ("\"yesterday\"", "time.invalid"), ("5", "type.time"),
    ]
    for (at, code) in cases {
      let answer = try ingest.post(path, "{\"ip\":\"1.2.3.7\",\"at\":\(at)}")
      #expect(answer.status == 400 && answer.body.contains("\"code\":\"\(code)\""), "\(answer.body)")
    }
    let beacons = try ingest.records("order.context").compactMap {
      OrderContextValue(protobuf: $0.value)?.beacon
    }
    #expect(beacons.map(\.ip) == ["1.2.3.4", "1.2.3.5", "1.2.3.6"])
    #expect(beacons.map(\.at.microseconds) == [500_000, 1_000_000, 601_000_000])
    #expect(beacons.allSatisfy { $0.takenAt.microseconds == 1_000_000 })
  }

  @Test func anOrderWithoutAnAddressPointsToItsCustomerWhenThereIsAJoin() throws {
    for joins in [true, false] {
      let ingest = try RunningIngest.open {
        $0.clockUs = Self.at
        if joins { $0.contextJoin = RunningIngest.join() }
      }
      defer { ingest.close() }
      let without = Event { $0.order = "\"A-1\"" }
      let empty = Event { ($0.order, $0.buyer) = ("\"A-2\"", "{\"phone\":\"010-1234-5678\",\"ip\":\" \"}") }
      let with = Event { ($0.order, $0.buyer) = ("\"A-3\"", "{\"member_id\":\"kim01\",\"ip\":\"1.2.3.4\"}") }
      for event in [without, empty, with] {
        #expect(try ingest.post("/v1/orders", event.text).status == 202)
      }
      let records = try ingest.records("order.context")
      guard joins else {
        #expect(records.isEmpty)
        continue
      }
      #expect(
        Set(records.compactMap(\.key)) == [
          Array("demomall\u{0}1\u{0}A-1".utf8), Array("demomall\u{0}1\u{0}A-2".utf8),
        ])
      let customers = Set(try ingest.orders().filter { $0.orderId != "A-3" }.map(\.customer))
      let pointers = records.compactMap { OrderContextValue(protobuf: $0.value)?.pointer }
      #expect(Set(pointers.map(\.customer)) == customers)
      #expect(pointers.allSatisfy { $0.takenAt.microseconds == 1_000_000 })
    }
  }

  @Test func whatIsNoAddressOrNoOrderIsRefusedWithoutItsValue() throws {
    let ingest = try RunningIngest.open { $0.malls = ["demomall"] }
    defer { ingest.close() }
    let canary = OrdersEndpointTests.canary
    let long = String(repeating: "m", count: 129)
    let cases = [
      ("/v1/orders/demomall/1/A/context", "{\"ip\":\"\(canary)\"}", "ip.invalid"),
      ("/v1/orders/demomall/1/A/context", "{\"ip\":\"1.2.3.256\"}", "ip.invalid"),
      ("/v1/orders/demomall/1/A/context", "{\"ip\":\"1.2.3.4\\u0000\"}", "ip.invalid"),
      ("/v1/orders/demomall/1/A/context", "{\"ip\":7}", "type.string"),
      ("/v1/orders/demomall/1/A/context", "{\"ip\":null}", "type.string"),
      ("/v1/orders/demomall/1/A/context", "{}", "missing"),
      ("/v1/orders/demomall/1/A/context", "\"\(canary)\"", "json.not_object"),
      ("/v1/orders/demomall/1/A/context", "{\"ip\":\"\(canary)", "json.syntax"),
      ("/v1/orders/demomall/1/A/context", "", "json.empty"),
      ("/v1/orders/demomall/\(canary)/A/context", "{\"ip\":\"1.2.3.4\"}", "type.integer"),
      ("/v1/orders/demomall/2147483648/A/context", "{\"ip\":\"1.2.3.4\"}", "type.integer"),
      ("/v1/orders/\(canary)/1/A/context", "{\"ip\":\"1.2.3.4\"}", "mall.unknown"),
      ("/v1/orders/demomall/1/\(long)/context", "{\"ip\":\"1.2.3.4\"}", "text.too_long"),
    ]
    for (path, body, code) in cases {
      let answer = try ingest.post(path, body)
      #expect(answer.status == 400, "\(path) \(body)")
      #expect(answer.body.contains("\"code\":\"\(code)\""), "\(answer.body)")
      #expect(!answer.body.contains(canary))
    }
    #expect(try ingest.post("/v1/orders/demomall/1/A%00B/context", "{\"ip\":\"1.2.3.4\"}").status == 400)
    let both = try ingest.post("/v1/orders/demomall/x/A/context", "{}")
    #expect(both.body.contains("type.integer") && both.body.contains("missing"))
    #expect(
      try ingest.post("/v1/orders/demomall/1/A/context", String(repeating: " ", count: 4_097)).status == 413)
    #expect(try ingest.records("order.context").isEmpty)
  }
}

@Suite(.serialized) struct WebhookEndpointTests {
  private static let key = "3f2b0c9e-key"
  private static let path = "/v1/webhooks/cafe24"

  private func open(_ change: (inout IngestLaneSettings) -> Void = { _ in }) throws -> RunningIngest {
    try RunningIngest.open { settings in
      settings.webhookKeys = WebhookKeys([
        ConfigurationPair("demomall", Self.key), ConfigurationPair("other", "another-key"),
      ])
      change(&settings)
    }
  }

  private func body(_ order: String, mall: String = "demomall", event: Int = 90_023) -> String {
    "{\"event_no\":\(event),\"resource\":{\"mall_id\":\"\(mall)\",\"event_shop_no\":\"1\",\"order_id\":\"\(order)\","
      + "\"buyer_name\":\"\(OrdersEndpointTests.canary)\"}}"
  }

  private func post(_ ingest: RunningIngest, _ body: String, key: String? = key, trace: String? = nil) throws
    -> SocketClient.Answer
  {
    let headers = [key.map { "X-API-Key: \($0)" }, trace.map { "X-Trace-ID: \($0)" }].compactMap(\.self)
    return try ingest.post(Self.path, headers: headers, body)
  }

  @Test func aWebhookIsQueuedSealedUnderItsOrder() throws {
    let ingest = try open()
    defer { ingest.close() }
    #expect(try post(ingest, body("20261010-1"), trace: "t1").status == 200)
    let records = try ingest.records("webhooks")
    #expect(records.map(\.key) == [Array("demomall\u{0}20261010-1".utf8)])
    let sealed = try #require(records.first?.value)
    #expect(ingest.opened(sealed) == Array(body("20261010-1").utf8))
    #expect(ingest.metrics.exposition().contains("passflow_ingest_webhooks_total{outcome=\"queued\"} 1\n"))
  }

  @Test func onlyTheKeyOfTheMallOpens() throws {
    let ingest = try open()
    defer { ingest.close() }
    for key in [nil, "", "wrong", "another-key", Self.key + "x", String(Self.key.dropLast())] {
      #expect(try post(ingest, body("1"), key: key).status == 401, "\(key ?? "none")")
    }
    #expect(try ingest.records("webhooks").isEmpty)
  }

  @Test func testSamplesAndUnknownMallsAreAnswered200AndNotKept() throws {
    let ingest = try open { $0.malls = ["demomall"] }
    defer { ingest.close() }
    for mall in ["cafe24bestshop", "sampleMall", "nobody", "other"] {
      #expect(try post(ingest, body("1", mall: mall)).status == 200)
    }
    #expect(try ingest.records("webhooks").isEmpty)
  }

  @Test func aRepetitionIsAnsweredButNotQueuedAgain() throws {
    let ingest = try open()
    defer { ingest.close() }
    for _ in 0..<3 { #expect(try post(ingest, body("1"), trace: "t1").status == 200) }
    for _ in 0..<2 { #expect(try post(ingest, body("2")).status == 200) }
    #expect(try post(ingest, body("1"), trace: "t2").status == 200)
    #expect(try ingest.records("webhooks").count == 3)
    #expect(ingest.metrics.exposition().contains("passflow_ingest_webhooks_total{outcome=\"duplicate\"} 3\n"))
  }

  @Test func aRepetitionOfWhatIsNotAcknowledgedWaitsToo() throws {
    let ingest = try open { $0.acknowledgementTimeoutMs = 400 }
    defer { ingest.close() }
    ingest.broker.setReachable(false)
    #expect(try post(ingest, body("1"), trace: "t").status == 503)
    #expect(try post(ingest, body("1"), trace: "t").status == 503)
    ingest.broker.setReachable(true)
    var answers: [Int] = []
    while answers.last != 200, answers.count < 100 {
      answers.append(try post(ingest, body("1"), trace: "t").status)
    }
    #expect(answers.last == 200)
    #expect(try ingest.records("webhooks").count == 1)
  }

  @Test func aBulkEventBecomesOneRecordAnOrder() throws {
    let ingest = try open()
    defer { ingest.close() }
    let ids = (1...300).map { "2026-\($0)" }
    #expect(try post(ingest, body(ids.joined(separator: ","), event: 90_071)).status == 200)
    let records = try ingest.records("webhooks")
    #expect(records.count == 300)
    #expect(Set(records.compactMap(\.key)) == Set(ids.map { Array("demomall\u{0}\($0)".utf8) }))
    let reader = Cafe24WebhookReader()
    var read: Set<String> = []
    for record in records {
      let opened = try #require(ingest.opened(record.value))
      let webhook = try opened.withUnsafeBytes { try reader.read($0).get() }
      #expect(webhook.eventNo == 90_071 && webhook.mallId == "demomall" && webhook.orderIds.count == 1)
      read.formUnion(webhook.orderIds)
    }
    #expect(read == Set(ids))
  }

  @Test func whatCannotBeReadIs400AndADeadLetterOnlyWithAKey() throws {
    let ingest = try open()
    defer { ingest.close() }
    let broken = "{\"event_no\":90023,\"resource\":{\"mall_id\":\"\(OrdersEndpointTests.canary)\""
    for key in [nil, "wrong-key", Self.key] {
      let answer = try post(ingest, broken, key: key)
      #expect(answer.status == 400)
      #expect(answer.body.contains("json.syntax"))
      #expect(!answer.body.contains(OrdersEndpointTests.canary))
    }
    let letters = try ingest.deadLetters()
    #expect(letters.map(\.source) == ["webhook"])
    #expect(letters.first.flatMap { ingest.opened($0.sealedBody) } == Array(broken.utf8))
    let typed = try post(ingest, "{\"event_no\":\"x\",\"resource\":{\"mall_id\":\"demomall\"}}")
    #expect(typed.body.contains("\"field\":\"event_no\""))
  }

  @Test func theFileOfKeysIsReadAndItsProblemsNameNoKey() throws {
    var template = Array("/tmp/passflow-keys-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    func put(_ text: String) {
      ftruncate(file, 0)
      pwrite(file, text, text.utf8.count, 0)
    }
    put("demomall: \(Self.key)\n\"몰\": another-key\n")
    let keys = WebhookKeys(try WebhookKeys.read(path: path))
    #expect(keys.isKey(Self.key, of: "demomall") && keys.isKey("another-key", of: "몰"))
    #expect(!keys.isKey(Self.key, of: "몰") && !keys.isKey(Self.key, of: "nobody"))
    for wrong in [
      "demomall: CANARY\n", "demomall: [CANARY]\n", "- CANARY\n", "demomall: CANARY12\ndemomall: x\n",
    ] {
      put(wrong)
      let error = #expect(throws: WebhookKeyFileError.self) { try WebhookKeys.read(path: path) }
      #expect(error?.description.contains("CANARY") == false)
    }
    Glibc.close(file)
    #expect(throws: WebhookKeyFileError.self) { try WebhookKeys.read(path: "/nowhere") }
  }
}
