import Orders

/// Product lists: which list a SKU or product code is on, and from when to when (D19).
struct ListTable: Sendable {
  struct Entry: Sendable {
    var list: Int32
    /// Half-open; `.min` and `.max` where an end is open.
    var from: Int64
    var to: Int64
  }

  var names: [String] = []
  var codes = CodeTable()
  /// Entries of code i are `entries[firsts[i]..<firsts[i + 1]]`.
  var firsts: [Int32] = [0]
  var entries: [Entry] = []

  func index(of name: String) -> Int? { names.firstIndex(of: name) }

  /// Bits of the lists that the code (with its `ContentHash`) is on at the instant; `bitOfList[l]` is list l's bit number or −1.
  func bits(
    of code: UnsafeRawBufferPointer, hash: UInt64, at instant: Int64, _ bitOfList: UnsafeBufferPointer<Int8>
  ) -> UInt64 {
    guard code.count > 0, let index = codes.find(code, hash: hash) else { return 0 }
    var bits: UInt64 = 0
    for position in Int(firsts[index])..<Int(firsts[index + 1]) {
      let entry = entries[position]
      guard entry.from <= instant, instant < entry.to else { continue }
      let bit = bitOfList[Int(entry.list)]
      if bit >= 0 { bits |= 1 << UInt64(bit) }
    }
    return bits
  }
}

/// Stock levels by SKU over time (D21).
struct StockTable: Sendable {
  struct Level: Sendable {
    var asOf: Int64
    var quantity: Int64
    var safety: Int64
    /// `asOf` of the newest level up to this one that was well above its safety stock; of the SKU's first where none was.
    var armedAt: Int64 = .min

    /// Above the safety stock and the margin: a downward crossing after it is another one than before it.
    var isArmed: Bool { quantity > safety + max((max(safety, 0) + 9) / 10, 1) }
  }

  var codes = CodeTable()
  /// Levels of SKU i are `levels[firsts[i]..<firsts[i + 1]]`, by time.
  var firsts: [Int32] = [0]
  var levels: [Level] = []

  /// The SKU's number and its last level at or before the instant, if that is not older than `maxAgeUs`.
  func level(
    of sku: UnsafeRawBufferPointer, hash: UInt64, at instant: Int64, maxAgeUs: Int64
  ) -> (sku: Int, level: Level)? {
    guard sku.count > 0, let index = codes.find(sku, hash: hash) else { return nil }
    var low = Int(firsts[index])
    let first = low
    var high = Int(firsts[index + 1])
    while low < high {
      let middle = (low + high) / 2
      if levels[middle].asOf <= instant { low = middle + 1 } else { high = middle }
    }
    guard low > first, instant - levels[low - 1].asOf <= maxAgeUs else { return nil }
    return (index, levels[low - 1])
  }

  /// Fills in what names each level's crossing (docs/design.md, "Stock").
  mutating func nameCrossings() {
    for code in 0..<firsts.count - 1 {
      let range = Int(firsts[code])..<Int(firsts[code + 1])
      guard let first = range.first else { continue }
      var armedAt = levels[first].asOf
      for place in range {
        // Of two levels of one instant the later line counts.
        let counts = place + 1 == range.endIndex || levels[place + 1].asOf != levels[place].asOf
        if counts, levels[place].isArmed { armedAt = levels[place].asOf }
        levels[place].armedAt = armedAt
      }
    }
  }
}
