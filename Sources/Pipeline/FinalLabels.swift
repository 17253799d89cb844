import ApplyStage
import Orders
import Store
import Topics

/// What the ledgers say every item carries: `labels.csv` (facts.md, "The trial run").
struct FinalLabels {
  private(set) var rowsByLabel: [String: Int] = [:]
  private(set) var ordersByLabel: [String: Int] = [:]
  private(set) var rowCount = 0

  /// One open ledger file, read in the order of its keys.
  private final class Source {
    let state: PartitionState
    private var waiting: [(key: [UInt8], value: [UInt8])] = []
    private var next = 0
    private var last: [UInt8]?
    private static let chunk = 512

    init(_ state: PartitionState) throws {
      self.state = state
      try fill()
    }

    var head: (key: [UInt8], value: [UInt8])? { next < waiting.count ? waiting[next] : nil }

    func advance() throws {
      next += 1
      if next == waiting.count { try fill() }
    }

    private func fill() throws {
      waiting.removeAll(keepingCapacity: true)
      next = 0
      try state.page(after: last, limit: Source.chunk) { key, value in
        waiting.append(([UInt8](key), [UInt8](value)))
      }
      last = waiting.last?.key
    }
  }

  /// Merges the ledgers, sorted by identity, into the file.
  mutating func write(_ states: [PartitionState], to file: OutputFile) throws {
    try file.write(Array(LabelRow.header.utf8))
    let sources = try states.map { try Source($0) }
    while true {
      var first: Source?
      for source in sources {
        guard let head = source.head else { continue }
        if let current = first?.head, !head.key.lexicographicallyPrecedes(current.key) { continue }
        first = source
      }
      guard let source = first, let (key, value) = source.head else { return try file.flush() }
      try write(key, value, to: file)
      try source.advance()
    }
  }

  /// The common case: each label once, all on the same items. Then the rows are the items by the labels.
  private mutating func writeUniform(
    _ order: OrderIdentity, _ ledger: AppliedLedgerValue, to file: OutputFile
  ) throws -> Bool {
    guard let first = ledger.labels.first else { return true }
    for place in ledger.labels.indices.dropFirst() {
      let label = ledger.labels[place]
      guard bytesPrecede(ledger.labels[place - 1].label, label.label), label.itemCodes == first.itemCodes
      else { return false }
    }
    var prefix: [UInt8] = []
    LabelRow.append(order.mallId, to: &prefix)
    prefix.append(44)
    prefix.append(contentsOf: String(order.shopNo).utf8)
    prefix.append(44)
    LabelRow.append(order.orderId, to: &prefix)
    prefix.append(44)
    let suffixes = ledger.labels.map { label in
      var suffix: [UInt8] = [44]
      LabelRow.append(label.label, to: &suffix)
      suffix.append(44)
      LabelRow.append(label.rules.joined(separator: "|"), to: &suffix)
      suffix.append(10)
      return suffix
    }
    var lines: [UInt8] = []
    lines.reserveCapacity(first.itemCodes.count * suffixes.count * (prefix.count + 64))
    for code in first.itemCodes {
      for suffix in suffixes {
        lines.append(contentsOf: prefix)
        LabelRow.append(code, to: &lines)
        lines.append(contentsOf: suffix)
      }
    }
    try file.write(lines)
    rowCount += first.itemCodes.count * suffixes.count
    for label in ledger.labels {
      rowsByLabel[label.label, default: 0] += first.itemCodes.count
      ordersByLabel[label.label, default: 0] += 1
    }
    return true
  }

  mutating func write(_ key: [UInt8], _ value: [UInt8], to file: OutputFile) throws {
    guard let order = key.withUnsafeBytes({ LedgerKey.identity($0) }),
      let ledger = AppliedLedgerValue(protobuf: value)
    else { throw UserError("a ledger record is malformed") }
    if try writeUniform(order, ledger, to: file) { return }
    var line: [UInt8] = []
    var seen: Set<String> = []
    for row in LabelRow.rows(of: order, ledger) {
      line.removeAll(keepingCapacity: true)
      row.append(to: &line)
      try file.write(line)
      rowCount += 1
      rowsByLabel[row.label, default: 0] += 1
      if seen.insert(row.label).inserted { ordersByLabel[row.label, default: 0] += 1 }
    }
  }
}
