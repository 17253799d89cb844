import Orders

/// One field at a time: its type, its range, or a problem. Absent and null are nil without a problem.
extension OrderEventPass {
  /// Notes a problem. `place` 0: nothing stands there.
  @inline(never) mutating func refuse(
    _ code: String, _ field: StaticString, _ expected: String, _ place: Int, _ found: String? = nil
  ) {
    guard problems.count < OrderEventLimits.problemsMax else { return }
    problems.append(
      Problem(
        code: code, field: path.text(field), expected: expected,
        found: found ?? (place == 0 ? "nothing" : tape.valueClass(place))))
  }

  /// Finds the known fields of the object that stands at `object`; null counts as absent.
  mutating func scan<Field>(_ object: Int, _ table: FieldTable<Field>) {
    let count = table.keys.count
    for index in 0..<count { table.places[index] = 0 }
    var seen: UInt64 = 0
    var hint = -1
    var place = object + 1
    let end = tape.after(object) - 1
    while place < end {
      let value = place + 1
      if let index = table.keys.index(tape.text(place), after: hint) {
        hint = index
        if seen & (1 << UInt64(index)) != 0 {
          refuse("json.duplicate_field", table.keys.names[index], "each field once", value, "the field twice")
        }
        seen |= 1 << UInt64(index)
        table.places[index] = tape.kind(value) == JSONTape.Kind.null ? 0 : value
      } else {
        unknownFields += 1
      }
      place = tape.after(value)
    }
  }

  /// Scans the object in a field; false when there is none.
  mutating func scanObject<Outer, Field>(
    _ outer: FieldTable<Outer>, _ field: Outer, _ table: FieldTable<Field>
  ) -> Bool {
    let place = outer[field]
    guard place != 0 else { return false }
    guard tape.kind(place) == JSONTape.Kind.object else {
      refuse("type.object", outer.name(field), "an object", place)
      return false
    }
    path.outer = outer.name(field)
    path.outerIndex = -1
    scan(place, table)
    return true
  }

  /// Place of the array in a field, when it is one and not too long; 0 otherwise.
  mutating func array<Field>(_ table: FieldTable<Field>, _ field: Field, max: Int) -> Int {
    let place = table[field]
    guard place != 0 else { return 0 }
    guard tape.kind(place) == JSONTape.Kind.array else {
      refuse("type.array", table.name(field), "an array", place)
      return 0
    }
    if tape.count(place) > max {
      refuse("limit.\(table.name(field))", table.name(field), "at most \(max) elements", place)
      return 0
    }
    return place
  }

  /// True when an element of an array is an object.
  mutating func isObject(_ place: Int) -> Bool {
    if tape.kind(place) == JSONTape.Kind.object { return true }
    refuse("type.object", "", "an object", place)
    return false
  }

  /// A text that is not kept: of any length.
  mutating func droppedText<Field>(_ table: FieldTable<Field>, _ field: Field) -> UnsafeRawBufferPointer? {
    let place = table[field]
    guard place != 0 else { return nil }
    guard tape.kind(place) == JSONTape.Kind.text else {
      refuse("type.string", table.name(field), "a string", place)
      return nil
    }
    return tape.text(place)
  }

  mutating func text<Field>(
    _ table: FieldTable<Field>, _ field: Field, max: Int = OrderEventLimits.textBytesMax
  ) -> UnsafeRawBufferPointer? {
    guard let text = droppedText(table, field) else { return nil }
    guard text.count <= max else {
      refuse("text.too_long", table.name(field), "at most \(max) bytes", table[field])
      return nil
    }
    return text
  }

  /// An id: no NUL in it, at most 128 bytes, not empty when required.
  mutating func id<Field>(
    _ table: FieldTable<Field>, _ field: Field, required: Bool = false
  ) -> UnsafeRawBufferPointer? {
    guard table[field] != 0 else {
      if required { refuse("missing", table.name(field), "a string", 0) }
      return nil
    }
    guard let text = text(table, field, max: OrderEventLimits.idBytesMax) else { return nil }
    if required, text.isEmpty {
      refuse("text.empty", table.name(field), "a string that is not empty", table[field])
      return nil
    }
    if OrderEventPass.holdsNul(text) {
      refuse("text.nul", table.name(field), "no NUL character", table[field])
      return nil
    }
    return text
  }

  /// Eight bytes at a time; at least 8 must be readable from where the text begins, as they are on the tape.
  @inline(__always) private static func holdsNul(_ text: UnsafeRawBufferPointer) -> Bool {
    guard let start = text.baseAddress, !text.isEmpty else { return false }
    func holdsNul(_ word: UInt64) -> Bool {
      (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 != 0
    }
    var rest = text.count
    if rest < 8 {
      let word = UInt64(littleEndian: start.loadUnaligned(as: UInt64.self))
      return holdsNul(word | UInt64.max << UInt64(8 * rest))
    }
    var at = start
    while rest > 8 {
      if holdsNul(at.loadUnaligned(as: UInt64.self)) { return true }
      at += 8
      rest -= 8
    }
    return holdsNul((start + text.count - 8).loadUnaligned(as: UInt64.self))
  }

  mutating func integer<Field>(
    _ table: FieldTable<Field>, _ field: Field, _ range: ClosedRange<Int64>, required: Bool = false
  ) -> Int64? {
    let place = table[field]
    guard place != 0 else {
      if required { refuse("missing", table.name(field), "an integer", 0) }
      return nil
    }
    let kind = tape.kind(place)
    guard kind == JSONTape.Kind.signed || kind == JSONTape.Kind.unsigned else {
      refuse("type.integer", table.name(field), "an integer", place)
      return nil
    }
    let value = Int64(bitPattern: tape.number(place))
    guard kind == JSONTape.Kind.signed, range.contains(value) else {
      refuse("integer.range", table.name(field), "\(range.lowerBound) to \(range.upperBound)", place)
      return nil
    }
    return value
  }

  mutating func bool<Field>(_ table: FieldTable<Field>, _ field: Field) -> Bool {
    let place = table[field]
    guard place != 0 else { return false }
    switch tape.kind(place) {
    case JSONTape.Kind.yes: return true
    case JSONTape.Kind.no: return false
    default:
      refuse("type.boolean", table.name(field), "true or false", place)
      return false
    }
  }

  mutating func time<Field>(
    _ table: FieldTable<Field>, _ field: Field, required: Bool = false
  ) -> Instant? {
    let expected = "an RFC 3339 time with offset"
    let place = table[field]
    guard place != 0 else {
      if required { refuse("missing", table.name(field), expected, 0) }
      return nil
    }
    guard tape.kind(place) == JSONTape.Kind.text else {
      refuse("type.time", table.name(field), expected, place)
      return nil
    }
    let text = tape.text(place).assumingMemoryBound(to: UInt8.self)
    if let instant = Instant(rfc3339: text) { return instant }
    let lacksOffset = text.count < 40 && Instant(rfc3339: String(decoding: text, as: UTF8.self) + "Z") != nil
    refuse(
      lacksOffset ? "time.no_offset" : "time.invalid", table.name(field), expected, place,
      lacksOffset ? "a time without offset" : nil)
    return nil
  }

  /// Index + 1 of a text among known codes; 0 for absent or unknown ones, which are counted.
  mutating func code<Field>(_ table: FieldTable<Field>, _ field: Field, _ known: KeyTable) -> UInt64 {
    guard let text = text(table, field), !text.isEmpty else { return 0 }
    guard let index = known.index(text) else {
      unknownCodes += 1
      return 0
    }
    return UInt64(index + 1)
  }
}
