public import Orders
public import Topics

/// A line of `labels.csv`: a label on an item, and the rules that want it there (facts.md, "The trial run").
public struct LabelRow: Hashable, Sendable, Comparable {
  public var order: OrderIdentity
  public var itemCode: String
  public var label: String
  /// Ids sorted by bytes, joined by `|`.
  public var rules: String

  public static let header = "mall_id,shop_no,order_id,item_code,label,rules\n"

  /// Labels of one order, by item code and label as bytes: orders sorted by identity give a sorted file.
  public static func rows(of order: OrderIdentity, _ ledger: AppliedLedgerValue) -> [LabelRow] {
    var rows: [LabelRow] = []
    // Entries of a label stand side by side; an item may be in several of them.
    var start = 0
    while start < ledger.labels.count {
      let label = ledger.labels[start].label
      var end = start + 1
      while end < ledger.labels.count, sameText(ledger.labels[end].label, label) { end += 1 }
      let entries = ledger.labels[start..<end]
      for code in SortedStrings.union(entries.map(\.itemCodes)) {
        let rules = SortedStrings.union(
          entries.filter { SortedStrings.contains($0.itemCodes, code) }.map(\.rules))
        rows.append(
          LabelRow(order: order, itemCode: code, label: label, rules: rules.joined(separator: "|")))
      }
      start = end
    }
    return rows.sorted()
  }

  /// Column by column as bytes.
  public static func < (left: LabelRow, right: LabelRow) -> Bool {
    if left.order != right.order { return left.order < right.order }
    if left.itemCode != right.itemCode { return bytesPrecede(left.itemCode, right.itemCode) }
    if !sameText(left.label, right.label) { return bytesPrecede(left.label, right.label) }
    return bytesPrecede(left.rules, right.rules)
  }

  /// Appends the line with its line feed, fields quoted where RFC 4180 asks for it.
  public func append(to bytes: inout [UInt8]) {
    LabelRow.append(order.mallId, to: &bytes)
    bytes.append(44)
    bytes.append(contentsOf: String(order.shopNo).utf8)
    for field in [order.orderId, itemCode, label, rules] {
      bytes.append(44)
      LabelRow.append(field, to: &bytes)
    }
    bytes.append(10)
  }

  /// One field, quoted where it must be.
  public static func append(_ field: String, to bytes: inout [UInt8]) {
    var copy = field
    copy.withUTF8 { append(UnsafeRawBufferPointer($0), to: &bytes) }
  }

  /// Rule ids as one field.
  public static func append(joined rules: ArraySlice<UnsafeRawBufferPointer>, to bytes: inout [UInt8]) {
    guard rules.allSatisfy(isPlain) else {
      let texts = rules.map { String(decoding: $0, as: UTF8.self) }
      return append(texts.joined(separator: "|"), to: &bytes)
    }
    for (place, rule) in rules.enumerated() {
      if place > 0 { bytes.append(124) }
      bytes.append(contentsOf: rule)
    }
  }

  private static func isPlain(_ field: UnsafeRawBufferPointer) -> Bool {
    for byte in field where byte == 44 || byte == 34 || byte == 10 || byte == 13 { return false }
    return true
  }

  /// One field of UTF-8 bytes, quoted where it must be.
  public static func append(_ field: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
    if isPlain(field) {
      bytes.append(contentsOf: field)
      return
    }
    bytes.append(34)
    for byte in field {
      if byte == 34 { bytes.append(34) }
      bytes.append(byte)
    }
    bytes.append(34)
  }
}
