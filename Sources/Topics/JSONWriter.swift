public import Orders

/// Writes JSON into one reused buffer: commas and escapes by itself, nothing allocated per field.
///
/// Text is taken as UTF-8 and kept as it is; quotes, backslashes and control characters are escaped, and U+2028 and
/// U+2029 too, so that a line stays one line wherever it is shown.
public struct JSONWriter {
  /// Grown by doubling; the first `count` bytes are what was written.
  private var storage: [UInt8]
  public private(set) var count = 0
  private var needsComma = false
  /// Times are put together here.
  private var scratch: [UInt8] = []

  public init(capacity: Int = 1024) { storage = [UInt8](repeating: 0, count: max(capacity, 64)) }

  /// A copy of what was written; `withBytes` lends it instead.
  public var bytes: [UInt8] { [UInt8](storage[..<count]) }

  /// Lends what was written for the time of the call.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try storage.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
  }

  public mutating func removeAll() {
    count = 0
    needsComma = false
  }

  /// Forgets a document of which only a part could be written: what stands behind `size` bytes.
  public mutating func truncate(to size: Int) {
    count = min(count, max(size, 0))
    needsComma = false
  }

  /// Ends a document: a line feed.
  public mutating func endLine() {
    put(0x0A)
    needsComma = false
  }

  public mutating func beginObject() { open(UInt8(ascii: "{")) }
  public mutating func endObject() { close(UInt8(ascii: "}")) }
  public mutating func beginArray() { open(UInt8(ascii: "[")) }
  public mutating func endArray() { close(UInt8(ascii: "]")) }

  /// A field's name within an object, in which nothing is to be escaped; its value must follow.
  public mutating func name(_ name: StaticString) {
    let length = name.utf8CodeUnitCount
    reserve(length &+ 4)
    let hasComma = needsComma
    let start = count
    storage.withUnsafeMutableBytes { room in
      var place = start
      if hasComma {
        room[place] = UInt8(ascii: ",")
        place &+= 1
      }
      room[place] = UInt8(ascii: "\"")
      UnsafeMutableRawBufferPointer(rebasing: room[(place &+ 1)...]).copyMemory(
        from: UnsafeRawBufferPointer(start: name.utf8Start, count: length))
      room[place &+ length &+ 1] = UInt8(ascii: "\"")
      room[place &+ length &+ 2] = UInt8(ascii: ":")
    }
    count &+= length &+ (hasComma ? 4 : 3)
    needsComma = false
  }

  /// A name that is data, such as a label's.
  public mutating func name(utf8 name: String) {
    comma()
    var copy = name
    copy.withUTF8 { quoted(UnsafeRawBufferPointer($0)) }
    put(UInt8(ascii: ":"))
    needsComma = false
  }

  public mutating func string(_ value: String) {
    comma()
    var copy = value
    copy.withUTF8 { quoted(UnsafeRawBufferPointer($0)) }
    needsComma = true
  }

  /// Bytes that are UTF-8.
  public mutating func string(utf8 value: UnsafeRawBufferPointer) {
    if JSONWriter.isPlain(value) { return plain(value) }
    comma()
    quoted(value)
    needsComma = true
  }

  /// A text without anything to escape, in one step.
  private mutating func plain(_ text: UnsafeRawBufferPointer) {
    let length = text.count
    reserve(length &+ 3)
    let hasComma = needsComma
    let start = count
    storage.withUnsafeMutableBytes { room in
      var place = start
      if hasComma {
        room[place] = UInt8(ascii: ",")
        place &+= 1
      }
      room[place] = UInt8(ascii: "\"")
      UnsafeMutableRawBufferPointer(rebasing: room[(place &+ 1)...]).copyMemory(from: text)
      room[place &+ length &+ 1] = UInt8(ascii: "\"")
    }
    count &+= length &+ (hasComma ? 3 : 2)
    needsComma = true
  }

  public mutating func integer(_ value: Int64) {
    comma()
    digits(value)
    needsComma = true
  }

  public mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }
  public mutating func null() { literal("null") }

  /// Minor units as a decimal string such as "12.50".
  public mutating func money(_ minorUnits: Int64, decimals: Int) {
    comma()
    put(UInt8(ascii: "\""))
    if decimals == 0 {
      digits(minorUnits)
    } else {
      for byte in Money.text(minorUnits, decimals: decimals).utf8 { put(byte) }
    }
    put(UInt8(ascii: "\""))
    needsComma = true
  }

  /// RFC 3339 in the zone, or null.
  public mutating func time(_ value: Instant?, zone: ShopZone = .seoul) {
    guard let value else { return null() }
    comma()
    put(UInt8(ascii: "\""))
    scratch.removeAll(keepingCapacity: true)
    value.appendRFC3339(in: zone, to: &scratch)
    put(scratch)
    put(UInt8(ascii: "\""))
    needsComma = true
  }

  public mutating func hexadecimal(_ value: [UInt8]) {
    comma()
    put(UInt8(ascii: "\""))
    for byte in value {
      put(JSONWriter.digit(byte >> 4))
      put(JSONWriter.digit(byte & 15))
    }
    put(UInt8(ascii: "\""))
    needsComma = true
  }

  public mutating func strings(_ values: [String]) {
    beginArray()
    for value in values { string(value) }
    endArray()
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

  /// `epoch-partition-offset-n`, the id of a decision.
  mutating func position(_ value: Position) {
    comma()
    put(UInt8(ascii: "\""))
    digits(Int64(value.epoch))
    put(UInt8(ascii: "-"))
    digits(Int64(value.partition))
    put(UInt8(ascii: "-"))
    digits(value.offset)
    put(UInt8(ascii: "-"))
    digits(Int64(value.n))
    put(UInt8(ascii: "\""))
    needsComma = true
  }

  /// An array of UTF-8 strings.
  mutating func strings(utf8 values: [UnsafeRawBufferPointer]) {
    beginArray()
    for value in values { string(utf8: value) }
    endArray()
  }

  /// A whole value that is JSON already, borrowed.
  mutating func rendered(_ json: UnsafeRawBufferPointer) {
    comma()
    put(json)
    needsComma = true
  }

  private mutating func comma() { if needsComma { put(UInt8(ascii: ",")) } }

  private mutating func open(_ bracket: UInt8) {
    comma()
    put(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    put(bracket)
    needsComma = true
  }

  private mutating func literal(_ word: StaticString) {
    comma()
    put(UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    needsComma = true
  }

  private mutating func digits(_ value: Int64) {
    if value < 0 { put(UInt8(ascii: "-")) }
    var rest = value.magnitude
    var length = 1
    var bound: UInt64 = 10
    while length < 20, rest >= bound {
      length &+= 1
      bound = length < 20 ? bound &* 10 : .max
    }
    reserve(length)
    let start = count
    storage.withUnsafeMutableBytes { room in
      var place = start &+ length
      while place > start {
        place &-= 1
        room[place] = 48 &+ UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      }
    }
    count &+= length
  }

  // MARK: Bytes

  private mutating func reserve(_ more: Int) {
    if storage.count &- count >= more { return }
    let size = max(storage.count * 2, count + more)
    storage.append(contentsOf: repeatElement(0, count: size - storage.count))
  }

  private mutating func put(_ byte: UInt8) {
    reserve(1)
    storage[count] = byte
    count &+= 1
  }

  private mutating func put(_ text: UnsafeRawBufferPointer) {
    guard !text.isEmpty else { return }
    reserve(text.count)
    let start = count
    storage.withUnsafeMutableBytes {
      UnsafeMutableRawBufferPointer(rebasing: $0[start...]).copyMemory(from: text)
    }
    count &+= text.count
  }

  private mutating func put(_ text: [UInt8]) { text.withUnsafeBytes { put($0) } }

  private mutating func quoted(_ text: UnsafeRawBufferPointer) {
    put(UInt8(ascii: "\""))
    if JSONWriter.isPlain(text) { put(text) } else { escaped(text) }
    put(UInt8(ascii: "\""))
  }

  /// True if nothing is to be escaped for certain: eight bytes at a look, ASCII without quotes and the like.
  private static func isPlain(_ text: UnsafeRawBufferPointer) -> Bool {
    var position = 0
    while position &+ 8 <= text.count {
      let word = text.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      if hasSpecial(word) { return false }
      position &+= 8
    }
    while position < text.count {
      let byte = text[position]
      if byte < 0x20 || byte == 0x22 || byte == 0x5C || byte >= 0x7F { return false }
      position &+= 1
    }
    return true
  }

  /// Some byte is below 0x20, a quote, a backslash, 0x7F or above.
  private static func hasSpecial(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = word ^ (ones &* 0x22)
    let slashes = word ^ (ones &* 0x5C)
    let zeros = (quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes
    let low = (word &- ones &* 0x20) & ~word
    let high = word | ((word & (ones &* 0x7F)) &+ ones)
    return (zeros | low | high) & (ones &* 0x80) != 0
  }

  private mutating func escaped(_ text: UnsafeRawBufferPointer) {
    var start = 0
    for index in 0..<text.count {
      let byte = text[index]
      let isSeparator =
        byte == 0xE2 && index + 2 < text.count && text[index + 1] == 0x80
        && (text[index + 2] == 0xA8 || text[index + 2] == 0xA9)
      guard byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F || isSeparator else { continue }
      if index < start { continue }
      put(UnsafeRawBufferPointer(rebasing: text[start..<index]))
      start = index + (isSeparator ? 3 : 1)
      escape(isSeparator ? 0x2000 + UInt16(text[index + 2] & 0x3F) : UInt16(byte))
    }
    if start < text.count { put(UnsafeRawBufferPointer(rebasing: text[start...])) }
  }

  private mutating func escape(_ unit: UInt16) {
    put(UInt8(ascii: "\\"))
    switch unit {
    case 0x22, 0x5C: put(UInt8(unit))
    case 0x0A: put(UInt8(ascii: "n"))
    case 0x0D: put(UInt8(ascii: "r"))
    case 0x09: put(UInt8(ascii: "t"))
    default:
      put(UInt8(ascii: "u"))
      for shift in [12, 8, 4, 0] as [UInt16] {
        put(JSONWriter.digit(UInt8(truncatingIfNeeded: unit >> shift) & 15))
      }
    }
  }
}
