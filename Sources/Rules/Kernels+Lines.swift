/// From lines to their orders: each order's lines stand together, from its start to the next one's.
extension Kernels {
  typealias Starts = UnsafePointer<Int32>

  @inline(__always)
  private static func bit(_ bits: ConstBits, _ index: Int) -> Bool {
    (bits[index &>> 6] &>> UInt64(truncatingIfNeeded: index & 63)) & 1 == 1
  }

  /// Exactly one line: false as soon as two are true, whatever the others.
  static func exactlyOne(
    _ lineT: ConstBits, _ lineF: ConstBits, starts: Starts, _ t: Bits, _ f: Bits, rows: Int
  ) {
    clear(t, f, words: (rows + 63) / 64)
    for row in 0..<rows {
      var found = 0
      var isKnown = true
      for line in Int(starts[row])..<Int(starts[row &+ 1]) {
        if bit(lineT, line) { found &+= 1 } else if !bit(lineF, line) { isKnown = false }
      }
      let mark: UInt64 = 1 &<< UInt64(truncatingIfNeeded: row & 63)
      if found > 1 || (isKnown && found == 0) {
        f[row &>> 6] |= mark
      } else if isKnown {
        t[row &>> 6] |= mark
      }
    }
  }

  /// How many lines are true; unknown when one is.
  static func count(
    _ lineT: ConstBits, _ lineF: ConstBits, starts: Starts, _ out: Lanes, _ known: Bits, rows: Int
  ) {
    known.update(repeating: 0, count: (rows + 63) / 64)
    for row in 0..<rows {
      var found: Int64 = 0
      var isKnown: UInt64 = 1
      for line in Int(starts[row])..<Int(starts[row &+ 1]) {
        if bit(lineT, line) { found &+= 1 } else if !bit(lineF, line) { isKnown = 0 }
      }
      out[row] = found
      known[row &>> 6] |= isKnown &<< UInt64(truncatingIfNeeded: row & 63)
    }
  }

  /// Sum, smallest or largest of a number over the true lines; unknown when one of them or its number is, when a sum
  /// does not fit, and of no line the smallest and the largest.
  static func fold(
    _ fold: TypedExpression.Fold, _ lineT: ConstBits, _ lineF: ConstBits, _ values: UnsafePointer<Int64>,
    _ valuesKnown: ConstBits, starts: Starts, _ out: Lanes, _ known: Bits, rows: Int
  ) {
    known.update(repeating: 0, count: (rows + 63) / 64)
    @inline(__always) func run(_ first: Int128, empty: Bool, _ body: (Int128, Int64) -> Int128) {
      for row in 0..<rows {
        var result = first
        var isKnown = true
        var isEmpty = true
        for line in Int(starts[row])..<Int(starts[row &+ 1]) {
          if bit(lineT, line) {
            isEmpty = false
            result = body(result, values[line])
            if !bit(valuesKnown, line) { isKnown = false }
          } else if !bit(lineF, line) {
            isKnown = false
          }
        }
        guard isKnown, empty || !isEmpty, let narrow = Int64(exactly: result) else { continue }
        out[row] = narrow
        known[row &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: row & 63)
      }
    }
    switch fold {
    case .count: count(lineT, lineF, starts: starts, out, known, rows: rows)
    // Lines are fewer than 2⁶³, so that their sum fits.
    case .sum: run(0, empty: true) { $0 &+ Int128($1) }
    case .minimum: run(Int128(Int64.max), empty: false) { min($0, Int128($1)) }
    case .maximum: run(Int128(Int64.min), empty: false) { max($0, Int128($1)) }
    }
  }
}
