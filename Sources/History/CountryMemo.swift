/// The countries of the addresses seen last: an order keeps its address through all its snapshots, and looking one up
/// among 300,000 ranges costs more than all else about it. One per folder; never grows.
struct CountryMemo {
  private struct Entry {
    var first: UInt64 = 0
    var second: UInt64 = 0
    var count: UInt16 = 0
    var country: UInt16 = 0
  }

  private static let entriesCount = 4096
  private var entries = [Entry](repeating: Entry(), count: entriesCount)

  /// The packed country of an address as text; 0 = missing.
  mutating func country(ofText text: UnsafeRawBufferPointer, in table: GeoTable) -> UInt16 {
    guard text.count > 0, text.count <= 16 else { return table.country(ofText: text) }
    var words: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: text) }
    let hash = (words.0 ^ (words.1 &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93
    let slot = Int(truncatingIfNeeded: hash >> 52)
    let known = entries[slot]
    if known.first == words.0, known.second == words.1, Int(known.count) == text.count {
      return known.country
    }
    let country = table.country(ofText: text)
    entries[slot] = Entry(first: words.0, second: words.1, count: UInt16(text.count), country: country)
    return country
  }
}
