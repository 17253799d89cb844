/// The slow second look at text that simdjson refused: where it stops being JSON, and what should stand there.
///
/// Reads by recursive descent, at most `OrderEventLimits.nestingMax` deep; only ever run on refused input.
struct JSONDiagnosis {
  private struct Fault: Error {
    var code: String
    var offset: Int
    var expected: String
  }

  private let bytes: UnsafeRawBufferPointer
  private var index = 0

  private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The problem with text that was refused as a whole; its field is the line and column (from 1).
  static func problem(
    _ bytes: UnsafeRawBufferPointer, _ failure: JSONParser.Failure
  ) -> Problem {
    switch failure {
    case .tooLarge:
      return Problem(
        code: "json.too_large", field: "", expected: "at most \(OrderEventLimits.bytesMax) bytes",
        found: "\(bytes.count) bytes")
    case .memory:
      return Problem(code: "json.memory", field: "", expected: "memory to parse", found: "none")
    case .utf8:
      return fault(bytes, Fault(code: "json.utf8", offset: firstInvalid(bytes), expected: "valid UTF-8"))
    default: break
    }
    var diagnosis = JSONDiagnosis(bytes)
    do throws(Fault) {
      try diagnosis.document()
    } catch {
      return fault(bytes, error)
    }
    let rest: (String, String) =
      switch failure {
      case .tooDeep: ("json.too_deep", "at most \(OrderEventLimits.nestingMax) levels")
      case .number: ("json.number", "numbers in the range of 64 bits")
      case .surrogate: ("json.surrogate", "escapes of whole surrogate pairs")
      case .empty: ("json.empty", "a JSON object")
      default: ("json.syntax", "a JSON object")
      }
    return Problem(code: rest.0, field: "", expected: rest.1, found: "another text")
  }

  private static func fault(_ bytes: UnsafeRawBufferPointer, _ fault: Fault) -> Problem {
    var line = 1
    var column = 1
    for byte in bytes.prefix(fault.offset) {
      if byte == 0x0A {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    return Problem(
      code: fault.code, field: "line \(line), column \(column)", expected: fault.expected,
      found: characterClass(bytes, fault.offset))
  }

  private static func characterClass(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> String {
    guard offset < bytes.count else { return "end of text" }
    switch bytes[offset] {
    case 0x30...0x39: return "a digit"
    case 0x41...0x5A, 0x61...0x7A: return "a letter"
    case 0x22, 0x27: return "a quote"
    case 0x7B, 0x7D, 0x5B, 0x5D: return "a bracket"
    case 0x2C, 0x3A: return "a separator"
    case 0x00...0x1F: return "a control character"
    case 0x80...0xFF: return "a character beyond ASCII"
    default: return "another character"
    }
  }

  private static func firstInvalid(_ bytes: UnsafeRawBufferPointer) -> Int {
    var offset = 0
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): offset += UTF8.width(scalar)
      case .emptyInput, .error: return offset
      }
    }
  }

  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private func stop(_ expected: String, code: String = "json.syntax", at offset: Int? = nil) -> Fault {
    Fault(code: code, offset: offset ?? index, expected: expected)
  }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { index += 1 }
  }

  private mutating func document() throws(Fault) {
    skipSpace()
    guard index < bytes.count else { throw stop("a JSON object", code: "json.empty") }
    try value(depth: 1)
    skipSpace()
    if index < bytes.count { throw stop("the end of the text") }
  }

  private mutating func value(depth: Int) throws(Fault) {
    skipSpace()
    switch current {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      guard depth <= OrderEventLimits.nestingMax else {
        throw stop("at most \(OrderEventLimits.nestingMax) levels", code: "json.too_deep")
      }
      try container(isObject: current == UInt8(ascii: "{"), depth: depth)
    case UInt8(ascii: "\""): try string()
    case UInt8(ascii: "t"): try literal("true")
    case UInt8(ascii: "f"): try literal("false")
    case UInt8(ascii: "n"): try literal("null")
    case .some(UInt8(ascii: "-")), .some(0x30...0x39): try number()
    default: throw stop("a value")
    }
  }

  private mutating func container(isObject: Bool, depth: Int) throws(Fault) {
    let close: UInt8 = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
    let closeText = isObject ? "}" : "]"
    index += 1
    skipSpace()
    if current == close {
      index += 1
      return
    }
    while true {
      if isObject {
        skipSpace()
        guard current == UInt8(ascii: "\"") else { throw stop("a field name in double quotes") }
        try string()
        skipSpace()
        guard current == UInt8(ascii: ":") else { throw stop("a colon after the field name") }
        index += 1
      }
      try value(depth: depth + 1)
      skipSpace()
      guard let byte = current, byte == close || byte == UInt8(ascii: ",") else {
        throw stop("a comma or \(closeText)")
      }
      index += 1
      if byte == close { return }
    }
  }

  private mutating func literal(_ word: StaticString) throws(Fault) {
    let wanted = UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    guard bytes[index...].prefix(wanted.count).elementsEqual(wanted) else {
      throw stop("true, false or null")
    }
    index += wanted.count
  }

  private mutating func digits() throws(Fault) {
    guard let first = current, first >= 0x30, first <= 0x39 else { throw stop("a digit") }
    while let byte = current, byte >= 0x30, byte <= 0x39 { index += 1 }
  }

  private mutating func number() throws(Fault) {
    if current == UInt8(ascii: "-") { index += 1 }
    if current == 0x30 {
      index += 1
      if let byte = current, byte >= 0x30, byte <= 0x39 { throw stop("a number without leading zero") }
    } else {
      try digits()
    }
    if current == UInt8(ascii: ".") {
      index += 1
      try digits()
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      index += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { index += 1 }
      try digits()
    }
  }

  private mutating func string() throws(Fault) {
    index += 1
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        index += 1
        return
      case UInt8(ascii: "\\"): try escape()
      case 0..<0x20: throw stop("an escape instead of a control character in a string")
      default: index += 1
      }
    }
    throw stop("a closing double quote")
  }

  private mutating func escape() throws(Fault) {
    let start = index
    index += 1
    guard let byte = current else { throw stop("an escape") }
    index += 1
    if byte != UInt8(ascii: "u") {
      guard "\"\\/bfnrt".utf8.contains(byte) else { throw stop("a known escape", at: start + 1) }
      return
    }
    let unit = try hexadecimal()
    guard unit >= 0xD800, unit <= 0xDFFF else { return }
    let whole = Fault(code: "json.surrogate", offset: start, expected: "a whole surrogate pair")
    guard unit <= 0xDBFF, current == UInt8(ascii: "\\") else { throw whole }
    index += 1
    guard current == UInt8(ascii: "u") else { throw whole }
    index += 1
    let low = try hexadecimal()
    if low < 0xDC00 || low > 0xDFFF { throw whole }
  }

  private mutating func hexadecimal() throws(Fault) -> Int {
    var unit = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = Character(UnicodeScalar(byte)).hexDigitValue, byte < 0x80 else {
        throw stop("four hexadecimal digits")
      }
      unit = unit * 16 + digit
      index += 1
    }
    return unit
  }
}
