/// The values of a table of parameters that are small multiples of what all values of their column are multiples of:
/// two bytes each, so that the rows of ten thousand sets stay near the processor. Thresholds of one template are so
/// (amounts in tens, times in minutes); other columns are left out. Changed only by who alone has it.
final class NarrowTable: @unchecked Sendable {
  struct Column {
    /// Place in a row.
    var place: Int
    /// A value is its code times this.
    var step: Int64
  }

  /// By column; nil: the values are not narrow.
  let columns: [Column?]
  /// Codes of a row: a multiple of 8.
  let width: Int
  private let capacity: Int
  private(set) var count: Int
  let base: UnsafeMutablePointer<UInt16>

  private init(columns: [Column?], sets: Int, capacity: Int) {
    self.columns = columns
    self.capacity = max(capacity, sets, 1)
    width = (columns.count { $0 != nil } + 7) / 8 * 8
    count = sets
    let codes = max(width * self.capacity, 8)
    base = UnsafeMutableRawPointer.allocate(byteCount: codes * 2, alignment: 64)
      .bindMemory(to: UInt16.self, capacity: codes)
    base.initialize(repeating: 0, count: codes)
  }

  convenience init(_ table: ParameterTable, columnCount: Int) {
    var columns: [Column?] = []
    var place = 0
    for column in 0..<columnCount {
      let step = NarrowTable.step(table, column)
      columns.append(step.map { Column(place: place, step: $0) })
      if step != nil { place += 1 }
    }
    self.init(columns: columns, sets: table.count, capacity: table.count)
    for (number, column) in columns.enumerated() {
      guard let column else { continue }
      for set in 0..<table.count {
        base[set * width + column.place] = UInt16(
          truncatingIfNeeded: table.value(of: set, column: number) / column.step)
      }
    }
  }

  /// A copy with room for as many sets.
  convenience init(_ other: NarrowTable, sets: Int) {
    self.init(
      columns: other.columns, sets: max(sets, other.count),
      capacity: sets > other.capacity ? sets + sets / 4 : other.capacity)
    base.update(from: other.base, count: width * other.count)
  }

  deinit { base.deallocate() }

  /// The largest number of which all values are multiples; nil when one of them is below zero or has too large a code.
  private static func step(_ table: ParameterTable, _ column: Int) -> Int64? {
    var step: Int64 = 0
    var most: Int64 = 0
    for set in 0..<table.count {
      let value = table.value(of: set, column: column)
      guard value >= 0 else { return nil }
      most = max(most, value)
      step = commonDivisor(step, value)
    }
    step = max(step, 1)
    return most / step <= Int64(UInt16.max) ? step : nil
  }

  private static func commonDivisor(_ a: Int64, _ b: Int64) -> Int64 {
    var (a, b) = (a, b)
    // In this order it ends at once where b is a multiple of a.
    while a != 0 { (a, b) = (b % a, a) }
    return b
  }

  func hasRoom(set: Int) -> Bool { set < capacity }

  /// False: some value is no small multiple of its column's step, or of a column that is not known.
  func put(_ values: [Int64], _ own: [Int], of set: Int) -> Bool {
    count = max(count, set + 1)
    for (value, number) in zip(values, own) {
      guard columns.indices.contains(number) else { return false }
      guard let column = columns[number] else { continue }
      guard value >= 0, value % column.step == 0, value / column.step <= Int64(UInt16.max) else {
        return false
      }
      base[set * width + column.place] = UInt16(truncatingIfNeeded: value / column.step)
    }
    return true
  }
}
