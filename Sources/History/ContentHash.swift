/// A 64-bit hash of bytes, the same on every machine and in every process (unlike `Hasher`). Not for secrets.
///
/// Folded 64 × 64 → 128 bit products of eight bytes at a time; the constants are digits of π and the golden ratio.
struct ContentHash {
  private(set) var value: UInt64 = 0x243F_6A88_85A3_08D3

  @inline(__always) private mutating func mix(_ word: UInt64) {
    let product = (value ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    // The word goes in a second time, so that no word can cancel the state for good.
    value = (product.high ^ product.low ^ 0x1319_8A2E_0370_7344) &+ word
  }

  /// Adds the bytes and their count, so that two neighbouring parts cannot trade bytes unseen.
  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var position = 0
    let count = bytes.count
    while position &+ 8 <= count {
      mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
      position &+= 8
    }
    mix(Self.tail(bytes, from: position))
    mix(UInt64(truncatingIfNeeded: count))
  }

  /// The last bytes, fewer than eight, as a little-endian number.
  @inline(__always) private static func tail(_ bytes: UnsafeRawBufferPointer, from start: Int) -> UInt64 {
    let rest = bytes.count &- start
    if rest == 0 { return 0 }
    if start > 0 {
      let word = bytes.loadUnaligned(fromByteOffset: bytes.count &- 8, as: UInt64.self)
      return UInt64(littleEndian: word) >> UInt64(8 &* (8 &- rest))
    }
    var tail: UInt64 = 0
    for index in 0..<rest { tail |= UInt64(bytes[index]) << UInt64(8 &* index) }
    return tail
  }

  mutating func add(_ word: UInt64) { mix(word) }

  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash = ContentHash()
    hash.add(bytes)
    return hash.value
  }
}
