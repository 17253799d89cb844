/// Reads RFC 4180 rows from borrowed bytes: quoted fields, doubled quotes, CRLF or LF, a byte order mark in front.
/// Blank lines are passed over. Fields are copied into one reused buffer.
struct CSVRows {
  static let fieldsMax = 64

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var nextLine = 1
  private var text: [UInt8] = []
  private var ends: [Int] = []
  /// Of the current row's first line, from 1.
  private(set) var line = 0
  /// The current row has an open quote, text after a closing quote, or too many fields.
  private(set) var isMalformed = false

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = UnsafeBufferPointer(
      start: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), count: bytes.count)
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
  }

  var fieldCount: Int { ends.count }

  /// Lends a field without the white space around it; an absent one is empty.
  func field<Answer>(_ index: Int?, _ body: (UnsafeRawBufferPointer) -> Answer) -> Answer {
    guard let index, index >= 0, index < ends.count else {
      return body(UnsafeRawBufferPointer(start: nil, count: 0))
    }
    var start = index == 0 ? 0 : ends[index - 1]
    var end = ends[index]
    while start < end, text[start] == 32 || text[start] == 9 { start += 1 }
    while end > start, text[end - 1] == 32 || text[end - 1] == 9 { end -= 1 }
    return text.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
  }

  func string(_ index: Int?) -> String { field(index) { String(decoding: $0, as: UTF8.self) } }
  func array(_ index: Int?) -> [UInt8] { field(index) { [UInt8]($0) } }

  /// Index of the column with this name in the current row; case is ignored.
  func column(_ name: String) -> Int? {
    (0..<ends.count).first { string($0).lowercased() == name }
  }

  /// Moves to the next row; false at the end.
  mutating func next() -> Bool {
    while position < bytes.count {
      line = nextLine
      readRow()
      if ends.count > 1 || !text.isEmpty || isMalformed { return true }
    }
    return false
  }

  private mutating func readRow() {
    text.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    isMalformed = false
    while true {
      let isLast = position < bytes.count && bytes[position] == 34 ? readQuoted() : readPlain()
      if ends.count < Self.fieldsMax { ends.append(text.count) } else { isMalformed = true }
      if isLast { return }
    }
  }

  /// True when the row ends behind the field.
  private mutating func readPlain() -> Bool {
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case 44: return false
      case 10:
        nextLine += 1
        return true
      case 13 where position < bytes.count && bytes[position] == 10: break
      default: text.append(byte)
      }
    }
    return true
  }

  private mutating func readQuoted() -> Bool {
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == 34 {
        if position < bytes.count, bytes[position] == 34 {
          text.append(34)
          position += 1
          continue
        }
        let before = text.count
        let isLast = readPlain()
        if text.count != before { isMalformed = true }
        return isLast
      }
      if byte == 10 { nextLine += 1 }
      text.append(byte)
    }
    isMalformed = true
    return true
  }
}
