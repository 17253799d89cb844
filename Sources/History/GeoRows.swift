/// Ranges of `geo.csv` as read, before they are sorted, with the line of each for problems.
struct GeoRows: Sendable {
  var table = GeoTable()
  /// `file << 40 | line`.
  var places4: [UInt64] = []
  var places6: [UInt64] = []
  var files: [String] = []
  private var isSorted4 = true
  private var isSorted6 = true

  mutating func append4(_ start: UInt32, _ end: UInt32, _ country: UInt16, line: Int) {
    if let last = table.ends4.last, last >= start { isSorted4 = false }
    table.starts4.append(start)
    table.ends4.append(end)
    table.countries4.append(country)
    places4.append(place(line))
  }

  mutating func append6(_ start: GeoTable.Wide, _ end: GeoTable.Wide, _ country: UInt16, line: Int) {
    if let last = table.ends6.last, last >= start { isSorted6 = false }
    table.starts6.append(start)
    table.ends6.append(end)
    table.countries6.append(country)
    places6.append(place(line))
  }

  /// Takes over the rows of a stretch of the last file that follows that many of its lines.
  mutating func append(_ part: GeoRows, afterLine line: Int) {
    let shift = place(line)
    if let last = table.ends4.last, let first = part.table.starts4.first, last >= first { isSorted4 = false }
    if let last = table.ends6.last, let first = part.table.starts6.first, last >= first { isSorted6 = false }
    isSorted4 = isSorted4 && part.isSorted4
    isSorted6 = isSorted6 && part.isSorted6
    table.starts4 += part.table.starts4
    table.ends4 += part.table.ends4
    table.countries4 += part.table.countries4
    places4 += part.places4.map { $0 &+ shift }
    table.starts6 += part.table.starts6
    table.ends6 += part.table.ends6
    table.countries6 += part.table.countries6
    places6 += part.places6.map { $0 &+ shift }
  }

  /// Leaves out what is beyond the limit; true if there was something.
  mutating func trimToMax() -> Bool {
    let over4 = table.starts4.count - GeoTable.rangesMax
    let over6 = table.starts6.count - GeoTable.rangesMax
    if over4 > 0 {
      table.starts4.removeLast(over4)
      table.ends4.removeLast(over4)
      table.countries4.removeLast(over4)
      places4.removeLast(over4)
    }
    if over6 > 0 {
      table.starts6.removeLast(over6)
      table.ends6.removeLast(over6)
      table.countries6.removeLast(over6)
      places6.removeLast(over6)
    }
    return over4 > 0 || over6 > 0
  }

  private func place(_ line: Int) -> UInt64 {
    UInt64(truncatingIfNeeded: files.count - 1) << 40 | UInt64(truncatingIfNeeded: line)
  }

  /// The sorted tables; a range that begins inside an earlier one is left out and reported.
  mutating func table(overlap: (_ file: String, _ line: Int, _ isIPv6: Bool) -> Void) -> GeoTable {
    let files = files
    func name(_ place: UInt64) -> String {
      let index = Int(place >> 40)
      return index < files.count ? files[index] : ""
    }
    if !isSorted4 {
      sortDropping(&table.starts4, &table.ends4, &table.countries4, places4) { place in
        overlap(name(place), Int(place & 0xFF_FFFF_FFFF), false)
      }
    }
    if !isSorted6 {
      sortDropping(&table.starts6, &table.ends6, &table.countries6, places6) { place in
        overlap(name(place), Int(place & 0xFF_FFFF_FFFF), true)
      }
    }
    trim(&table.starts4)
    trim(&table.ends4)
    trim(&table.countries4)
    trim(&table.starts6)
    trim(&table.ends6)
    trim(&table.countries6)
    return table
  }

  /// Gives back the room that appending has left over: the table stays as long as the process.
  private func trim<Element>(_ values: inout [Element]) {
    guard values.capacity > values.count + values.count / 8 else { return }
    values = values.withUnsafeBufferPointer { [Element]($0) }
  }
}

private func sortDropping<Value: Comparable>(
  _ starts: inout [Value], _ ends: inout [Value], _ countries: inout [UInt16], _ places: [UInt64],
  _ report: (UInt64) -> Void
) {
  let order = starts.indices.sorted {
    starts[$0] != starts[$1] ? starts[$0] < starts[$1] : places[$0] < places[$1]
  }
  var (newStarts, newEnds, newCountries): ([Value], [Value], [UInt16]) = ([], [], [])
  newStarts.reserveCapacity(order.count)
  newEnds.reserveCapacity(order.count)
  newCountries.reserveCapacity(order.count)
  for index in order {
    if let end = newEnds.last, starts[index] <= end {
      report(places[index])
      continue
    }
    newStarts.append(starts[index])
    newEnds.append(ends[index])
    newCountries.append(countries[index])
  }
  (starts, ends, countries) = (newStarts, newEnds, newCountries)
}
