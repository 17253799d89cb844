/// What a shop's own order list shows of an order, read from an order event: for demonstrations only, never for
/// the pipeline, which does without names.
public struct OrderGlimpse: Sendable {
  public var mallId = ""
  public var shopNo: Int32 = 1
  public var orderId = ""
  public var placedAt = ""
  public var buyerName = ""
  public var amount = ""
  public var currency = "KRW"
}

/// Reads `OrderGlimpse`s; one per thread.
public final class OrderGlimpseReader {
  private let parser = JSONParser(lengthMax: OrderEventLimits.bytesMax, depthMax: OrderEventLimits.nestingMax)

  public init() {}

  /// Nil when the bytes are no JSON object.
  public func read(_ bytes: UnsafeRawBufferPointer) -> OrderGlimpse? {
    guard case .success(let tape) = parser.parse(bytes), tape.kind(1) == JSONTape.Kind.object else {
      return nil
    }
    var glimpse = OrderGlimpse()
    each(tape, 1) { name, place in
      switch name {
      case "mall_id": glimpse.mallId = text(tape, place)
      case "order_id": glimpse.orderId = text(tape, place)
      case "placed_at": glimpse.placedAt = text(tape, place)
      case "currency": glimpse.currency = text(tape, place)
      case "shop_no":
        if tape.kind(place) == JSONTape.Kind.signed {
          glimpse.shopNo = Int32(truncatingIfNeeded: tape.number(place))
        }
      case "buyer": member(tape, place, "name") { glimpse.buyerName = $0 }
      case "amount": member(tape, place, "items") { glimpse.amount = $0 }
      default: break
      }
    }
    return glimpse
  }

  private func text(_ tape: JSONTape, _ place: Int) -> String {
    tape.kind(place) == JSONTape.Kind.text ? String(decoding: tape.text(place), as: UTF8.self) : ""
  }

  private func member(_ tape: JSONTape, _ place: Int, _ wanted: String, _ body: (String) -> Void) {
    guard tape.kind(place) == JSONTape.Kind.object else { return }
    each(tape, place) { name, value in if name == wanted { body(text(tape, value)) } }
  }

  /// Name and place of each member of the object that begins at `start`.
  private func each(_ tape: JSONTape, _ start: Int, _ body: (String, Int) -> Void) {
    var place = start + 1
    while tape.kind(place) == JSONTape.Kind.text {
      let value = place + 1
      body(String(decoding: tape.text(place), as: UTF8.self), value)
      place = tape.after(value)
    }
  }
}
