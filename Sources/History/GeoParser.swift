internal import Dispatch
import Glibc
import Synchronization

extension ReferenceBuilder {
  mutating func addGeo(_ bytes: UnsafeRawBufferPointer, _ file: String) {
    var rows = geoRows ?? GeoRows()
    geoRows = nil
    rows.files.append(file)
    var lines = 0
    for part in GeoPart.read(bytes) {
      for line in part.malformed {
        report(
          file, lines + line,
          "first,last,country with two addresses of one family, the first not above the last",
          "IPv4 as decimal integers or dotted, IPv6 as text, country as two letters or ??")
      }
      rows.append(part.rows, afterLine: lines)
      lines += part.lineCount
    }
    if rows.trimToMax() {
      report(file, lines, "at most \(GeoTable.rangesMax) ranges of a family", "the rest was left out")
    }
    geoRows = rows
  }
}

/// What a stretch of a file's lines holds.
struct GeoPart: Sendable {
  var rows = GeoRows()
  /// Line numbers in the stretch, from 1.
  var malformed: [Int] = []
  var lineCount = 0

  /// Below this, threads cost more than they save.
  static let sharedBytesMin = 1 << 20

  /// The file by two threads at once: it is what a trial run waits for first.
  static func read(_ bytes: UnsafeRawBufferPointer) -> [GeoPart] {
    let middle = bytes.count / 2
    guard bytes.count >= sharedBytesMin, let base = bytes.baseAddress,
      let found = memchr(base + middle, 10, bytes.count - middle)
    else { return [GeoPart(bytes, isFirst: true)] }
    let cut = UnsafeRawPointer(found) - base + 1
    let texts = [
      LentBytes(bytes: UnsafeRawBufferPointer(rebasing: bytes[..<cut])),
      LentBytes(bytes: UnsafeRawBufferPointer(rebasing: bytes[cut...])),
    ]
    let parts = Mutex<[GeoPart?]>([nil, nil])
    DispatchQueue.concurrentPerform(iterations: 2) { index in
      let part = GeoPart(texts[index].bytes, isFirst: index == 0)
      parts.withLock { $0[index] = part }
    }
    return parts.withLock { $0.compactMap(\.self) }
  }

  /// Lent for the time of a call that waits for its threads.
  private struct LentBytes: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
  }

  init(_ bytes: UnsafeRawBufferPointer, isFirst: Bool) {
    rows.files = [""]
    // Debian's files have about 25 bytes a line.
    rows.table.starts4.reserveCapacity(bytes.count / 48)
    rows.table.ends4.reserveCapacity(bytes.count / 48)
    var parser = GeoParser(bytes, isFirst: isFirst)
    while parser.nextLine() {
      switch parser.parseLine() {
      case .v4(let start, let end, let country): rows.append4(start, end, country, line: parser.line)
      case .v6(let start, let end, let country): rows.append6(start, end, country, line: parser.line)
      case .header: break
      case .malformed: malformed.append(parser.line)
      }
    }
    lineCount = parser.line
  }
}

/// Reads `first,last,country` lines by bytes: 660,000 lines are nothing to make strings of.
struct GeoParser {
  enum Line {
    case v4(UInt32, UInt32, UInt16)
    case v6(GeoTable.Wide, GeoTable.Wide, UInt16)
    /// The first line that is no comment and begins like a word.
    case header
    case malformed
  }

  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private var current = UnsafeRawBufferPointer(start: nil, count: 0)
  private var hasSeenLine = false
  private(set) var line = 0

  /// `isFirst`: the bytes begin a file.
  init(_ bytes: UnsafeRawBufferPointer, isFirst: Bool = true) {
    self.bytes = bytes
    hasSeenLine = !isFirst
    if isFirst, bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
  }

  /// Moves to the next line that is neither blank nor a comment.
  mutating func nextLine() -> Bool {
    while position < bytes.count {
      let start = position
      position = endOfLine(from: start)
      var end = position
      position &+= 1
      line &+= 1
      while end > start, bytes[end &- 1] == 13 || bytes[end &- 1] == 32 { end &-= 1 }
      if end == start || bytes[start] == 35 { continue }
      current = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      return true
    }
    return false
  }

  private func endOfLine(from start: Int) -> Int {
    guard let base = bytes.baseAddress, let found = memchr(base + start, 10, bytes.count &- start) else {
      return bytes.count
    }
    return UnsafeRawPointer(found) - base
  }

  mutating func parseLine() -> Line {
    let isFirst = !hasSeenLine
    hasSeenLine = true
    guard let firstComma = comma(from: 0), let secondComma = comma(from: firstComma + 1) else {
      return isFirst && beginsLikeWord ? .header : .malformed
    }
    let first = field(0, firstComma)
    let last = field(firstComma + 1, secondComma)
    let end = comma(from: secondComma + 1) ?? current.count
    guard let country = Self.country(field(secondComma + 1, end)) else {
      return isFirst && beginsLikeWord ? .header : .malformed
    }
    if let start = Self.v4(first), let stop = Self.v4(last), start <= stop {
      return .v4(start, stop, country)
    }
    guard first.count >= 2, last.count >= 2, let start = IPAddress.groups(first),
      let stop = IPAddress.groups(last)
    else { return isFirst && beginsLikeWord ? .header : .malformed }
    let low = GeoTable.Wide(high: start.high, low: start.low)
    let high = GeoTable.Wide(high: stop.high, low: stop.low)
    return low <= high ? .v6(low, high, country) : .malformed
  }

  private var beginsLikeWord: Bool {
    guard let byte = current.first else { return false }
    let letter = byte | 32
    return (letter >= 97 && letter <= 122) || byte == 34
  }

  private func comma(from start: Int) -> Int? {
    var index = start
    while index < current.count {
      if current[index] == 44 { return index }
      index &+= 1
    }
    return nil
  }

  /// The bytes without white space or one pair of quotes around them.
  private func field(_ from: Int, _ to: Int) -> UnsafeRawBufferPointer {
    var start = from
    var end = to
    while start < end, current[start] == 32 { start &+= 1 }
    while end > start, current[end &- 1] == 32 { end &-= 1 }
    if end &- start >= 2, current[start] == 34, current[end &- 1] == 34 {
      start &+= 1
      end &-= 1
    }
    return UnsafeRawBufferPointer(rebasing: current[start..<end])
  }

  private static func v4(_ text: UnsafeRawBufferPointer) -> UInt32? {
    var value: UInt64 = 0
    guard text.count > 0, text.count <= 15 else { return nil }
    for byte in text {
      if byte == 46 { return IPAddress.dotted(text, from: 0) }
      guard byte >= 48, byte <= 57 else { return nil }
      value = value * 10 + UInt64(byte - 48)
    }
    return UInt32(exactly: value)
  }

  /// Two letters packed in capitals; 0 for `??`, `AP` and codes with a digit (proxies, satellites); else nil.
  private static func country(_ text: UnsafeRawBufferPointer) -> UInt16? {
    guard text.count == 2 else { return nil }
    if text[0] == 63, text[1] == 63 { return 0 }
    let first = text[0] & 0xDF
    guard first >= 65, first <= 90 else { return nil }
    if text[1] >= 48, text[1] <= 57 { return 0 }
    let second = text[1] & 0xDF
    guard second >= 65, second <= 90 else { return nil }
    return first == 65 && second == 80 ? 0 : UInt16(first) << 8 | UInt16(second)
  }
}
