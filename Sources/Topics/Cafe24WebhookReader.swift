import CSodium

/// Reads Cafe24 webhook bodies. One per thread: it owns a parser.
///
/// Source of the fields and their traps: Cafe24's webhook documentation, as its samples show (`event_shop_no` and at
/// times `event_no` as text, a comma list in `order_id` of bulk events, some events without `resource`).
public final class Cafe24WebhookReader {
  /// Orders in one bulk event (the platform names no maximum).
  public static let ordersMax = 1000

  private let parser: JSONParser
  private let envelope = FieldTable<EnvelopeField>()
  private let resource = FieldTable<ResourceField>()

  public init() {
    _ = sodium_init()
    parser = JSONParser(lengthMax: OrderEventLimits.bytesMax, depthMax: OrderEventLimits.nestingMax)
  }

  deinit {
    envelope.deallocate()
    resource.deallocate()
  }

  public func read(_ bytes: UnsafeRawBufferPointer) -> Result<Cafe24Webhook, Cafe24WebhookRefusal> {
    switch parser.parse(bytes) {
    case .failure(let failure):
      return .failure(Cafe24WebhookRefusal(problems: [JSONDiagnosis.problem(bytes, failure)]))
    case .success(let tape):
      guard tape.kind(JSONTape.root) == JSONTape.Kind.object else {
        let found = tape.valueClass(JSONTape.root)
        let problem = Problem(
          code: "json.not_object", field: "", expected: "a JSON object", found: found)
        return .failure(Cafe24WebhookRefusal(problems: [problem]))
      }
      var pass = Pass(tape: tape)
      let webhook = pass.webhook(envelope, resource, bodyDigest: digest(bytes))
      guard let webhook, pass.problems.isEmpty else {
        return .failure(Cafe24WebhookRefusal(problems: pass.problems))
      }
      return .success(webhook)
    }
  }

  private func digest(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var made = [UInt8](repeating: 0, count: IdentitySecret.digestByteCount)
    crypto_generichash(
      &made, made.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count), nil, 0)
    return made
  }
}

/// Why a webhook body was refused.
public struct Cafe24WebhookRefusal: Error, Hashable, Sendable {
  public var problems: [Problem]
}

private enum EnvelopeField: Int, FieldName {
  case eventNo, resource
  static let names: [StaticString] = ["event_no", "resource"]
}

private enum ResourceField: Int, FieldName {
  case mallId, eventShopNo, orderId, eventCode, claimCode
  static let names: [StaticString] = ["mall_id", "event_shop_no", "order_id", "event_code", "claim_code"]
}

/// One body's way over the tape.
private struct Pass {
  let tape: JSONTape
  var problems: [Problem] = []

  init(tape: JSONTape) { self.tape = tape }

  mutating func webhook(
    _ envelope: FieldTable<EnvelopeField>, _ resource: FieldTable<ResourceField>, bodyDigest: [UInt8]
  ) -> Cafe24Webhook? {
    scan(JSONTape.root, envelope)
    let wrapped = envelope[.resource]
    guard wrapped == 0 || tape.kind(wrapped) == JSONTape.Kind.object else {
      refuse("type.object", "resource", "an object", wrapped)
      return nil
    }
    scan(wrapped == 0 ? JSONTape.root : wrapped, resource)
    let eventNo = integer(envelope[.eventNo], "event_no", 1...Int64(Int32.max), absent: nil)
    let shopNo = integer(resource[.eventShopNo], "event_shop_no", 0...Int64(Int32.max), absent: 1)
    let mallId = text(resource[.mallId], "mall_id", max: OrderEventLimits.idBytesMax) ?? ""
    if mallId.isEmpty, problems.isEmpty { refuse("missing", "mall_id", "a string", resource[.mallId]) }
    let orderIds = orders(resource[.orderId])
    let eventCode = text(resource[.eventCode], "event_code", max: OrderEventLimits.idBytesMax) ?? ""
    let claimCode = text(resource[.claimCode], "claim_code", max: OrderEventLimits.idBytesMax) ?? ""
    guard problems.isEmpty, let eventNo, let shopNo else { return nil }
    return Cafe24Webhook(
      eventNo: eventNo, mallId: mallId, shopNo: Int32(clamping: shopNo), orderIds: orderIds,
      eventCode: eventCode, claimCode: claimCode, bodyDigest: bodyDigest)
  }

  private func scan<Field>(_ object: Int, _ table: FieldTable<Field>) {
    for index in 0..<table.keys.count { table.places[index] = 0 }
    var place = object + 1
    let end = tape.after(object) - 1
    while place < end {
      let value = place + 1
      if let index = table.keys.index(tape.text(place)) {
        table.places[index] = tape.kind(value) == JSONTape.Kind.null ? 0 : value
      }
      place = tape.after(value)
    }
  }

  private mutating func refuse(_ code: String, _ field: String, _ expected: String, _ place: Int) {
    let found = place == 0 ? "nothing" : tape.valueClass(place)
    problems.append(Problem(code: code, field: field, expected: expected, found: found))
  }

  /// An integer, as a number or as decimal text.
  private mutating func integer(
    _ place: Int, _ field: String, _ range: ClosedRange<Int64>, absent: Int64?
  ) -> Int64? {
    guard place != 0 else {
      if absent == nil { refuse("missing", field, "an integer", 0) }
      return absent
    }
    var value: Int64?
    switch tape.kind(place) {
    case JSONTape.Kind.signed: value = Int64(bitPattern: tape.number(place))
    case JSONTape.Kind.text:
      let text = NormalisedText.trimmed(tape.text(place))
      if text.isEmpty, absent != nil { return absent }
      value = text.count <= 19 ? Int64(String(decoding: text, as: UTF8.self)) : nil
    default: break
    }
    if let value, range.contains(value) { return value }
    refuse("type.integer", field, "an integer of \(range.lowerBound) to \(range.upperBound)", place)
    return nil
  }

  private mutating func text(_ place: Int, _ field: String, max: Int) -> String? {
    guard place != 0 else { return nil }
    guard tape.kind(place) == JSONTape.Kind.text else {
      refuse("type.string", field, "a string", place)
      return nil
    }
    let text = tape.text(place)
    guard text.count <= max, !text.contains(0) else {
      refuse("text.invalid", field, "at most \(max) bytes without NUL", place)
      return nil
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The comma list of order ids, distinct, in its order.
  private mutating func orders(_ place: Int) -> [String] {
    guard place != 0 else { return [] }
    guard tape.kind(place) == JSONTape.Kind.text else {
      refuse("type.string", "order_id", "a string", place)
      return []
    }
    var seen: Set<String> = []
    var orders: [String] = []
    for part in tape.text(place).split(separator: UInt8(ascii: ",")) {
      let text = NormalisedText.trimmed(UnsafeRawBufferPointer(rebasing: part))
      if text.isEmpty { continue }
      guard text.count <= OrderEventLimits.idBytesMax, !text.contains(0) else {
        refuse("text.invalid", "order_id", "ids of at most \(OrderEventLimits.idBytesMax) bytes", place)
        return []
      }
      let id = String(decoding: text, as: UTF8.self)
      if seen.insert(id).inserted { orders.append(id) }
      if orders.count > Cafe24WebhookReader.ordersMax {
        refuse("limit.orders", "order_id", "at most \(Cafe24WebhookReader.ordersMax) orders", place)
        return []
      }
    }
    return orders
  }
}
