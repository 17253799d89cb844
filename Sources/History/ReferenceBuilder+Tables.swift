import Orders

struct ZoneRow {
  var from: Int32
  var to: Int32
  var region: String
  var file: String
  var line: Int
}

extension ReferenceBuilder {
  mutating func addZones(_ bytes: UnsafeRawBufferPointer, _ file: String) {
    if zoneRows == nil { zoneRows = [] }
    var rows = CSVRows(bytes)
    guard let columns = columns(&rows, ["from_zip", "to_zip", "region"], file) else { return }
    forEachRow(&rows, file) { builder, row in
      guard let from = row.field(columns[0], ZoneTable.fiveDigits),
        let to = row.field(columns[1], ZoneTable.fiveDigits), from <= to
      else {
        builder.report(
          file, row.line, "from_zip and to_zip of five digits, the first not above the second",
          "a spreadsheet may have taken away leading zeros")
        return
      }
      let region = row.string(columns[2])
      guard !region.isEmpty else {
        builder.report(file, row.line, "a region", "such as 제주 or 도서산간")
        return
      }
      builder.zoneRows?.append(ZoneRow(from: from, to: to, region: region, file: file, line: row.line))
    }
  }

  mutating func buildZones(_ rows: [ZoneRow]) -> ZoneTable {
    var table = ZoneTable()
    var indexes: [String: Int32] = [:]
    let sorted = rows.enumerated().sorted {
      ($0.element.from, $0.offset) < ($1.element.from, $1.offset)
    }
    for (_, row) in sorted {
      if let end = table.ends.last, row.from <= end {
        report(
          row.file, row.line, "zip ranges that do not overlap",
          "this range begins inside another and was left out")
        continue
      }
      let index = indexes[row.region] ?? Int32(table.regions.count)
      if indexes.updateValue(index, forKey: row.region) == nil {
        table.regions.append(ResolvedZones(names: [row.region], isMissing: false))
      }
      table.starts.append(row.from)
      table.ends.append(row.to)
      table.regionIndexes.append(index)
    }
    return table
  }

  mutating func addHolidays(_ bytes: UnsafeRawBufferPointer, _ file: String) {
    if holidays == nil { holidays = [] }
    var rows = CSVRows(bytes)
    guard let columns = columns(&rows, ["date"], file) else { return }
    forEachRow(&rows, file) { builder, row in
      guard let date = row.field(columns[0], Self.civilDate) else {
        builder.report(file, row.line, "a date as YYYY-MM-DD", "dates that do not exist are refused")
        return
      }
      builder.holidays?.insert(date)
    }
  }

  static func civilDate(_ text: UnsafeRawBufferPointer) -> CivilDate? {
    guard text.count == 10, text[4] == 45, text[7] == 45 else { return nil }
    func number(_ range: Range<Int>) -> Int? {
      var value = 0
      for byte in text[range] {
        guard byte >= 48, byte <= 57 else { return nil }
        value = value * 10 + Int(byte - 48)
      }
      return value
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10) else { return nil }
    return CivilDate(year: year, month: month, day: day)
  }

  static func instant(_ text: UnsafeRawBufferPointer) -> Int64? {
    text.withMemoryRebound(to: UInt8.self) { Instant(rfc3339: $0)?.microseconds }
  }

  /// A whole number, with a sign perhaps; within ± 10¹⁵, so that no later sum can overflow.
  static func integer(_ text: UnsafeRawBufferPointer) -> Int64? {
    let isNegative = text.first == 45
    let start = isNegative ? 1 : 0
    guard text.count > start, text.count - start <= 15 else { return nil }
    var value: Int64 = 0
    for byte in text[start...] {
      guard byte >= 48, byte <= 57 else { return nil }
      value = value * 10 + Int64(byte - 48)
    }
    return isNegative ? -value : value
  }
}
