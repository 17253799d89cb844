import Orders

/// The loops over rows: columns in, two bit planes (true, false) out, 64 rows to a word. A bit in neither plane
/// is unknown. Columns are padded to whole words; what lies beyond the last row is never known.
enum Kernels {
  typealias Bits = UnsafeMutablePointer<UInt64>
  typealias ConstBits = UnsafePointer<UInt64>

  @inline(__always)
  static func word(_ body: (Int) -> Bool) -> UInt64 {
    var bits: UInt64 = 0
    for index in 0..<64 { bits |= (body(index) ? 1 : 0) &<< UInt64(truncatingIfNeeded: index) }
    return bits
  }

  @inline(__always)
  private static func store(_ bits: UInt64, _ known: UInt64, _ t: Bits, _ f: Bits, _ index: Int) {
    t[index] = bits & known
    f[index] = ~bits & known
  }

  static func textEqualsText(
    _ left: UnsafePointer<UInt32>, _ right: UnsafePointer<UInt32>, _ t: Bits, _ f: Bits, words: Int
  ) {
    for index in 0..<words {
      let a = left + index &* 64
      let b = right + index &* 64
      store(word { a[$0] == b[$0] }, word { a[$0] != 0 && b[$0] != 0 }, t, f, index)
    }
  }

  /// Item lines against a text of their order.
  static func textEqualsSpread(
    _ left: UnsafePointer<UInt32>, _ right: UnsafePointer<UInt32>, orders: UnsafePointer<Int32>, _ t: Bits,
    _ f: Bits, rows: Int
  ) {
    clear(t, f, words: (rows + 63) / 64)
    for row in 0..<rows {
      let a = left[row]
      let b = right[Int(orders[row])]
      guard a != 0, b != 0 else { continue }
      let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: row & 63)
      if a == b { t[row &>> 6] |= bit } else { f[row &>> 6] |= bit }
    }
  }

  static func textMissing(_ codes: UnsafePointer<UInt32>, _ t: Bits, _ f: Bits, rows: Int) {
    for index in 0..<((rows + 63) / 64) {
      let base = codes + index &* 64
      store(word { base[$0] == 0 }, mask(index, rows: rows), t, f, index)
    }
  }

  /// `memo`: per code 1 for false, 2 for true, filled for every code of the column.
  static func textMemo(
    _ codes: UnsafePointer<UInt32>, _ memo: UnsafePointer<UInt8>, _ t: Bits, _ f: Bits, words: Int
  ) {
    for index in 0..<words {
      let base = codes + index &* 64
      store(word { memo[Int(base[$0])] == 2 }, word { base[$0] != 0 }, t, f, index)
    }
  }

  /// A product list on item lines, known as their order knows it.
  static func itemList(
    _ on: ConstBits, _ known: ConstBits, orders: UnsafePointer<Int32>, _ t: Bits, _ f: Bits, lines: Int
  ) {
    clear(t, f, words: (lines + 63) / 64)
    for line in 0..<lines {
      let row = Int(orders[line])
      let isKnown = (known[row &>> 6] &>> UInt64(truncatingIfNeeded: row & 63)) & 1
      let shift = UInt64(truncatingIfNeeded: line & 63)
      let isOn = (on[line &>> 6] &>> shift) & 1
      t[line &>> 6] |= (isOn & isKnown) &<< shift
      f[line &>> 6] |= ((isOn ^ 1) & isKnown) &<< shift
    }
  }

  /// Some line of the order: true if one is true, false if all are false (or there is none).
  static func anyItem(
    _ lineT: ConstBits, _ lineF: ConstBits, orders: UnsafePointer<Int32>, lines: Int, _ t: Bits, _ f: Bits,
    rows: Int
  ) {
    let words = (rows + 63) / 64
    for index in 0..<words {
      t[index] = 0
      f[index] = mask(index, rows: rows)
    }
    for index in 0..<((lines + 63) / 64) {
      forEachBit(lineT[index]) { bit in
        let row = Int(orders[index &* 64 &+ bit])
        t[row &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: row & 63)
      }
      forEachBit(~lineF[index] & mask(index, rows: lines)) { bit in
        let row = Int(orders[index &* 64 &+ bit])
        f[row &>> 6] &= ~(1 &<< UInt64(truncatingIfNeeded: row & 63))
      }
    }
  }

  static func spread(
    _ orderT: ConstBits, _ orderF: ConstBits, orders: UnsafePointer<Int32>, _ t: Bits, _ f: Bits, lines: Int
  ) {
    clear(t, f, words: (lines + 63) / 64)
    for line in 0..<lines {
      let row = Int(orders[line])
      let from = UInt64(truncatingIfNeeded: row & 63)
      let to = UInt64(truncatingIfNeeded: line & 63)
      t[line &>> 6] |= ((orderT[row &>> 6] &>> from) & 1) &<< to
      f[line &>> 6] |= ((orderF[row &>> 6] &>> from) & 1) &<< to
    }
  }

  @inline(__always)
  static func forEachBit(_ word: UInt64, _ body: (Int) -> Void) {
    var rest = word
    while rest != 0 {
      body(rest.trailingZeroBitCount)
      rest &= rest &- 1
    }
  }

  /// Bits of the rows that exist in a word.
  @inline(__always)
  static func mask(_ word: Int, rows: Int) -> UInt64 {
    let left = rows &- word &* 64
    return left >= 64 ? ~0 : left <= 0 ? 0 : (1 &<< UInt64(truncatingIfNeeded: left)) &- 1
  }

  static func clear(_ t: Bits, _ f: Bits, words: Int) {
    t.update(repeating: 0, count: words)
    f.update(repeating: 0, count: words)
  }
}
