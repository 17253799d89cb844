public import Orders

/// Writes JSON into one reused buffer: commas and escapes by itself, nothing allocated per field.
///
/// Text is taken as UTF-8 and kept as it is; quotes, backslashes and control characters are escaped, and U+2028 and
/// U+2029 too, so that a line stays one line wherever it is shown.
public struct JSONWriter {
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  public init(capacity: Int = 1024) { bytes.reserveCapacity(capacity) }

  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    needsComma = false
  }

  /// Ends a document: a line feed.
  public mutating func endLine() {
    bytes.append(0x0A)
    needsComma = false
  }

  public mutating func beginObject() { open(UInt8(ascii: "{")) }
  public mutating func endObject() { close(UInt8(ascii: "}")) }
  public mutating func beginArray() { open(UInt8(ascii: "[")) }
  public mutating func endArray() { close(UInt8(ascii: "]")) }

  /// A field's name within an object; its value must follow.
  public mutating func name(_ name: StaticString) {
    comma()
    quoted(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// A name that is data, such as a label's.
  public mutating func name(utf8 name: String) {
    comma()
    var copy = name
    copy.withUTF8 { quoted(UnsafeRawBufferPointer($0)) }
    bytes.append(UInt8(ascii: ":"))
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
    comma()
    quoted(value)
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
    bytes.append(UInt8(ascii: "\""))
    if decimals == 0 {
      digits(minorUnits)
    } else {
      bytes.append(contentsOf: Money.text(minorUnits, decimals: decimals).utf8)
    }
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  /// RFC 3339 in the zone, or null.
  public mutating func time(_ value: Instant?, zone: ShopZone = .seoul) {
    guard let value else { return null() }
    comma()
    bytes.append(UInt8(ascii: "\""))
    value.appendRFC3339(in: zone, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  public mutating func hexadecimal(_ value: [UInt8]) {
    comma()
    bytes.append(UInt8(ascii: "\""))
    for byte in value {
      bytes.append(JSONWriter.digit(byte >> 4))
      bytes.append(JSONWriter.digit(byte & 15))
    }
    bytes.append(UInt8(ascii: "\""))
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
    bytes.append(UInt8(ascii: "\""))
    digits(Int64(value.epoch))
    bytes.append(UInt8(ascii: "-"))
    digits(Int64(value.partition))
    bytes.append(UInt8(ascii: "-"))
    digits(value.offset)
    bytes.append(UInt8(ascii: "-"))
    digits(Int64(value.n))
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  /// A whole value that is JSON already.
  mutating func rendered(_ json: [UInt8]) {
    comma()
    bytes.append(contentsOf: json)
    needsComma = true
  }

  private mutating func comma() { if needsComma { bytes.append(UInt8(ascii: ",")) } }

  private mutating func open(_ bracket: UInt8) {
    comma()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func literal(_ word: StaticString) {
    comma()
    bytes.append(contentsOf: UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    needsComma = true
  }

  private mutating func digits(_ value: Int64) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    var rest = value.magnitude
    repeat {
      bytes.append(48 + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  private mutating func quoted(_ text: UnsafeRawBufferPointer) {
    bytes.append(UInt8(ascii: "\""))
    var start = 0
    for index in 0..<text.count {
      let byte = text[index]
      let isSeparator =
        byte == 0xE2 && index + 2 < text.count && text[index + 1] == 0x80
        && (text[index + 2] == 0xA8 || text[index + 2] == 0xA9)
      guard byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F || isSeparator else { continue }
      if index < start { continue }
      bytes.append(contentsOf: text[start..<index])
      start = index + (isSeparator ? 3 : 1)
      escape(isSeparator ? 0x2000 + UInt16(text[index + 2] & 0x3F) : UInt16(byte))
    }
    if start < text.count { bytes.append(contentsOf: text[start...]) }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ unit: UInt16) {
    bytes.append(UInt8(ascii: "\\"))
    switch unit {
    case 0x22, 0x5C: bytes.append(UInt8(unit))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    default:
      bytes.append(UInt8(ascii: "u"))
      for shift in [12, 8, 4, 0] as [UInt16] {
        bytes.append(JSONWriter.digit(UInt8(truncatingIfNeeded: unit >> shift) & 15))
      }
    }
  }
}
