import Orders

/// Item codes of one order, written once; labels speak of them by index, and by nothing when they mean all.
enum ItemTable {
  static func codes(_ table: [String], at indexes: [UInt64]) -> [String] {
    if indexes.isEmpty { return table }
    return indexes.compactMap { $0 < UInt64(table.count) ? table[Int($0)] : nil }
  }

  /// All codes, sorted by bytes. Sets that are the same array cost nothing.
  static func table(of sets: [[String]]) -> [String] {
    guard let first = sets.first else { return [] }
    if sets.allSatisfy({ $0 == first }) { return first }
    var table: [String] = []
    for code in sets.joined().sorted(by: bytesPrecede) where table.last != code { table.append(code) }
    return table
  }

  /// Empty when the codes are the whole table.
  static func indexes(of codes: [String], in table: [String]) -> [UInt64] {
    if codes == table { return [] }
    return codes.compactMap { code in table.firstIndex(of: code).map { UInt64($0) } }
  }

  // MARK: Messages whose fields 1 and 2 are a table and labels on its items

  /// A label of field 2 with its indexes; malformed bytes fail `outer`.
  static func readLabel<Label: ItemLabelled>(
    _ empty: Label, _ message: ProtobufReader, _ outer: inout ProtobufReader
  ) -> (label: Label, indexes: [UInt64]) {
    var label = empty
    var indexes: [UInt64] = []
    var reader = message
    while reader.next() {
      if reader.field == 3 { reader.append(to: &indexes) } else { label.take(&reader) }
    }
    if reader.failed { outer.fail() }
    return (label, indexes)
  }

  /// Gives the labels read last their item codes.
  static func resolve(_ indexes: [[UInt64]], in table: [String], of labels: inout [some ItemLabelled]) {
    let start = labels.count - indexes.count
    for (place, wanted) in indexes.enumerated() {
      labels[start + place].itemCodes = codes(table, at: wanted)
    }
  }

  static func write(_ labels: [some ItemLabelled], into writer: inout ProtobufWriter) {
    let table = table(of: labels.map(\.itemCodes))
    writer.strings(1, table)
    for label in labels {
      let start = writer.beginMessage(2)
      label.write(into: &writer)
      writer.packed(3, indexes(of: label.itemCodes, in: table))
      label.writeRest(into: &writer)
      writer.endMessage(start)
    }
  }
}

/// A label that stands beside a table of item codes.
protocol ItemLabelled: ProtobufValue {
  var itemCodes: [String] { get set }
  /// Fields behind the items' indexes.
  func writeRest(into writer: inout ProtobufWriter)
}
