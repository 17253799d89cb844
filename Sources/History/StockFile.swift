import Orders

/// Levels of several stock files as one: an import adds levels, so that a crossing keeps its name and orders placed
/// before it keep theirs.
public struct StockFile {
  /// CSV, sorted by SKU and time.
  public private(set) var bytes: [UInt8] = []
  public private(set) var problems: [ReferenceProblem] = []
  public private(set) var problemCount = 0
  public private(set) var rowCount = 0

  /// Of two levels of one SKU and instant, the later file's counts.
  ///
  /// Left out are levels older than the newest of all by more than `keptDays`, but for each SKU's last one before that,
  /// and the one that names its crossing.
  public init(merging files: [(name: String, bytes: [UInt8])], keptDays: Int) {
    var builder = ReferenceBuilder()
    for file in files {
      file.bytes.withUnsafeBytes { builder.add(.stock, $0, file: file.name) }
    }
    let table = builder.stockRows?.table() ?? StockTable()
    problems = builder.problems
    problemCount = builder.problemCount
    let newest = table.levels.map(\.asOf).max() ?? 0
    let cut = newest - Int64(keptDays) * 86_400_000_000
    bytes = Array("sku,quantity,safety,as_of\n".utf8)
    let names = (0..<table.codes.count).map { Array(table.codes.code($0)) }
    for code in names.indices.sorted(by: { names[$0].lexicographicallyPrecedes(names[$1]) }) {
      append(names[code], table.levels[Int(table.firsts[code])..<Int(table.firsts[code + 1])], cut)
    }
  }

  private mutating func append(_ sku: [UInt8], _ levels: ArraySlice<StockTable.Level>, _ cut: Int64) {
    let last = levels.last { $0.asOf < cut }
    for (place, level) in zip(levels.indices, levels) {
      // A later file's level of the same instant follows.
      if place + 1 < levels.endIndex, levels[place + 1].asOf == level.asOf { continue }
      let isNamer = level.asOf == last?.armedAt
      guard level.asOf >= cut || level.asOf == last?.asOf || isNamer else { continue }
      StockFile.appendField(sku, to: &bytes)
      bytes += ",\(level.quantity),\(level.safety),\(Instant(microseconds: level.asOf).rfc3339())\n".utf8
      rowCount += 1
    }
  }

  private static func appendField(_ text: [UInt8], to bytes: inout [UInt8]) {
    guard text.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 10 || $0 == 13 }) else {
      bytes += text
      return
    }
    bytes.append(0x22)
    for byte in text { bytes += byte == 0x22 ? [0x22, 0x22] : [byte] }
    bytes.append(0x22)
  }
}
