import Orders

/// Small sets as arrays sorted by bytes without repeats: item codes and rule ids, as they stand in records.
enum SortedStrings {
  static func isSorted(_ values: [String]) -> Bool {
    for place in values.indices.dropFirst() where !bytesPrecede(values[place - 1], values[place]) {
      return false
    }
    return true
  }

  static func sorted(_ values: [String]) -> [String] {
    if isSorted(values) { return values }
    var result: [String] = []
    result.reserveCapacity(values.count)
    for value in values.sorted(by: bytesPrecede) where result.last != value { result.append(value) }
    return result
  }

  static func union(_ sets: [[String]]) -> [String] {
    sets.count == 1 ? sets[0] : sorted(sets.flatMap { $0 })
  }

  static func subtract(_ left: [String], _ right: [String]) -> [String] {
    if right.isEmpty || left.isEmpty { return left }
    if left == right { return [] }
    return walk(left, right, common: false)
  }

  static func intersect(_ left: [String], _ right: [String]) -> [String] {
    if right.isEmpty || left.isEmpty { return [] }
    return walk(left, right, common: true)
  }

  static func contains(_ values: [String], _ value: String) -> Bool {
    if values.count <= 8 { return values.contains(value) }
    var (low, high) = (0, values.count)
    while low < high {
      let middle = (low + high) / 2
      if bytesPrecede(values[middle], value) { low = middle + 1 } else { high = middle }
    }
    return low < values.count && values[low] == value
  }

  /// Inserts at its place; nothing happens if it is there.
  static func insert(_ value: String, into values: inout [String]) {
    let place = values.firstIndex { !bytesPrecede($0, value) } ?? values.count
    if place < values.count, values[place] == value { return }
    values.insert(value, at: place)
  }

  /// Those of `left` that are (`common`) or are not in `right`.
  private static func walk(_ left: [String], _ right: [String], common: Bool) -> [String] {
    var result: [String] = []
    var place = 0
    for value in left {
      while place < right.count, bytesPrecede(right[place], value) { place += 1 }
      if (place < right.count && right[place] == value) == common { result.append(value) }
    }
    return result
  }
}

/// Byte for byte: `==` takes canonically equivalent texts for equal, which are two labels to a shop.
func sameText(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
