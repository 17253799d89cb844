@_spi(_Unicode) import Swift

/// Text from outside made comparable: NFC, trimmed, inner white space single; bytes in, bytes out.
///
/// White space is Unicode's White_Space. ASCII and Hangul syllables are NFC already and take a path without
/// allocation; anything else goes through the standard library's normaliser.
enum NormalisedText {
  /// Length in bytes of the white space that begins at `index`; 0 when none does.
  @inline(__always) static func spaceLength(_ text: UnsafeRawBufferPointer, _ index: Int) -> Int {
    let byte = text[index]
    if byte < 0x80 { return byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) ? 1 : 0 }
    guard byte == 0xC2 || byte >= 0xE1 && byte <= 0xE3 else { return 0 }
    return wideSpaceLength(text, index)
  }

  private static func wideSpaceLength(_ text: UnsafeRawBufferPointer, _ index: Int) -> Int {
    guard index + 1 < text.count else { return 0 }
    let second = text[index + 1]
    if text[index] == 0xC2 { return second == 0x85 || second == 0xA0 ? 2 : 0 }
    guard index + 2 < text.count else { return 0 }
    switch (text[index], second, text[index + 2]) {
    case (0xE1, 0x9A, 0x80), (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xA8...0xA9), (0xE2, 0x80, 0xAF),
      (0xE2, 0x81, 0x9F), (0xE3, 0x80, 0x80):
      return 3
    default: return 0
    }
  }

  /// The text without white space at its ends.
  static func trimmed(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    // Nothing to trim between two graphic ASCII characters.
    if let first = text.first, let last = text.last, first > 0x20, first < 0x80, last > 0x20, last < 0x80 {
      return text
    }
    var start = 0
    while start < text.count {
      let length = spaceLength(text, start)
      if length == 0 { break }
      start += length
    }
    var end = start
    var index = start
    while index < text.count {
      let length = spaceLength(text, index)
      index += max(length, 1)
      if length == 0 { end = index }
    }
    return UnsafeRawBufferPointer(rebasing: text[start..<end])
  }

  /// True when the text is surely NFC: ASCII and Hangul syllables (U+AC00–U+D7A3) only.
  static func isSurelyNFC(_ text: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index < text.count {
      let byte = text[index]
      if byte < 0x80 {
        index += 1
        continue
      }
      guard byte >= 0xEA, byte <= 0xED, index + 2 < text.count else { return false }
      let scalar =
        UInt32(byte & 0x0F) << 12 | UInt32(text[index + 1] & 0x3F) << 6 | UInt32(text[index + 2] & 0x3F)
      guard scalar >= 0xAC00, scalar <= 0xD7A3 else { return false }
      index += 3
    }
    return true
  }

  /// Appends the text in NFC, trimmed, inner white space as one U+0020.
  static func append(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
    if isSurelyNFC(text) {
      appendCollapsed(text, to: &bytes)
    } else {
      nfc(text).withUnsafeBytes { appendCollapsed($0, to: &bytes) }
    }
  }

  private static func nfc(_ text: UnsafeRawBufferPointer) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    for scalar in String(decoding: text, as: UTF8.self)._nfc {
      bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
    return bytes
  }

  private static func appendCollapsed(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
    let beginning = bytes.count
    var index = 0
    while index < text.count {
      let space = spaceLength(text, index)
      if space > 0 {
        index += space
        continue
      }
      // A word at a time.
      if bytes.count > beginning { bytes.append(0x20) }
      let start = index
      repeat { index += 1 } while index < text.count && spaceLength(text, index) == 0
      bytes.append(contentsOf: text[start..<index])
    }
  }

  /// The next token up to U+0020 of a text that `append` made, from `index` on, cut to `bytesMax` between scalars.
  static func token(_ text: UnsafeRawBufferPointer, _ index: inout Int, bytesMax: Int)
    -> UnsafeRawBufferPointer
  {
    let start = min(index, text.count)
    var end = start
    while end < text.count, text[end] != 0x20 { end += 1 }
    index = min(end + 1, text.count)
    if end - start > bytesMax {
      end = start + bytesMax
      while end > start, text[end] & 0xC0 == 0x80 { end -= 1 }
    }
    return UnsafeRawBufferPointer(rebasing: text[start..<end])
  }
}
