import Orders

/// That a guest, or a former member, is a member: as a record in which nobody can be found by name (D13, D29).
extension OrderEventPass {
  static let mergeSchema: StaticString = "passflow.merge/1"

  /// The event at hand, whose fields were scanned, calls itself a merge.
  var saysMerge: Bool {
    let place = fields.order[.schema]
    return place != 0 && tape.kind(place) == JSONTape.Kind.text && isMergeSchema(tape.text(place))
  }

  private func isMergeSchema(_ text: UnsafeRawBufferPointer) -> Bool {
    let known = OrderEventPass.mergeSchema
    return text.elementsEqual(
      UnsafeRawBufferPointer(start: known.utf8Start, count: known.utf8CodeUnitCount))
  }

  /// Nil when something was refused; `problems` then says what.
  mutating func runMerge(in mall: String?, into writer: inout ProtobufWriter) -> OrderRouting? {
    guard tape.kind(JSONTape.root) == JSONTape.Kind.object else {
      refuse("json.not_object", "", "a JSON object", JSONTape.root)
      return nil
    }
    let merge = fields.merge
    // What was scanned as an order says nothing of a merge.
    problems.removeAll()
    unknownFields = 0
    scan(JSONTape.root, merge)
    if let schema = text(merge, .schema), !isMergeSchema(schema) {
      refuse("schema.unknown", "schema", "passflow.merge/1", merge[.schema])
    }
    let told = id(merge, .mallId, required: mall == nil)
    guard let mall else { return writeMerge(told, into: &writer) }
    if let told, !told.elementsEqual(mall.utf8) {
      refuse("path.mismatch", "mall_id", "the mall of the path, or nothing", merge[.mallId])
    }
    // Where the routing lends it from.
    let count = min(mall.utf8.count, OrderEventLimits.idBytesMax)
    for (index, byte) in mall.utf8.prefix(count).enumerated() {
      memory.key.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
    }
    return writeMerge(UnsafeRawBufferPointer(start: memory.key, count: count), into: &writer)
  }

  private mutating func writeMerge(
    _ mallId: UnsafeRawBufferPointer?, into writer: inout ProtobufWriter
  ) -> OrderRouting? {
    let message = writer.beginMessage(MergeEventValue.field)
    writer.text(1, mallId)
    let from = writeFrom(mallId, into: &writer)
    let hasMember = writeTo(mallId, into: &writer)
    let at = time(fields.merge, .at, required: true)
    writer.int64(4, at?.microseconds ?? 0)
    writer.endMessage(message)
    guard problems.isEmpty, let mallId, let from, hasMember, let at else { return nil }
    let digest = memory.key + mallId.count + 2
    if from == .member,
      UnsafeRawBufferPointer(start: digest, count: IdentitySecret.digestByteCount).elementsEqual(
        UnsafeRawBufferPointer(start: memory.fingerprint, count: IdentitySecret.digestByteCount))
    {
      refuse(
        "identity.same", "former_member_id", "another member than member_id", fields.merge[.formerMemberId])
      return nil
    }
    return OrderRouting(
      key: UnsafeRawBufferPointer(
        start: memory.key, count: mallId.count + 2 + IdentitySecret.digestByteCount),
      mallId: UnsafeRawBufferPointer(start: memory.key, count: mallId.count),
      orderId: UnsafeRawBufferPointer(start: memory.key, count: 0), shopNo: 0, customerKind: from,
      customerDigest: UnsafeRawBufferPointer(start: digest, count: IdentitySecret.digestByteCount),
      eventTime: at, version: 0, flags: 0, hasAddress: true, unknownFields: unknownFields, isMerge: true,
      unknownCodes: unknownCodes)
  }

  /// Whose orders go over: the digest that they have. Makes the record's key in `memory.key`.
  private mutating func writeFrom(
    _ mallId: UnsafeRawBufferPointer?, into writer: inout ProtobufWriter
  ) -> CustomerKey.Kind? {
    let merge = fields.merge
    let given: [MergeField] = [.phone, .email, .formerMemberId].filter { merge[$0] != 0 }
    guard given.count <= 1, let field = given.first else {
      let expected = "one of phone, email and former_member_id"
      if given.isEmpty {
        refuse("missing", "phone", expected, 0)
      } else {
        refuse("identity.several", merge.name(given[1]), expected, merge[given[1]])
      }
      return nil
    }
    guard let text = droppedText(merge, field), let mallId else { return nil }
    let kind: CustomerKey.Kind = field == .phone ? .phone : field == .email ? .email : .member
    beginIdentity(mallId, kind)
    let isIdentity: Bool
    switch kind {
    case .phone: isIdentity = appendPhone(text)
    case .email: isIdentity = appendEmail(text)
    default: isIdentity = appendMember(text)
    }
    guard isIdentity else {
      refuse(
        "identity.none", merge.name(field),
        kind == .phone
          ? "a phone number with digits that is no safe-number (050)" : "a string that is not blank",
        merge[field])
      return nil
    }
    let key = memory.key
    if let base = mallId.baseAddress, base != UnsafeRawPointer(key) {
      key.copyMemory(from: base, byteCount: mallId.count)
    }
    key.storeBytes(of: 0, toByteOffset: mallId.count, as: UInt8.self)
    key.storeBytes(of: kind.rawValue, toByteOffset: mallId.count + 1, as: UInt8.self)
    writeIdentity(2, kind, digestAt: key + mallId.count + 2, into: &writer)
    return kind
  }

  private mutating func writeTo(
    _ mallId: UnsafeRawBufferPointer?, into writer: inout ProtobufWriter
  ) -> Bool {
    let merge = fields.merge
    guard merge[.memberId] != 0 else {
      refuse("missing", "member_id", "a string", 0)
      return false
    }
    guard let member = droppedText(merge, .memberId), let mallId else { return false }
    beginIdentity(mallId, .member)
    guard appendMember(member) else {
      refuse("text.empty", "member_id", "a string that is not empty", merge[.memberId])
      return false
    }
    writeIdentity(3, .member, digestAt: memory.fingerprint, into: &writer)
    return true
  }

  /// What every digest of a customer begins with.
  private mutating func beginIdentity(_ mallId: UnsafeRawBufferPointer, _ kind: CustomerKey.Kind) {
    scratch.removeAll(keepingCapacity: true)
    scratch.append(contentsOf: mallId)
    scratch.append(contentsOf: [0, kind.rawValue, 0])
  }

  private mutating func appendMember(_ member: UnsafeRawBufferPointer) -> Bool {
    guard !NormalisedText.trimmed(member).isEmpty else { return false }
    scratch.append(contentsOf: member)
    return true
  }

  private mutating func writeIdentity(
    _ field: Int, _ kind: CustomerKey.Kind, digestAt digest: UnsafeMutableRawPointer,
    into writer: inout ProtobufWriter
  ) {
    scratch.withUnsafeBytes { secret.digest($0, into: digest) }
    let message = writer.beginMessage(field)
    writer.uint64(1, UInt64(kind.rawValue))
    writer.presentBytes(2, UnsafeRawBufferPointer(start: digest, count: IdentitySecret.digestByteCount))
    writer.endMessage(message)
  }
}
