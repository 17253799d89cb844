/// The constants in which rule sets of one profile differ: each set's own values for the columns that its profile has.
struct SetParameters: Sendable {
  /// One row per set, a place in it per column: whatever profiles the rows of a batch have, their constants stand at
  /// the same places. Nil when that would be too large; then `starts` and `values` have them.
  private(set) var table: ParameterTable?
  /// What of the table takes two bytes a value; there when the table is.
  private(set) var narrow: NarrowTable?
  /// Per set: where its values stand in `values`, in the order of its profile's columns.
  private(set) var starts: [Int32] = []
  private(set) var values: [Int64] = []

  /// Columns of a table at most: a row of more is read at the cost of all of it, whichever of them a set has.
  static let columnsMax = 128
  /// Bytes of a table at most.
  static let tableBytesMax = 128 << 20

  /// `sets`: the values of each for its profile's columns.
  init(columnCount: Int, sets: [(columns: [Int], values: [Int64])]) {
    if SetParameters.fitsTable(columnCount, sets: sets.count) {
      let table = ParameterTable(columns: columnCount, sets: sets.count)
      for (index, set) in sets.enumerated() { table.put(set.values, set.columns, of: index) }
      self.table = table
      narrow = NarrowTable(table, columnCount: columnCount)
    } else {
      for set in sets { append(set.values) }
    }
  }

  private static func fitsTable(_ columns: Int, sets: Int) -> Bool {
    columns <= columnsMax && ParameterTable.width(columns) * sets * 8 <= tableBytesMax
  }

  private mutating func append(_ new: [Int64]) {
    starts.append(Int32(truncatingIfNeeded: values.count))
    values += new
  }

  /// Gives the set at `index`, or one more, its values. `columns`: of any other set.
  mutating func put(
    _ new: [Int64], _ own: [Int], of index: Int, columnCount: Int, setCount: Int, columns: (Int) -> [Int]
  ) {
    if table != nil, SetParameters.fitsTable(columnCount, sets: max(setCount, index + 1)) {
      let isOwn = isKnownUniquelyReferenced(&table)
      table = table.map {
        isOwn && $0.hasRoom(columns: columnCount, set: index)
          ? $0 : ParameterTable($0, columns: columnCount, sets: index + 1)
      }
      table?.put(new, own, of: index)
      putNarrow(new, own, of: index, columnCount: columnCount)
      return
    }
    if let table {
      for set in 0..<setCount { append(columns(set).map { table.value(of: set, column: $0) }) }
      self.table = nil
      narrow = nil
    }
    guard index < starts.count else { return append(new) }
    if columns(index).count == new.count {
      for (place, value) in new.enumerated() { values[Int(starts[index]) + place] = value }
    } else {
      starts[index] = Int32(truncatingIfNeeded: values.count)
      values += new
    }
  }
}

extension SetParameters {
  private mutating func putNarrow(_ new: [Int64], _ own: [Int], of index: Int, columnCount: Int) {
    if narrow != nil {
      let isOwn = isKnownUniquelyReferenced(&narrow)
      narrow = narrow.map { isOwn && $0.hasRoom(set: index) ? $0 : NarrowTable($0, sets: index + 1) }
      if narrow?.put(new, own, of: index) == true { return }
    }
    narrow = table.map { NarrowTable($0, columnCount: columnCount) }
  }
}

/// Rows of equal width, at addresses that vectors can be loaded from. Changed only by who alone has it.
final class ParameterTable: @unchecked Sendable {
  /// Values of a row: a multiple of 8.
  let width: Int
  private let capacity: Int
  private(set) var count: Int
  let base: UnsafeMutablePointer<Int64>

  init(columns: Int, sets: Int) {
    width = ParameterTable.width(columns)
    capacity = max(sets, 1)
    count = sets
    let bytes = width * capacity * 8
    base = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 64), alignment: 64)
      .bindMemory(to: Int64.self, capacity: max(width * capacity, 8))
    base.initialize(repeating: 0, count: max(width * capacity, 8))
  }

  /// A copy with room for as many columns and sets.
  convenience init(_ other: ParameterTable, columns: Int, sets: Int) {
    let grows = sets > other.capacity
    self.init(
      columns: max(columns, other.width),
      sets: grows ? max(sets, other.capacity + other.capacity / 4) : other.capacity)
    count = max(sets, other.count)
    if width == other.width {
      base.update(from: other.base, count: width * other.count)
    } else {
      for set in 0..<other.count {
        (base + set * width).update(from: other.base + set * other.width, count: other.width)
      }
    }
  }

  deinit { base.deallocate() }

  static func width(_ columns: Int) -> Int { (columns + 7) / 8 * 8 }

  func hasRoom(columns: Int, set: Int) -> Bool { columns <= width && set < capacity }

  func put(_ values: [Int64], _ columns: [Int], of set: Int) {
    count = max(count, set + 1)
    for (value, column) in zip(values, columns) { base[set * width + column] = value }
  }

  func value(of set: Int, column: Int) -> Int64 { base[set * width + column] }
}
