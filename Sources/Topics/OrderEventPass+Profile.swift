import Orders

/// What is known of a customer beside his orders, as a record in which nobody can be found by name (D29).
extension OrderEventPass {
  static let profileSchema: StaticString = "passflow.profile/1"

  /// The event at hand, whose fields were scanned, calls itself a profile.
  var saysProfile: Bool {
    let place = fields.order[.schema]
    return place != 0 && tape.kind(place) == JSONTape.Kind.text && isProfileSchema(tape.text(place))
  }

  private func isProfileSchema(_ text: UnsafeRawBufferPointer) -> Bool {
    let known = OrderEventPass.profileSchema
    let count = known.utf8CodeUnitCount
    return text.count == count
      && text.elementsEqual(UnsafeRawBufferPointer(start: known.utf8Start, count: count))
  }

  /// Nil when something was refused; `problems` then says what.
  mutating func runProfile(of owner: ProfileOwner?, into writer: inout ProtobufWriter) -> OrderRouting? {
    guard tape.kind(JSONTape.root) == JSONTape.Kind.object else {
      refuse("json.not_object", "", "a JSON object", JSONTape.root)
      return nil
    }
    let profile = fields.profile
    // What was scanned as an order says nothing of a profile.
    problems.removeAll()
    unknownFields = 0
    scan(JSONTape.root, profile)
    if let schema = text(profile, .schema), !isProfileSchema(schema) {
      refuse("schema.unknown", "schema", "passflow.profile/1", profile[.schema])
    }
    let mallId = id(profile, .mallId, required: owner == nil)
    let shopNo = integer(profile, .shopNo, 0...Int64(Int32.max), required: owner == nil)
    if let owner { check(mallId, shopNo, against: owner) }
    guard let owner else { return writeProfile(mallId, shopNo, into: &writer) }
    // Where the routing lends it from.
    let count = min(owner.mallId.utf8.count, OrderEventLimits.idBytesMax)
    for (index, byte) in owner.mallId.utf8.prefix(count).enumerated() {
      memory.key.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
    }
    let mall = UnsafeRawBufferPointer(start: memory.key, count: count)
    return writeProfile(mall, Int64(owner.shopNo), into: &writer)
  }

  private mutating func check(
    _ mallId: UnsafeRawBufferPointer?, _ shopNo: Int64?, against owner: ProfileOwner
  ) {
    if let mallId, !mallId.elementsEqual(owner.mallId.utf8) {
      refuse("path.mismatch", "mall_id", "the mall of the path, or nothing", fields.profile[.mallId])
    }
    if let shopNo, shopNo != Int64(owner.shopNo) {
      refuse("path.mismatch", "shop_no", "the shop of the path, or nothing", fields.profile[.shopNo])
    }
  }

  private mutating func writeProfile(
    _ mallId: UnsafeRawBufferPointer?, _ shopNo: Int64?, into writer: inout ProtobufWriter
  ) -> OrderRouting? {
    let profile = fields.profile
    let message = writer.beginMessage(ProfileEventValue.ordersField)
    writer.text(1, mallId)
    writer.int64(2, shopNo ?? 0)
    let isKnown = writeMember(mallId, into: &writer)
    let at = time(profile, .at, required: true)
    writer.int64(4, at?.microseconds ?? 0)
    let parts: [ProfileField] = [.grade, .coupons, .cart]
    if parts.allSatisfy({ profile[$0] == 0 }) {
      refuse("missing", "grade", "grade, coupons or cart", 0)
    }
    if profile[.grade] != 0 { writer.text(5, id(profile, .grade, required: true)) }
    writeCoupons(into: &writer)
    writeCart(into: &writer)
    writer.endMessage(message)
    guard problems.isEmpty, isKnown, let mallId, let shopNo, let at else { return nil }
    let digest = mallId.count + 2
    return OrderRouting(
      key: UnsafeRawBufferPointer(start: memory.key, count: digest + IdentitySecret.digestByteCount),
      mallId: UnsafeRawBufferPointer(start: memory.key, count: mallId.count),
      orderId: UnsafeRawBufferPointer(start: memory.key, count: 0), shopNo: Int32(clamping: shopNo),
      customerKind: .member,
      customerDigest: UnsafeRawBufferPointer(
        start: memory.key + digest, count: IdentitySecret.digestByteCount),
      eventTime: at, version: 0, flags: 0, hasAddress: true, unknownFields: unknownFields, isProfile: true,
      unknownCodes: unknownCodes)
  }

  /// The digest that the member's orders have too; makes the record's key in `memory.key`.
  private mutating func writeMember(
    _ mallId: UnsafeRawBufferPointer?, into writer: inout ProtobufWriter
  ) -> Bool {
    guard fields.profile[.memberId] != 0 else {
      refuse("missing", "member_id", "a string", 0)
      return false
    }
    guard let member = droppedText(fields.profile, .memberId), let mallId else { return false }
    guard !NormalisedText.trimmed(member).isEmpty else {
      refuse("text.empty", "member_id", "a string that is not empty", fields.profile[.memberId])
      return false
    }
    let kind = CustomerKey.Kind.member.rawValue
    scratch.removeAll(keepingCapacity: true)
    scratch.append(contentsOf: mallId)
    scratch.append(contentsOf: [0, kind, 0])
    scratch.append(contentsOf: member)
    let key = memory.key
    if let base = mallId.baseAddress, base != UnsafeRawPointer(key) {
      key.copyMemory(from: base, byteCount: mallId.count)
    }
    key.storeBytes(of: 0, toByteOffset: mallId.count, as: UInt8.self)
    key.storeBytes(of: kind, toByteOffset: mallId.count + 1, as: UInt8.self)
    let digest = key + mallId.count + 2
    scratch.withUnsafeBytes { secret.digest($0, into: digest) }
    let message = writer.beginMessage(3)
    writer.uint64(1, UInt64(kind))
    writer.presentBytes(2, UnsafeRawBufferPointer(start: digest, count: IdentitySecret.digestByteCount))
    writer.endMessage(message)
    return true
  }

  // MARK: Parts

  private mutating func writeCoupons(into writer: inout ProtobufWriter) {
    guard fields.profile[.coupons] != 0 else { return }
    let message = writer.beginMessage(6)
    forEach(fields.profile, .coupons, fields.heldCoupon, max: OrderEventLimits.heldCouponsMax, into: &writer)
    {
      pass, writer in
      let table = pass.fields.heldCoupon
      let coupon = writer.beginMessage(1)
      writer.text(1, pass.id(table, .couponNo, required: true))
      writer.text(2, pass.id(table, .type))
      writer.optionalInt64(3, pass.time(table, .issuedAt)?.microseconds)
      writer.optionalInt64(4, pass.time(table, .expiresAt)?.microseconds)
      writer.endMessage(coupon)
    }
    writer.endMessage(message)
  }

  private mutating func writeCart(into writer: inout ProtobufWriter) {
    let currency = currencyCode()
    guard fields.profile[.cart] != 0 else { return }
    let message = writer.beginMessage(7)
    writer.string(1, currency)
    forEach(fields.profile, .cart, fields.cartLine, max: OrderEventLimits.cartLinesMax, into: &writer) {
      pass, writer in
      let table = pass.fields.cartLine
      let line = writer.beginMessage(2)
      writer.text(1, pass.id(table, .productCode, required: true))
      writer.text(2, pass.id(table, .sku))
      writer.int64(3, pass.integer(table, .quantity, 1...OrderEventLimits.quantityMax) ?? 1)
      let unit = pass.money(table, .unitPrice, required: true)
      let option = pass.money(table, .optionPrice, signed: true) ?? 0
      if let unit, unit + option < 0 {
        pass.refuse(
          "money.negative", "option_price", "not less than the unit price taken off", table[.optionPrice],
          "a larger discount")
      }
      writer.int64(4, unit ?? 0)
      writer.int64(5, option)
      writer.optionalInt64(6, pass.time(table, .addedAt)?.microseconds)
      writer.endMessage(line)
    }
    writer.endMessage(message)
  }

  private mutating func currencyCode() -> String {
    guard let code = text(fields.profile, .currency) else { return "KRW" }
    let letters = code.count == 3 ? String(decoding: code, as: UTF8.self) : ""
    guard let currency = Currency(code: letters) else {
      refuse("currency.invalid", "currency", "three capital letters", fields.profile[.currency])
      return ""
    }
    decimals = currency.decimals
    return letters
  }
}
