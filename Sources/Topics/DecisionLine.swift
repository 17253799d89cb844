import Orders

/// Writes decision lines straight from a decision's bytes: the same text as `DecisionValue.writeJSON`, without
/// making values of it.
public struct DecisionLine {
  private var texts: DecisionRuleTexts
  private let others: [String: DecisionRuleTexts]
  private let first: DecisionRuleTexts
  private var desired = UnsafeRawBufferPointer(start: nil, count: 0)
  private var facts: UnsafeRawBufferPointer?
  private var outcomes = UnsafeRawBufferPointer(start: nil, count: 0)
  private var terms = UnsafeRawBufferPointer(start: nil, count: 0)
  private var currency = UnsafeRawBufferPointer(start: nil, count: 0)
  private var pending: [UnsafeRawBufferPointer] = []
  private var codes: [UnsafeRawBufferPointer] = []
  private var labels: [UnsafeRawBufferPointer] = []
  private var actions: [UnsafeRawBufferPointer] = []
  // Reused: no memory is asked for per line.
  private var names: [UnsafeRawBufferPointer] = []
  private var places: [UInt64] = []
  private var zones: [UnsafeRawBufferPointer] = []
  private var methods: [UnsafeRawBufferPointer] = []
  private var lists: [UnsafeRawBufferPointer] = []
  private var missing: [UnsafeRawBufferPointer] = []
  private var bundles: [UnsafeRawBufferPointer] = []

  /// - Parameter others: those of decisions by other rule sets, by their hash.
  public init(texts: DecisionRuleTexts, others: [String: DecisionRuleTexts] = [:]) {
    self.texts = texts
    self.others = others
    first = texts
  }

  /// Appends one line; false (and nothing useful appended) when the bytes are malformed.
  public mutating func write(_ bytes: UnsafeRawBufferPointer, into json: inout JSONWriter) -> Bool {
    var value = DecisionValue()
    pending.removeAll(keepingCapacity: true)
    facts = nil
    desired = UnsafeRawBufferPointer(start: nil, count: 0)
    outcomes = desired
    terms = desired
    var mall = desired
    var order = desired
    var ruleSet = desired
    currency = desired
    var reader = ProtobufReader(bytes)
    while reader.next() {
      switch reader.field {
      case 1: mall = reader.slice()
      case 2: value.shopNo = reader.int32()
      case 3: order = reader.slice()
      case 4: reader.merge(into: &value.position)
      case 5: value.version = reader.int64()
      case 6: value.latestVersion = reader.int64()
      case 7: ruleSet = reader.slice()
      case 8: desired = reader.slice()
      case 10: outcomes = reader.slice()
      case 11: terms = reader.slice()
      case 12: pending.append(reader.slice())
      case 13: facts = reader.slice()
      case 15: value.own = reader.bool()
      case 17: value.placedAt = Instant(microseconds: reader.int64())
      case 18: value.inputEventTime = Instant(microseconds: reader.int64())
      case 19: currency = reader.slice()
      default: reader.skip()
      }
    }
    guard !reader.failed, readDesired(&value) else { return false }
    if !others.isEmpty { texts = others[String(decoding: ruleSet, as: UTF8.self)] ?? first }
    json.beginObject()
    json.name("mall_id")
    json.string(utf8: mall)
    json.name("shop_no")
    json.integer(Int64(value.shopNo))
    json.name("order_id")
    json.string(utf8: order)
    value.writeStanding(into: &json, ruleSet: ruleSet)
    guard writeDesired(into: &json) else { return false }
    writeRules(into: &json)
    json.name("pending_on")
    write(pending, into: &json)
    if let facts, !writeFacts(facts, into: &json) { return false }
    json.name("input")
    json.position(value.position)
    json.endObject()
    json.endLine()
    return true
  }

  private func write(_ values: [UnsafeRawBufferPointer], into json: inout JSONWriter) {
    json.strings(utf8: values)
  }

  private mutating func readDesired(_ value: inout DecisionValue) -> Bool {
    codes.removeAll(keepingCapacity: true)
    labels.removeAll(keepingCapacity: true)
    actions.removeAll(keepingCapacity: true)
    var reader = ProtobufReader(desired)
    while reader.next() {
      switch reader.field {
      case 1: codes.append(reader.slice())
      case 2: labels.append(reader.slice())
      case 3: actions.append(reader.slice())
      case 4: value.state = OrderState(wire: reader.uint64())
      case 5: value.firstSeenClosed = reader.bool()
      case 6: value.tooLate = reader.bool()
      default: reader.skip()
      }
    }
    return !reader.failed
  }

  private mutating func writeDesired(into json: inout JSONWriter) -> Bool {
    json.name("items")
    write(labels.isEmpty ? [] : codes, into: &json)
    json.name("labels")
    json.beginArray()
    for index in labels.indices where !write(label: labels[index], into: &json) { return false }
    json.endArray()
    json.name("actions")
    json.beginArray()
    for action in actions where !write(action: action, into: &json) { return false }
    json.endArray()
    return true
  }

  private mutating func write(label: UnsafeRawBufferPointer, into json: inout JSONWriter) -> Bool {
    var reader = ProtobufReader(label)
    var name = UnsafeRawBufferPointer(start: nil, count: 0)
    names.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    var keeps = false
    while reader.next() {
      switch reader.field {
      case 1: name = reader.slice()
      case 2: names.append(reader.slice())
      case 3: reader.append(to: &places)
      case 4: keeps = reader.bool()
      default: reader.skip()
      }
    }
    json.beginObject()
    json.name("label")
    json.string(utf8: name)
    json.name("items")
    if places.isEmpty {
      json.string("all")
    } else {
      write(places.compactMap { $0 < UInt64(codes.count) ? codes[Int($0)] : nil }, into: &json)
    }
    json.name("rules")
    write(names, into: &json)
    json.name("on_cancel")
    json.string(keeps ? "keep" : "withdraw")
    json.endObject()
    return !reader.failed
  }

  private func write(action: UnsafeRawBufferPointer, into json: inout JSONWriter) -> Bool {
    guard let action = DesiredActionValue(protobuf: action) else { return false }
    action.writeJSON(into: &json)
    return true
  }

  private func writeRules(into json: inout JSONWriter) {
    json.name("rules")
    json.beginObject()
    for rule in 0..<outcomes.count {
      texts.write(
        rule: rule, outcome: outcomes[rule], term: rule < terms.count ? Int(terms[rule]) : 0, into: &json)
    }
    json.endObject()
  }

  // MARK: Facts

  private mutating func writeFacts(_ bytes: UnsafeRawBufferPointer, into json: inout JSONWriter) -> Bool {
    var digest = FactsDigestValue()
    zones.removeAll(keepingCapacity: true)
    methods.removeAll(keepingCapacity: true)
    lists.removeAll(keepingCapacity: true)
    missing.removeAll(keepingCapacity: true)
    bundles.removeAll(keepingCapacity: true)
    var country = UnsafeRawBufferPointer(start: nil, count: 0)
    var status = country
    var reader = ProtobufReader(bytes)
    while reader.next() {
      switch reader.field {
      case 7: zones.append(reader.slice())
      case 9: country = reader.slice()
      case 10: status = reader.slice()
      case 11: methods.append(reader.slice())
      case 12: lists.append(reader.slice())
      case 13: missing.append(reader.slice())
      case 16: bundles.append(reader.slice())
      default: digest.take(&reader)
      }
    }
    guard !reader.failed else { return false }
    json.name("facts")
    json.beginObject()
    digest.writeNumbers(into: &json, decimals: decimals)
    json.name("bundle.orders")
    write(bundles, into: &json)
    json.name("zones")
    if digest.zoneMissing, zones.isEmpty { json.null() } else { write(zones, into: &json) }
    json.name("ip.country")
    if country.isEmpty { json.null() } else { json.string(utf8: country) }
    json.name("payment.status")
    json.string(utf8: status)
    json.name("payment.methods")
    write(methods, into: &json)
    json.name("paid_at")
    json.time(digest.paidAt)
    json.name("lists")
    write(lists, into: &json)
    json.name("lists.missing")
    write(missing, into: &json)
    json.name("stock.margin")
    if let margin = digest.stockMargin { json.integer(margin) } else { json.null() }
    json.endObject()
    return true
  }

  private var decimals: Int {
    // The won, of most orders, without a look-up.
    if currency.count == 3, currency[0] == 75, currency[1] == 82, currency[2] == 87 { return 0 }
    return Currency(code: String(decoding: currency, as: UTF8.self))?.decimals ?? 0
  }
}
