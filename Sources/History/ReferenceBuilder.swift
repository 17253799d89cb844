import Orders

/// Reads reference files from bytes, keeps what is sound, and lists what is not.
///
/// Several files of one kind add up. Starting from existing data, the first file of a kind replaces that kind, so
/// that a new stock list does not cost another reading of the IP ranges.
public struct ReferenceBuilder {
  /// Problems kept in full; the others are only counted.
  public static let problemsMax = 200
  /// Rows taken of one file other than `geo.csv`.
  public static let rowsMax = 4_000_000

  public private(set) var problems: [ReferenceProblem] = []
  public private(set) var problemCount = 0

  var zoneRows: [ZoneRow]?
  var listRows: ListRows?
  var stockRows: StockRows?
  var holidays: Set<CivilDate>?
  var geoRows: GeoRows?
  private let base: ReferenceData?
  private var hashes = [UInt64](repeating: 0, count: ReferenceKind.allCases.count)
  private var isTouched = [Bool](repeating: false, count: ReferenceKind.allCases.count)

  public init(startingFrom base: ReferenceData? = nil) {
    self.base = base
  }

  /// Adds one file. `name` is used in problems only.
  public mutating func add(_ kind: ReferenceKind, _ bytes: UnsafeRawBufferPointer, file name: String) {
    isTouched[kind.rawValue] = true
    hashes[kind.rawValue] &+= ContentHash.of(bytes)
    switch kind {
    case .zones: addZones(bytes, name)
    case .lists: addLists(bytes, name)
    case .stock: addStock(bytes, name)
    case .holidays: addHolidays(bytes, name)
    case .geo: addGeo(bytes, name)
    }
  }

  /// Sorts, looks for overlaps (which join `problems`) and freezes. `edition`: a name given to it.
  public mutating func build(edition: String? = nil) -> ReferenceData {
    let zones = zoneRows.map { buildZones($0) } ?? base?.zones ?? ZoneTable()
    let lists = listRows.map { $0.table() } ?? base?.lists ?? ListTable()
    let stock = stockRows.map { $0.table() } ?? base?.stock ?? StockTable()
    let geo: GeoTable
    if var rows = geoRows {
      geoRows = nil
      geo = rows.table { file, line, isIPv6 in
        self.report(
          file, line, "ranges that do not overlap",
          "this \(isIPv6 ? "IPv6" : "IPv4") range begins inside another and was left out")
      }
    } else {
      geo = base?.geo ?? GeoTable()
    }
    let kept = ReferenceKind.allCases.map { kind in
      isTouched[kind.rawValue] ? hashes[kind.rawValue] : base?.contentHashes[kind.rawValue] ?? 0
    }
    return ReferenceData(
      zones: zones, lists: lists, stock: stock, holidays: holidays ?? base?.holidays ?? [], geo: geo,
      contentHashes: kept, edition: edition)
  }

  mutating func report(_ file: String, _ line: Int, _ expected: String, _ hint: String) {
    problemCount += 1
    guard problems.count < Self.problemsMax else { return }
    problems.append(ReferenceProblem(file: file, line: line, expected: expected, hint: hint))
  }

  /// Reads the header row; nil, with a problem, when a column that is needed is absent.
  mutating func columns(_ rows: inout CSVRows, _ needed: [String], _ file: String) -> [Int]? {
    guard rows.next() else { return nil }
    var indexes: [Int] = []
    for name in needed {
      guard let index = rows.column(name) else {
        report(
          file, rows.line, "a header with the columns \(needed.joined(separator: ","))",
          "column \(name) is absent; the whole file was left out")
        return nil
      }
      indexes.append(index)
    }
    return indexes
  }

  /// Calls `body` for each sound row.
  mutating func forEachRow(
    _ rows: inout CSVRows, _ file: String, _ body: (inout ReferenceBuilder, CSVRows) -> Void
  ) {
    var count = 0
    while rows.next() {
      count += 1
      guard count <= Self.rowsMax else {
        report(file, rows.line, "at most \(Self.rowsMax) rows", "the rest of the file was left out")
        return
      }
      if rows.isMalformed {
        report(
          file, rows.line, "fields in RFC 4180 quoting",
          "a quote is not closed, text follows one, or there are more than \(CSVRows.fieldsMax) fields")
        continue
      }
      body(&self, rows)
    }
  }
}
