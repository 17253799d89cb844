import ApplyStage
import Files
import Orders
import Store
import Topics

/// What the ledgers say every item carries: `labels.csv` (facts.md, "The trial run").
struct FinalLabels {
  private(set) var rowsByLabel: [String: Int] = [:]
  private(set) var ordersByLabel: [String: Int] = [:]
  private(set) var rowCount = 0
  /// Rows not yet handed to the file.
  private var lines: [UInt8] = []
  private var desire = UniformDesire()
  private var prefix: [UInt8] = []
  private var head: [UInt8] = []
  /// What stands behind the item's code, label by label.
  private var suffixes: [UInt8] = []
  private var suffixEnds: [Int] = []

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

  func begin(_ file: OutputFile) throws { try file.write(Array(LabelRow.header.utf8)) }

  /// Merges the ledgers, sorted by identity, into the file.
  mutating func write(_ states: [PartitionState], to file: OutputFile) throws {
    try begin(file)
    let sources = try states.map { try Source($0) }
    while true {
      var first: Source?
      for source in sources {
        guard let head = source.head else { continue }
        if let current = first?.head, !head.key.lexicographicallyPrecedes(current.key) { continue }
        first = source
      }
      guard let source = first, let (key, value) = source.head else { return try finish(file) }
      try write(key, value, to: file)
      try source.advance()
    }
  }

  /// The common case: each label once, all on all items of the record's table. Then the rows are the items by the
  /// labels, and are put together from the record's bytes.
  private mutating func appendUniform(_ order: OrderIdentity, _ ledger: UnsafeRawBufferPointer) -> Bool {
    guard desire.read(ledger: ledger) else { return false }
    guard !desire.labels.isEmpty else { return true }
    prefix.removeAll(keepingCapacity: true)
    LabelRow.append(order.mallId, to: &prefix)
    prefix.append(44)
    prefix.append(contentsOf: String(order.shopNo).utf8)
    prefix.append(44)
    LabelRow.append(order.orderId, to: &prefix)
    prefix.append(44)
    suffixes.removeAll(keepingCapacity: true)
    suffixEnds.removeAll(keepingCapacity: true)
    for (place, label) in desire.labels.enumerated() {
      suffixes.append(44)
      LabelRow.append(label, to: &suffixes)
      suffixes.append(44)
      LabelRow.append(joined: desire.rules(of: place), to: &suffixes)
      suffixes.append(10)
      suffixEnds.append(suffixes.count)
      count(label, rows: desire.codes.count)
    }
    for code in desire.codes { appendRows(code) }
    rowCount += desire.codes.count * desire.labels.count
    return true
  }

  /// What stands before the label is the same in all rows of an item.
  private mutating func appendRows(_ code: UnsafeRawBufferPointer) {
    head.removeAll(keepingCapacity: true)
    head.append(contentsOf: prefix)
    LabelRow.append(code, to: &head)
    var start = 0
    for end in suffixEnds {
      lines.append(contentsOf: head)
      suffixes.withUnsafeBufferPointer {
        lines.append(contentsOf: UnsafeBufferPointer(rebasing: $0[start..<end]))
      }
      start = end
    }
  }

  private mutating func count(_ label: UnsafeRawBufferPointer, rows: Int) {
    let name = String(decoding: label, as: UTF8.self)
    rowsByLabel[name, default: 0] += rows
    ordersByLabel[name, default: 0] += 1
  }

  mutating func write(_ key: [UInt8], _ value: [UInt8], to file: OutputFile) throws {
    guard let order = key.withUnsafeBytes({ LedgerKey.identity($0) }) else {
      throw UserError("a ledger record is malformed")
    }
    if !value.withUnsafeBytes({ appendUniform(order, $0) }) {
      guard let ledger = AppliedLedgerValue(protobuf: value) else {
        throw UserError("a ledger record is malformed")
      }
      append(order, ledger)
    }
    if lines.count >= OutputFile.bufferBytes { try writeLines(to: file) }
  }

  private mutating func append(_ order: OrderIdentity, _ ledger: AppliedLedgerValue) {
    var seen: Set<String> = []
    for row in LabelRow.rows(of: order, ledger) {
      row.append(to: &lines)
      rowCount += 1
      rowsByLabel[row.label, default: 0] += 1
      if seen.insert(row.label).inserted { ordersByLabel[row.label, default: 0] += 1 }
    }
  }

  private mutating func writeLines(to file: OutputFile) throws {
    try lines.withUnsafeBytes { try file.write($0) }
    lines.removeAll(keepingCapacity: true)
  }

  /// After the last record.
  mutating func finish(_ file: OutputFile) throws {
    try writeLines(to: file)
    try file.flush()
  }
}
