/// Byte strings (SKUs, product codes) → small numbers counted from 0. Look-ups copy nothing.
struct CodeTable: Sendable {
  private var text: [UInt8] = []
  /// Code i is `text[ends[i-1]..<ends[i]]`.
  private var ends: [Int] = []
  private var hashes: [UInt64] = []
  /// Open addressing, a power of two, at most half full: upper half of the hash ‖ the code's number + 1; 0 = free.
  private var slots: [UInt64] = []

  var count: Int { ends.count }

  func find(_ code: UnsafeRawBufferPointer) -> Int? {
    guard !slots.isEmpty else { return nil }
    return find(code, hash: ContentHash.of(code))
  }

  /// The same with the hash at hand (`ContentHash.of`).
  func find(_ code: UnsafeRawBufferPointer, hash: UInt64) -> Int? {
    let mask = slots.count - 1
    guard mask >= 0 else { return nil }
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      let entry = slots[slot]
      if entry >> 32 == hash >> 32 {
        let index = Int(entry & 0xFFFF_FFFF) - 1
        if isCode(index, code) { return index }
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  private func isCode(_ index: Int, _ code: UnsafeRawBufferPointer) -> Bool {
    let start = index == 0 ? 0 : ends[index - 1]
    return text.withUnsafeBytes { sameBytes(UnsafeRawBufferPointer(rebasing: $0[start..<ends[index]]), code) }
  }

  /// The bytes of code i.
  func code(_ index: Int) -> ArraySlice<UInt8> { text[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }

  /// The code's number, new or known.
  mutating func insert(_ code: UnsafeRawBufferPointer) -> Int {
    if let known = find(code) { return known }
    let index = ends.count
    text.append(contentsOf: code)
    ends.append(text.count)
    hashes.append(ContentHash.of(code))
    if (index + 1) * 2 > slots.count { grow() } else { place(index) }
    return index
  }

  private mutating func grow() {
    slots = [UInt64](repeating: 0, count: max(16, slots.count * 2))
    for index in hashes.indices { place(index) }
  }

  private mutating func place(_ index: Int) {
    var slot = Int(truncatingIfNeeded: hashes[index]) & (slots.count - 1)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = (hashes[index] >> 32) << 32 | UInt64(index + 1)
  }
}
