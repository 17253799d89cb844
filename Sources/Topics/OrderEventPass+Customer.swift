import Orders

/// Who the order belongs to, as a digest: no member id, phone or e-mail leaves this file (D13, D29).
extension OrderEventPass {
  /// Writes the customer key (field 4) and makes the record's key in `memory.key`.
  mutating func writeCustomer(
    _ mallId: UnsafeRawBufferPointer?, _ shopNo: Int64?, _ orderId: UnsafeRawBufferPointer?,
    into writer: inout ProtobufWriter
  ) -> CustomerKey.Kind {
    var kind = CustomerKey.Kind.none
    scratch.removeAll(keepingCapacity: true)
    if let mallId { scratch.append(contentsOf: mallId) }
    for _ in 0..<3 { scratch.append(0) }
    let prefix = scratch.count
    if scanObject(fields.order, .buyer, fields.buyer) {
      hasBuyer = true
      kind = appendIdentity()
    }
    path = JSONPath()
    guard let mallId, let orderId, let shopNo else { return kind }
    if kind == .none {
      scratch.append(contentsOf: String(shopNo).utf8)
      scratch.append(0)
      scratch.append(contentsOf: orderId)
    }
    scratch[prefix - 2] = kind.rawValue
    let key = memory.key
    if let base = mallId.baseAddress { key.copyMemory(from: base, byteCount: mallId.count) }
    key.storeBytes(of: 0, toByteOffset: mallId.count, as: UInt8.self)
    key.storeBytes(of: kind.rawValue, toByteOffset: mallId.count + 1, as: UInt8.self)
    let digest = key + mallId.count + 2
    scratch.withUnsafeBytes { secret.digest($0, into: digest) }
    let message = writer.beginMessage(4)
    writer.uint64(1, UInt64(kind.rawValue))
    writer.presentBytes(2, UnsafeRawBufferPointer(start: digest, count: IdentitySecret.digestByteCount))
    writer.endMessage(message)
    return kind
  }

  /// Appends the first identity that exists to `scratch`.
  private mutating func appendIdentity() -> CustomerKey.Kind {
    let buyer = fields.buyer
    let member = droppedText(buyer, .memberId)
    let phone = droppedText(buyer, .phone)
    let email = droppedText(buyer, .email)
    if let member, !NormalisedText.trimmed(member).isEmpty {
      scratch.append(contentsOf: member)
      return .member
    }
    if let phone, appendPhone(phone) { return .phone }
    if let email, appendEmail(email) { return .email }
    return .none
  }

  /// Digits only, 82 in front as 0; marketplace safe-numbers (050…) are no identity.
  mutating func appendPhone(_ phone: UnsafeRawBufferPointer) -> Bool {
    let start = scratch.count
    for byte in phone where byte >= 0x30 && byte <= 0x39 { scratch.append(byte) }
    if scratch.count >= start + 2, scratch[start] == 0x38, scratch[start + 1] == 0x32 {
      scratch.remove(at: start)
      scratch[start] = 0x30
    }
    let isSafeNumber =
      scratch.count >= start + 3 && scratch[start] == 0x30 && scratch[start + 1] == 0x35
      && scratch[start + 2] == 0x30
    if scratch.count > start, !isSafeNumber { return true }
    scratch.removeLast(scratch.count - start)
    return false
  }

  mutating func appendEmail(_ email: UnsafeRawBufferPointer) -> Bool {
    let trimmed = NormalisedText.trimmed(email)
    guard !trimmed.isEmpty else { return false }
    if trimmed.contains(where: { $0 >= 0x80 }) {
      scratch.append(contentsOf: String(decoding: trimmed, as: UTF8.self).lowercased().utf8)
    } else {
      for byte in trimmed { scratch.append(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) }
    }
    return true
  }
}
