/// Cuts the text of a condition into tokens. Never stops at a bad byte: it is reported and left out.
struct Lexer {
  enum Kind: Equatable {
    case int(Int64)
    case decimal(Int64)
    case string(String)
    case word(String)
    case symbol(String)
    case end
  }

  struct Token: Equatable {
    var kind: Kind
    var offset: Int
  }

  private let bytes: [UInt8]
  private var position = 0
  private(set) var tokens: [Token] = []
  private(set) var problems: [Problem] = []

  init(_ source: String) {
    bytes = Array(source.utf8)
    guard bytes.count <= Expression.sourceBytesMax else {
      problems.append(
        Problem(
          offset: Expression.sourceBytesMax,
          message: "the condition is longer than \(Expression.sourceBytesMax) bytes"))
      tokens.append(Token(kind: .end, offset: 0))
      return
    }
    while position < bytes.count { scan() }
    tokens.append(Token(kind: .end, offset: bytes.count))
  }

  private func byte(_ ahead: Int = 0) -> UInt8 {
    position + ahead < bytes.count ? bytes[position + ahead] : 0
  }

  private mutating func report(_ offset: Int, _ message: String, hint: String? = nil) {
    if problems.count < Expression.problemsMax {
      problems.append(Problem(offset: offset, message: message, hint: hint))
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
  private static func isWordStart(_ byte: UInt8) -> Bool {
    (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte == 95
  }

  private mutating func scan() {
    let start = position
    let first = byte()
    switch first {
    case 32, 9, 10, 13:
      position += 1
    case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "/"):
      while position < bytes.count, byte() != 10 { position += 1 }
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      scanString(quote: first)
    case _ where Lexer.isDigit(first):
      scanNumber()
    case _ where Lexer.isWordStart(first):
      while Lexer.isWordStart(byte()) || Lexer.isDigit(byte()) { position += 1 }
      tokens.append(
        Token(kind: .word(String(decoding: bytes[start..<position], as: UTF8.self)), offset: start))
    default:
      scanSymbol()
    }
  }

  private mutating func scanSymbol() {
    let start = position
    let pair = String(decoding: bytes[start..<min(start + 2, bytes.count)], as: UTF8.self)
    if ["&&", "||", "==", "!=", "<=", ">="].contains(pair) {
      position += 2
      tokens.append(Token(kind: .symbol(pair), offset: start))
      return
    }
    let single = String(decoding: bytes[start..<(start + 1)], as: UTF8.self)
    if "!<>+-*/()[],.?:".utf8.contains(byte()) {
      position += 1
      tokens.append(Token(kind: .symbol(single), offset: start))
      return
    }
    // A whole character at once, so that one wrong letter is one problem.
    position += 1
    while position < bytes.count, byte() & 0xC0 == 0x80 { position += 1 }
    let character = String(decoding: bytes[start..<position], as: UTF8.self)
    let hints = ["=": "equality is ==", "&": "and is &&", "|": "or is ||", "“": "strings stand in \"…\""]
    report(start, "unexpected character: \(character)", hint: hints[character])
  }

  private mutating func scanNumber() {
    let start = position
    var value: Int64 = 0
    var overflow = false
    var decimals = -1
    while true {
      if Lexer.isDigit(byte()) {
        let (product, a) = value.multipliedReportingOverflow(by: 10)
        let (sum, b) = product.addingReportingOverflow(Int64(byte() - 48))
        overflow = overflow || a || b
        value = sum
        if decimals >= 0 { decimals += 1 }
      } else if byte() == UInt8(ascii: "."), decimals < 0, Lexer.isDigit(byte(1)) {
        decimals = 0
      } else {
        break
      }
      position += 1
    }
    if decimals > 4 {
      report(start, "a number has at most four decimals")
      decimals = 4
    }
    if decimals >= 0 {
      for _ in decimals..<4 {
        let (product, a) = value.multipliedReportingOverflow(by: 10)
        overflow = overflow || a
        value = product
      }
    }
    if overflow {
      report(start, "the number is too large")
      value = 0
    }
    if Lexer.isWordStart(byte()) {
      let wordStart = position
      while Lexer.isWordStart(byte()) || Lexer.isDigit(byte()) { position += 1 }
      report(
        wordStart, "a number is followed by letters",
        hint: "durations are written duration(\"60m\"), other text stands in quotes")
    }
    tokens.append(Token(kind: decimals >= 0 ? .decimal(value) : .int(value), offset: start))
  }

  private mutating func scanString(quote: UInt8) {
    let start = position
    position += 1
    var text: [UInt8] = []
    while true {
      guard position < bytes.count, byte() != 10 else {
        report(start, "the string is not closed", hint: "strings end on the line they begin on")
        break
      }
      let current = byte()
      position += 1
      if current == quote { break }
      if current == UInt8(ascii: "\\") {
        scanEscape(into: &text)
      } else {
        text.append(current)
      }
    }
    tokens.append(Token(kind: .string(String(decoding: text, as: UTF8.self)), offset: start))
  }

  private mutating func scanEscape(into text: inout [UInt8]) {
    let start = position - 1
    let letter = byte()
    if position < bytes.count { position += 1 }
    switch letter {
    case UInt8(ascii: "n"): text.append(10)
    case UInt8(ascii: "t"): text.append(9)
    case UInt8(ascii: "r"): text.append(13)
    case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): text.append(letter)
    case UInt8(ascii: "u"):
      let digits = String(decoding: bytes[position..<min(position + 4, bytes.count)], as: UTF8.self)
      guard digits.utf8.count == 4, let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value)
      else {
        report(start, "\\u needs four hexadecimal digits of a character")
        return
      }
      position += 4
      text.append(contentsOf: String(Character(scalar)).utf8)
    default:
      report(start, "unknown escape in a string", hint: "known are \\n \\t \\r \\\\ \\\" \\' \\uXXXX")
    }
  }
}
