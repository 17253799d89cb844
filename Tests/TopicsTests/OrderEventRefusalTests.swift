import Testing

@testable import Topics

/// A refused text: what it is, its bytes, the code and place of the problem expected first.
struct Refusal: Sendable, CustomTestStringConvertible {
  var name: String
  var bytes: [UInt8]
  var code: String
  var field: String
  var testDescription: String { name }

  init(_ name: String, _ text: String, _ code: String, _ field: String) {
    self.init(name, bytes: Array(text.utf8), code, field)
  }

  init(_ name: String, bytes: [UInt8], _ code: String, _ field: String) {
    self.name = name
    self.bytes = bytes
    self.code = code
    self.field = field
  }
}

/// Planted in refused values; must never come back in a problem.
private let canary = "CANARY7493"

private func items(_ count: Int) -> String {
  (0..<count).map { Sample.item(code: "i-\($0)") }.joined(separator: ",")
}

private func nested(_ depth: Int) -> String {
  Sample.small(
    "\"extra\": " + String(repeating: "[", count: depth - 1) + "1" + String(repeating: "]", count: depth - 1))
}

private let textCases: [Refusal] = [
  Refusal("nothing", "", "json.empty", "line 1, column 1"),
  Refusal("white space", " \n ", "json.empty", "line 2, column 2"),
  Refusal("not JSON", "\(canary) hello", "json.syntax", "line 1, column 1"),
  Refusal("single quotes", "{'\(canary)': 1}", "json.syntax", "line 1, column 2"),
  Refusal("missing comma", "{\"a\": 1\n \"\(canary)\": 2}", "json.syntax", "line 2, column 2"),
  Refusal("cut off", "{\"a\": \"\(canary)", "json.syntax", "line 1, column 18"),
  Refusal("trailing text", "{} \(canary)", "json.syntax", "line 1, column 4"),
  Refusal("leading zero", "{\"a\": 0123}", "json.syntax", "line 1, column 8"),
  Refusal("an array", "[\"\(canary)\"]", "json.not_object", ""),
  Refusal("a string", "\"\(canary)\"", "json.not_object", ""),
  Refusal("a number", "12", "json.not_object", ""),
  Refusal(
    "invalid UTF-8", bytes: Array("{\"가\": \"".utf8) + [0xFF, 0x22, 0x7D], "json.utf8", "line 1, column 8"),
  Refusal("a raw control character", "{\"a\": \"\u{1}\"}", "json.syntax", "line 1, column 8"),
  Refusal("a NUL byte", bytes: [0x7B, 0x00, 0x7D], "json.syntax", "line 1, column 2"),
  Refusal("a lone high surrogate", Sample.small(#""x": "\ud83d""#), "json.surrogate", "line 2, column 63"),
  Refusal("a lone low surrogate", Sample.small(#""x": "\ude00a""#), "json.surrogate", "line 2, column 63"),
  Refusal(
    "two high surrogates", Sample.small(#""x": "\ud83d\ud83d""#), "json.surrogate", "line 2, column 63"),
  Refusal("a number out of range", Sample.small("\"x\": 123456789012345678901234567890"), "json.number", ""),
  Refusal("33 levels", nested(33), "json.too_deep", "line 2, column 97"),
  Refusal(
    "a body of 2 MiB", Sample.small("\"x\": \"\(String(repeating: "a", count: 2 << 20))\""), "json.too_large",
    ""),
]

private let fieldCases: [Refusal] = [
  Refusal("another schema", Sample.small("\"schema\": \"\(canary)\""), "schema.unknown", "schema"),
  Refusal("a shop number as text", Sample.small(shop: "\"\(canary)\""), "type.integer", "shop_no"),
  Refusal("a fraction as shop number", Sample.small(shop: "1.5"), "type.integer", "shop_no"),
  Refusal("a shop number out of range", Sample.small(shop: "3000000000"), "integer.range", "shop_no"),
  Refusal("no order id", Sample.small(order: "null"), "missing", "order_id"),
  Refusal("an empty order id", Sample.small(order: "\"\""), "text.empty", "order_id"),
  Refusal("a NUL in an id", Sample.small(order: "\"\(canary)\\u0000\""), "text.nul", "order_id"),
  Refusal(
    "an order id of 100 kB", Sample.small(order: "\"\(String(repeating: "a", count: 100_000))\""),
    "text.too_long",
    "order_id"),
  Refusal(
    "a time without offset", Sample.small("\"paid_at\": \"2026-10-10T09:30:00\""), "time.no_offset", "paid_at"
  ),
  Refusal("no time at all", Sample.small("\"paid_at\": \"\(canary)\""), "time.invalid", "paid_at"),
  Refusal(
    "a time of year 0", Sample.small("\"paid_at\": \"0000-01-01T00:00:00Z\""), "time.invalid", "paid_at"),
  Refusal("a time as number", Sample.small("\"paid_at\": 1760000000"), "type.time", "paid_at"),
  Refusal(
    "a currency in small letters", Sample.small("\"currency\": \"krw\""), "currency.invalid", "currency"),
  Refusal(
    "negative money", Sample.small("\"amount\": {\"discount\": \"-7493\"}"), "money.negative",
    "amount.discount"),
  Refusal(
    "decimals of won", Sample.small("\"amount\": {\"paid\": \"10.00\"}"), "money.too_many_decimals",
    "amount.paid"),
  Refusal(
    "three decimals of a dollar", Sample.small("\"amount\": {\"paid\": \"1.005\"}, \"currency\": \"USD\""),
    "money.too_many_decimals", "amount.paid"),
  Refusal("money as a fraction", Sample.small("\"amount\": {\"paid\": 10.5}"), "type.money", "amount.paid"),
  Refusal(
    "money in words", Sample.small("\"amount\": {\"paid\": \"\(canary)\"}"), "money.not_decimal",
    "amount.paid"),
  Refusal(
    "too much money", Sample.small("\"amount\": {\"paid\": \"99999999999999999999\"}"), "money.too_large",
    "amount.paid"),
  Refusal("amount is no object", Sample.small("\"amount\": \"\(canary)\""), "type.object", "amount"),
  Refusal("buyer is no object", Sample.small("\"buyer\": [1]"), "type.object", "buyer"),
  Refusal(
    "a member id as number", Sample.small("\"buyer\": {\"member_id\": 7493}"), "type.string",
    "buyer.member_id"),
  Refusal("items are no list", Sample.small("\"items\": {}"), "type.array", "items"),
  Refusal("an item is no object", Sample.small("\"items\": [7493]"), "type.object", "items[0]"),
  Refusal("257 items", Sample.small("\"items\": [\(items(257))]"), "limit.items", "items"),
  Refusal("6 receivers", Sample.small("\"receivers\": [{},{},{},{},{},{}]"), "limit.receivers", "receivers"),
  Refusal(
    "an item code twice", Sample.small("\"items\": [\(Sample.item()), \(Sample.item())]"),
    "items.duplicate_code",
    "items[1].item_code"),
  Refusal(
    "an empty item code", Sample.small("\"items\": [\(Sample.item(code: ""))]"), "text.empty",
    "items[0].item_code"),
  Refusal("no item code", Sample.small("\"items\": [{\"unit_price\": 1}]"), "missing", "items[0].item_code"),
  Refusal(
    "no unit price", Sample.small("\"items\": [{\"item_code\": \"a\"}]"), "missing", "items[0].unit_price"),
  Refusal(
    "a quantity of 0",
    Sample.small("\"items\": [{\"item_code\": \"a\", \"unit_price\": 1, \"quantity\": 0}]"),
    "integer.range", "items[0].quantity"),
  Refusal(
    "a negative unit price", Sample.small("\"items\": [{\"item_code\": \"a\", \"unit_price\": \"-7493\"}]"),
    "money.negative", "items[0].unit_price"),
  Refusal(
    "an option that takes more off than the price",
    Sample.small("\"items\": [\(Sample.item("\"option_price\": \"-7493\""))]"),
    "money.negative", "items[0].option_price"),
  Refusal(
    "an option that makes a gift cost less than nothing",
    Sample.small(
      "\"items\": [{\"item_code\": \"a\", \"is_gift_item\": true, \"option_price\": \"-7493\"}]"),
    "money.negative", "items[0].option_price"),
  Refusal(
    "a field twice", Sample.small("\"event\": \"\(canary)\", \"event\": null"), "json.duplicate_field",
    "event"),
  Refusal(
    "a claim's item without code", Sample.small("\"claims\": [{}, {\"items\": [{\"quantity\": 1}]}]"),
    "missing",
    "claims[1].items[0].item_code"),
  Refusal(
    "a flag as text", Sample.small("\"gift\": {\"is_gift\": \"\(canary)\"}"), "type.boolean", "gift.is_gift"),
  Refusal(
    "a channel of 100 kB", Sample.small("\"channel\": \"\(String(repeating: "a", count: 100_000))\""),
    "text.too_long",
    "channel"),
]

@Suite struct OrderEventRefusalTests {
  @Test(arguments: textCases + fieldCases) func aBadInputIsRefusedWithItsPlaceAndWithoutItsValue(
    _ bad: Refusal
  ) throws {
    let reading = try read(bad.bytes)
    #expect(reading.snapshot == nil)
    let first = try #require(reading.problems.first)
    #expect(first.code == bad.code)
    #expect(first.field == bad.field)
    for problem in reading.problems {
      let text = "\(problem)"
      #expect(!text.contains(canary) && !text.contains("7493"))
      #expect(!problem.expected.isEmpty && !problem.found.isEmpty)
    }
  }

  @Test func allProblemsAreToldAtOnce() throws {
    let reading = try read(
      #"{"shop_no": "1", "event_time": "x", "items": [{"unit_price": "-1"}], "memos": 3}"#)
    #expect(
      reading.places == [
        "mall_id", "shop_no", "order_id", "event_time", "version", "placed_at", "items[0].item_code",
        "items[0].unit_price", "memos",
      ])
    #expect(reading.problems[1].found == "string of 1 characters")
  }

  @Test func anOptionMayTakeOffAsMuchAsThePriceAndARefusedPriceIsToldOfOnce() throws {
    let free = try read(Sample.small("\"items\": [\(Sample.item("\"option_price\": \"-1000\""))]"))
    #expect(free.problems == [])
    #expect(free.snapshot?.items.first?.optionPrice == -1000)
    let priceless = try read(
      Sample.small("\"items\": [{\"item_code\": \"a\", \"option_price\": \"-1\", \"unit_price\": \"x\"}]"))
    #expect(priceless.places == ["items[0].unit_price"])
  }

  @Test func atMostTwentyProblemsAreTold() throws {
    let list = (0..<200).map { _ in "7" }.joined(separator: ",")
    #expect(try read(Sample.small("\"items\": [\(list)]")).problems.count == OrderEventLimits.problemsMax)
  }

  @Test func aNULIsFoundWhereverItStandsInAnId() throws {
    for length in 1...40 {
      for place in 0..<length {
        let id = (0..<length).map { $0 == place ? "\\u0000" : "\u{7f}" }.joined()
        #expect(try read(Sample.small(order: "\"\(id)\"")).codes == ["text.nul"], "\(length), \(place)")
      }
      let id = String(repeating: "\u{80}", count: length) + String(repeating: "\u{1f600}", count: length / 8)
      #expect(try read(Sample.small(order: "\"\(id)\"")).problems.isEmpty)
    }
  }

  @Test func manyAlikeItemCodesAreToldApartAndTheOneThatComesTwiceIsFound() throws {
    let codes = (0..<OrderEventLimits.itemsMax - 1).map { "20261010-0000123-\($0 / 16)\($0 % 16)x\($0)" }
    func list(_ codes: [String]) -> String { codes.map { Sample.item(code: $0) }.joined(separator: ",") }
    #expect(try read(Sample.small("\"items\": [\(list(codes))]")).problems.isEmpty)
    for twice in [0, 100, codes.count - 1] {
      let found = try read(Sample.small("\"items\": [\(list(codes + [codes[twice]]))]"))
      #expect(found.codes == ["items.duplicate_code"])
    }
  }

  @Test func aRefusedEventLeavesTheWriterAsItWas() throws {
    let reader = OrderEventReader(secret: try #require(Sample.secret))
    var writer = ProtobufWriter()
    writer.string(1, "before")
    let before = writer.bytes
    let text = Array(Sample.small("\"memos\": 3").utf8)
    let isRefused = text.withUnsafeBytes { bytes in
      if case .refused = reader.read(bytes, into: &writer) { true } else { false }
    }
    #expect(isRefused)
    #expect(writer.bytes == before)
  }

  @Test func placesOfAnEarlierEventAreNeverReadAgain() throws {
    let reader = OrderEventReader(secret: try #require(Sample.secret))
    #expect(read(reader, Array(Sample.event.utf8)).problems.isEmpty)
    let odd = read(reader, Array(Sample.small("\"buyer\": 1, \"amount\": 2, \"gift\": []").utf8))
    #expect(odd.codes == ["type.object", "type.object", "type.object"])
    let bare = read(reader, Array(Sample.small().utf8))
    #expect(bare.snapshot?.ip == "")
    #expect(bare.snapshot?.customer?.kind == CustomerKeyValue().kind)
  }
}
