import Glibc

/// How the body of `POST /v1/orders` is divided into events.
enum BodyForm: Equatable {
  case empty
  /// One JSON text, on one line or on many.
  case single
  /// One event a line.
  case lines

  /// A body of several lines is one event when it is one balanced JSON value, or when at most one line begins
  /// with a brace; `isLines` is what the sender said by its Content-Type.
  init(_ body: UnsafeRawBufferPointer, isLines: Bool) {
    var end = body.count
    while end > 0, BodyForm.isSpace(body[end - 1]) { end -= 1 }
    var start = 0
    while start < end, BodyForm.isSpace(body[start]) { start += 1 }
    let text = UnsafeRawBufferPointer(rebasing: body[start..<end])
    guard let base = text.baseAddress, !text.isEmpty else {
      self = .empty
      return
    }
    if isLines {
      self = .lines
    } else if memchr(base, 10, text.count) == nil {
      self = .single
    } else {
      self = BodyForm.endOfValue(text) == text.count || BodyForm.bracedLines(text) < 2 ? .single : .lines
    }
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 10 || byte == 13 || byte == 9 }

  /// Where the first bracketed value ends; nil when it does not, or is none.
  private static func endOfValue(_ text: UnsafeRawBufferPointer) -> Int? {
    var depth = 0
    var inText = false
    var index = 0
    while index < text.count {
      let byte = text[index]
      index &+= 1
      if inText {
        switch byte {
        case UInt8(ascii: "\\"): index &+= 1
        case UInt8(ascii: "\""): inText = false
        case 10: return nil
        default: break
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): inText = true
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth &+= 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth &-= 1
        if depth <= 0 { return index }
      default: if depth == 0, !isSpace(byte) { return nil }
      }
    }
    return nil
  }

  private static func bracedLines(_ text: UnsafeRawBufferPointer) -> Int {
    var count = 0
    var isStart = true
    for byte in text {
      if isStart, byte == UInt8(ascii: "{") { count &+= 1 }
      isStart = byte == 10
      if count > 1 { return count }
    }
    return count
  }
}

/// Calls `body` with each line that is not blank, lent, with its number from 1.
func forEachLine(
  of text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, Int64) throws -> Void
) rethrows {
  guard let base = text.baseAddress else { return }
  var start = 0
  var number: Int64 = 0
  while start < text.count {
    let newline = memchr(base + start, 10, text.count - start)
    let end = newline.map { UnsafeRawPointer($0) - base } ?? text.count
    number &+= 1
    let line = UnsafeRawBufferPointer(rebasing: text[start..<end])
    if line.contains(where: { !BodyForm.isSpace($0) }) { try body(line, number) }
    start = end + 1
  }
}
