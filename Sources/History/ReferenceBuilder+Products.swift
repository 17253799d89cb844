import Orders

/// Rows of `lists.csv` before they are put in the order of their codes.
struct ListRows {
  var names: [String] = []
  var nameIndexes: [String: Int32] = [:]
  var codes = CodeTable()
  var rows: [(code: Int32, entry: ListTable.Entry)] = []

  mutating func list(_ name: String) -> Int32 {
    if let known = nameIndexes[name] { return known }
    let index = Int32(names.count)
    names.append(name)
    nameIndexes[name] = index
    return index
  }

  func table() -> ListTable {
    var table = ListTable()
    table.names = names
    table.codes = codes
    let sorted = rows.enumerated().sorted { ($0.element.code, $0.offset) < ($1.element.code, $1.offset) }
    table.entries = sorted.map(\.element.entry)
    table.firsts = firsts(of: sorted.map(\.element.code), codeCount: codes.count)
    return table
  }
}

/// Rows of `stock.csv`.
struct StockRows {
  var codes = CodeTable()
  var rows: [(code: Int32, level: StockTable.Level)] = []

  /// Of two levels of one SKU and instant, the later line counts.
  func table() -> StockTable {
    var table = StockTable()
    table.codes = codes
    let sorted = rows.enumerated().sorted {
      ($0.element.code, $0.element.level.asOf, $0.offset)
        < ($1.element.code, $1.element.level.asOf, $1.offset)
    }
    table.levels = sorted.map(\.element.level)
    table.firsts = firsts(of: sorted.map(\.element.code), codeCount: codes.count)
    table.nameCrossings()
    return table
  }
}

/// Where each code's rows begin, with one more number for the end.
private func firsts(of sortedCodes: [Int32], codeCount: Int) -> [Int32] {
  var firsts = [Int32](repeating: 0, count: codeCount + 1)
  for code in sortedCodes { firsts[Int(code) + 1] += 1 }
  for index in 0..<codeCount { firsts[index + 1] += firsts[index] }
  return firsts
}

extension ReferenceBuilder {
  /// Different lists that a file may name.
  public static let listNamesMax = 10_000

  mutating func addLists(_ bytes: UnsafeRawBufferPointer, _ file: String) {
    if listRows == nil { listRows = ListRows() }
    var rows = CSVRows(bytes)
    guard let columns = columns(&rows, ["list", "sku", "valid_from", "valid_to"], file) else { return }
    forEachRow(&rows, file) { builder, row in
      let name = row.string(columns[0])
      guard !name.isEmpty, row.field(columns[1], { !$0.isEmpty }) else {
        builder.report(file, row.line, "a list and a sku", "the sku may be a product code")
        return
      }
      guard let from = row.field(columns[2], { $0.isEmpty ? .min : Self.instant($0) }),
        let to = row.field(columns[3], { $0.isEmpty ? .max : Self.instant($0) })
      else {
        builder.report(
          file, row.line, "valid_from and valid_to as RFC 3339 with an offset, or empty",
          "such as 2026-10-01T00:00:00+09:00")
        return
      }
      if from >= to {
        builder.report(file, row.line, "valid_from before valid_to", "the entry would never be valid")
        return
      }
      builder.appendList(name, row, columns[1], from, to, file)
    }
  }

  private mutating func appendList(
    _ name: String, _ row: CSVRows, _ codeColumn: Int, _ from: Int64, _ to: Int64, _ file: String
  ) {
    guard var lists = listRows else { return }
    listRows = nil
    defer { listRows = lists }
    guard lists.names.count < Self.listNamesMax || lists.nameIndexes[name] != nil else {
      report(file, row.line, "at most \(Self.listNamesMax) lists", "the row was left out")
      return
    }
    let list = lists.list(name)
    let code = row.field(codeColumn) { lists.codes.insert($0) }
    lists.rows.append((Int32(code), ListTable.Entry(list: list, from: from, to: to)))
  }

  mutating func addStock(_ bytes: UnsafeRawBufferPointer, _ file: String) {
    if stockRows == nil { stockRows = StockRows() }
    var rows = CSVRows(bytes)
    guard let columns = columns(&rows, ["sku", "quantity", "safety", "as_of"], file) else { return }
    forEachRow(&rows, file) { builder, row in
      guard row.field(columns[0], { !$0.isEmpty }) else {
        builder.report(file, row.line, "a sku", "the row names none")
        return
      }
      guard let quantity = row.field(columns[1], Self.integer),
        let safety = row.field(columns[2], { $0.isEmpty ? 0 : Self.integer($0) })
      else {
        builder.report(
          file, row.line, "quantity and safety as whole numbers of at most 15 digits",
          "no thousands separators")
        return
      }
      guard let asOf = row.field(columns[3], Self.instant) else {
        builder.report(
          file, row.line, "as_of as RFC 3339 with an offset", "such as 2026-10-01T00:00:00+09:00")
        return
      }
      guard let code = row.field(columns[0], { builder.stockRows?.codes.insert($0) }) else { return }
      builder.stockRows?.rows.append(
        (Int32(code), StockTable.Level(asOf: asOf, quantity: quantity, safety: safety)))
    }
  }
}
