internal import Files
internal import Orders
internal import Topics
internal import YAML

/// Order events of a test: what the test says, over an order that is plain in every other way.
struct TestOrders {
  /// A value of an event; objects keep their order.
  indirect enum Value {
    case text(String)
    /// A plain number or word of YAML, whose JSON form goes by its key.
    case plain(String, YAMLNode)
    case null
    case list([Value])
    case object([(key: String, value: Value)])
  }

  private(set) var events: [[UInt8]] = []
  private var order: Value = .object([])

  /// The order that the test is about.
  var subject: OrderTrial.OrderName {
    OrderTrial.OrderName(
      mall: text("mall_id") ?? TestOrders.mall, shop: Int(text("shop_no") ?? "1") ?? 1,
      order: text("order_id") ?? "T-1")
  }

  var placedAt: Instant { Instant(rfc3339: text("placed_at") ?? TestOrders.time) ?? Instant(microseconds: 0) }

  private static let mall = "testmall"
  /// A Tuesday that is no holiday.
  private static let time = "2026-10-13T10:00:00+09:00"

  mutating func merge(_ node: YAMLNode?) throws {
    guard let node else { return }
    try TestOrders.check(node)
    order = TestOrders.merged(order, TestOrders.value(node))
  }

  mutating func addSubject() throws { events.append(try event(order, id: "T-1", at: placedAt, version: 1)) }

  /// What happened to the order afterwards: each over what was before.
  mutating func addUpdate(_ node: YAMLNode) throws {
    try merge(node)
    let version = events.count + 1
    let at = Instant(microseconds: placedAt.microseconds &+ Int64(version) * 60_000_000)
    events.append(try event(order, id: "T-1", at: at, version: version))
  }

  /// Another order of the same customer to the same place, unless it says otherwise.
  mutating func addOther(_ node: YAMLNode, id: String, minutesLater: Int) throws {
    try TestOrders.check(node)
    var other = Value.object([])
    for key in ["mall_id", "shop_no", "currency", "channel", "buyer", "receivers"] {
      if let value = order[key] { other = other.setting(key, value) }
    }
    other = TestOrders.merged(other, TestOrders.value(node))
    let at = placedAt.microseconds &+ Int64(minutesLater) * 60_000_000
    let time = Instant(microseconds: at)
    if other["placed_at"] == nil { other = other.setting("placed_at", .text(time.rfc3339())) }
    let own = TestOrders.text(other["placed_at"]).flatMap { Instant(rfc3339: $0) } ?? time
    events.append(try event(other, id: id, at: own, version: 1))
  }

  private func text(_ key: String) -> String? { TestOrders.text(order[key]) }

  private static func text(_ value: Value?) -> String? {
    switch value {
    case .text(let text)?, .plain(let text, _)?: text
    default: nil
    }
  }

  // MARK: Defaults

  private func event(_ given: Value, id: String, at: Instant, version: Int) throws -> [UInt8] {
    var order = given
    func standard(_ key: String, _ value: Value) {
      if order[key] == nil { order = order.setting(key, value) }
    }
    standard("schema", .text("passflow.order/1"))
    standard("mall_id", .text(TestOrders.mall))
    standard("shop_no", .plain("1", TestOrders.nowhere))
    standard("order_id", .text(id))
    standard("event", .text(version == 1 ? "order.placed" : "order.changed"))
    standard("placed_at", .text(at.rfc3339()))
    order = order.setting("event_time", given["event_time"] ?? .text(at.rfc3339()))
    order = order.setting("version", given["version"] ?? .plain(String(version), TestOrders.nowhere))
    standard("currency", .text("KRW"))
    let payment: [(key: String, value: Value)] = [
      ("status", .text("paid")), ("methods", .list([.text("card")])),
    ]
    order = order.setting("payment", TestOrders.merged(.object(payment), order["payment"] ?? .object([])))
    if TestOrders.text(order["payment"]?["status"]) == "paid" {
      standard("paid_at", order["placed_at"] ?? .null)
    }
    let isKnown = ["member_id", "phone", "email"].contains { order["buyer"]?[$0] != nil }
    let buyer = Value.object(isKnown ? [] : [("member_id", .text("tester"))])
    order = order.setting("buyer", TestOrders.merged(buyer, order["buyer"] ?? .object([])))
    let place: [(key: String, value: Value)] = [
      ("receiver_no", .plain("1", TestOrders.nowhere)), ("zipcode", .text("06236")),
      ("address1", .text("서울특별시 강남구 테헤란로 1")),
    ]
    standard("receivers", .list([.object(place)]))
    standard("items", .list([.object([])]))
    order = order.setting("items", items(order["items"], id: TestOrders.text(order["order_id"]) ?? id))
    var json = JSONWriter()
    try TestOrders.write(order, key: "", into: &json)
    return json.bytes
  }

  private func items(_ value: Value?, id: String) -> Value {
    guard case .list(let items)? = value else { return value ?? .list([]) }
    return .list(
      items.enumerated().map { index, item in
        guard case .object = item else { return item }
        let number = index + 1
        let standard: [(key: String, value: Value)] = [
          ("item_code", .text("\(id)-\(number < 10 ? "0" : "")\(number)")), ("sku", .text("SKU-\(number)")),
          ("unit_price", .text("10000")), ("quantity", .plain("1", TestOrders.nowhere)),
          ("status", .text("N10")),
        ]
        return TestOrders.merged(.object(standard), item)
      })
  }

  private static let nowhere = YAMLNode(.scalar("", .plain), at: YAMLLocation(file: "", line: 1, column: 1))

  // MARK: YAML to JSON

  private static func value(_ node: YAMLNode) -> Value {
    switch node.content {
    case .scalar(let text, .quoted): .text(text)
    case .scalar(let text, .plain): node.isNull ? .null : .plain(text, node)
    case .sequence(let nodes): .list(nodes.map(value))
    case .mapping(let mapping): .object(mapping.entries.map { ($0.key, value($0.value)) })
    }
  }

  /// Objects key by key; anything else is replaced.
  private static func merged(_ old: Value, _ new: Value) -> Value {
    guard case .object = old, case .object(let entries) = new else { return new }
    return entries.reduce(old) { result, entry in
      result.setting(entry.key, result[entry.key].map { merged($0, entry.value) } ?? entry.value)
    }
  }

  private static let integers: Set<String> = [
    "shop_no", "version", "quantity", "receiver_no", "installments",
  ]
  private static let truths: Set<String> = ["is_gift", "is_gift_item", "by_us", "first_order"]

  private static func write(_ value: Value, key: String, into json: inout JSONWriter) throws {
    switch value {
    case .null: json.null()
    case .text(let text): json.string(text)
    case .plain(let text, let node):
      if integers.contains(key) {
        guard let number = Int64(text) else { throw UserError("\(node.location): \(key) is a whole number") }
        json.integer(number)
      } else if truths.contains(key) {
        guard ["true", "false"].contains(text) else {
          throw UserError("\(node.location): \(key) is true or false")
        }
        json.bool(text == "true")
      } else {
        json.string(text)
      }
    case .list(let elements):
      json.beginArray()
      for element in elements { try write(element, key: key, into: &json) }
      json.endArray()
    case .object(let entries):
      json.beginObject()
      for entry in entries {
        json.name(utf8: entry.key)
        try write(entry.value, key: entry.key, into: &json)
      }
      json.endObject()
    }
  }

  // MARK: Known fields

  private static let fields: [String: [String]] = [
    "": [
      "schema", "mall_id", "shop_no", "order_id", "event", "event_time", "version", "placed_at", "paid_at",
      "channel",
      "market_order_no", "currency", "amount", "payment", "gift", "coupons", "buyer", "receivers", "items",
      "claims",
      "memos", "first_order",
    ],
    "amount": [
      "items", "shipping", "discount", "ordered", "current", "paid", "surcharge", "discount_grade",
      "discount_coupon", "points", "refunded",
    ],
    "payment": ["status", "methods", "gateway", "card_issuer", "installments"],
    "gift": ["is_gift", "address_state", "address_due"],
    "buyer": ["member_id", "name", "phone", "email", "grade", "ip"],
    "receivers": [
      "receiver_no", "name", "phone", "zipcode", "address1", "address2", "country", "message",
    ],
    "items": [
      "item_code", "product_code", "sku", "name", "quantity", "unit_price", "option_price", "status",
      "is_gift_item",
      "kind", "receiver_no", "tracking_no", "categories", "bundle_codes",
    ],
    "claims": [
      "claim_code", "kind", "status", "reason", "requested_at", "completed_at", "refund_amount", "items",
    ],
  ]

  /// A slip in a field's name would quietly test another order.
  static func check(_ node: YAMLNode, at path: String = "") throws {
    guard let known = fields[path], case .mapping(let mapping) = node.content else { return }
    try RuleTestFile.check(node, known, path.isEmpty ? "an order" : path)
    guard path.isEmpty else { return }
    for entry in mapping.entries {
      if case .sequence(let nodes) = entry.value.content {
        for inner in nodes { try check(inner, at: entry.key) }
      } else {
        try check(entry.value, at: entry.key)
      }
    }
  }
}

extension TestOrders.Value {
  subscript(key: String) -> TestOrders.Value? {
    guard case .object(let entries) = self else { return nil }
    return entries.first { $0.key == key }?.value
  }

  func setting(_ key: String, _ value: TestOrders.Value) -> TestOrders.Value {
    guard case .object(var entries) = self else { return self }
    if let index = entries.firstIndex(where: { $0.key == key }) {
      entries[index].value = value
    } else {
      entries.append((key, value))
    }
    return .object(entries)
  }
}
