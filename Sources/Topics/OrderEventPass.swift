import Orders

/// One event's way over the tape: scans each object's fields, then writes them by field number.
struct OrderEventPass {
  let tape: JSONTape
  let fields: OrderFields
  let memory: OrderEventMemory
  let secret: IdentitySecret
  var scratch: [UInt8] = []
  var problems: [Problem] = []
  var unknownFields = 0
  var unknownCodes = 0
  var decimals = 0
  var codeCount = 0
  /// Σ over live, non-gift items; nil once it went out of range.
  var amount: Int64? = 0
  /// `amount.items` as the sender gave it.
  var givenAmount: Int64?
  /// True once the buyer's fields were scanned; until then the table's places are of an earlier event.
  var hasBuyer = false
  /// The same of the payment's fields.
  var hasPayment = false
  var path = JSONPath()

  init(tape: JSONTape, fields: OrderFields, memory: OrderEventMemory, secret: IdentitySecret) {
    self.tape = tape
    self.fields = fields
    self.memory = memory
    self.secret = secret
  }

  /// Nil when something was refused; `problems` then says what.
  mutating func run(into writer: inout ProtobufWriter) -> OrderRouting? {
    guard tape.kind(JSONTape.root) == JSONTape.Kind.object else {
      refuse("json.not_object", "", "a JSON object", JSONTape.root)
      return nil
    }
    let order = fields.order
    scan(JSONTape.root, order)
    if saysProfile { return runProfile(of: nil, into: &writer) }
    if saysMerge { return runMerge(in: nil, into: &writer) }
    checkSchema()
    let mallId = id(order, .mallId, required: true)
    let shopNo = integer(order, .shopNo, 0...Int64(Int32.max), required: true)
    let orderId = id(order, .orderId, required: true)
    writer.text(1, mallId)
    writer.int64(2, shopNo ?? 0)
    writer.text(3, orderId)
    let kind = writeCustomer(mallId, shopNo, orderId, into: &writer)
    let (eventTime, version) = writeTimes(into: &writer)
    writeMoney(into: &writer)
    writeParts(into: &writer)
    let flags: UInt32 = differsFromGivenAmount() ? 1 : 0
    writer.uint64(25, UInt64(flags))
    writePaymentDetails(into: &writer)
    let hasAddress = writeAddress(into: &writer)
    guard problems.isEmpty, let mallId, let shopNo, let orderId, let eventTime, let version else {
      return nil
    }
    let digest = mallId.count + 2
    return OrderRouting(
      key: UnsafeRawBufferPointer(start: memory.key, count: digest + IdentitySecret.digestByteCount),
      mallId: mallId, orderId: orderId, shopNo: Int32(clamping: shopNo), customerKind: kind,
      customerDigest: UnsafeRawBufferPointer(
        start: memory.key + digest, count: IdentitySecret.digestByteCount),
      eventTime: eventTime, version: version, flags: flags, hasAddress: hasAddress,
      unknownFields: unknownFields, unknownCodes: unknownCodes)
  }

  private mutating func checkSchema() {
    guard let schema = text(fields.order, .schema) else { return }
    let known: StaticString = "passflow.order/1"
    let wanted = UnsafeRawBufferPointer(start: known.utf8Start, count: known.utf8CodeUnitCount)
    if !schema.elementsEqual(wanted) {
      refuse("schema.unknown", "schema", "passflow.order/1", fields.order[.schema])
    }
  }

  private mutating func writeTimes(into writer: inout ProtobufWriter) -> (Instant?, Int64?) {
    let order = fields.order
    let event = text(order, .event)
    if let event, !event.isEmpty, fields.events.index(event) == nil { unknownCodes += 1 }
    writer.text(5, event)
    let eventTime = time(order, .eventTime, required: true)
    let version = integer(order, .version, 0...Int64.max, required: true)
    writer.int64(6, eventTime?.microseconds ?? 0)
    writer.int64(7, version ?? 0)
    writer.int64(8, time(order, .placedAt, required: true)?.microseconds ?? 0)
    writer.optionalInt64(9, time(order, .paidAt)?.microseconds)
    writer.text(10, text(order, .channel))
    writer.text(11, id(order, .marketOrderNo))
    return (eventTime, version)
  }

  private mutating func differsFromGivenAmount() -> Bool {
    guard let amount else {
      refuse("money.too_large", "items", "an order of at most 10^15 minor units", 0, "a larger sum")
      return false
    }
    return givenAmount.map { $0 != amount } ?? false
  }

  /// `buyer.ip` when it can be an address; anything longer than one is no address, not an error.
  /// False: there is none.
  private mutating func writeAddress(into writer: inout ProtobufWriter) -> Bool {
    guard hasBuyer, let address = droppedText(fields.buyer, .ip) else { return false }
    let trimmed = NormalisedText.trimmed(address)
    guard !trimmed.isEmpty, trimmed.count <= 45 else { return false }
    writer.text(30, trimmed)
    return true
  }
}

/// Where in the event the pass stands, for problem reports.
struct JSONPath {
  var outer: StaticString = ""
  var outerIndex = -1
  var inner: StaticString = ""
  var innerIndex = -1

  func text(_ field: StaticString) -> String {
    var text = ""
    func add(_ name: StaticString, _ index: Int) {
      guard name.utf8CodeUnitCount > 0 else { return }
      if !text.isEmpty { text += "." }
      text += name.description
      if index >= 0 { text += "[\(index)]" }
    }
    add(outer, outerIndex)
    add(inner, innerIndex)
    add(field, -1)
    return text
  }
}

extension ProtobufWriter {
  /// A text field, left out when empty.
  @inline(__always) mutating func text(_ field: Int, _ value: UnsafeRawBufferPointer?) {
    if let value, !value.isEmpty { presentBytes(field, value) }
  }
}
