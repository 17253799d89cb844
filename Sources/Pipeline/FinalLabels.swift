import ApplyStage
import Files
import Orders
import Store
import Topics

/// What the ledgers say every item carries: `labels.csv` (facts.md, "The trial run").
struct FinalLabels {
  struct Counts: Sendable {
    var rowsByLabel: [String: Int] = [:]
    var ordersByLabel: [String: Int] = [:]
    var rows = 0

    mutating func add(_ other: Counts) {
      rows += other.rows
      rowsByLabel.merge(other.rowsByLabel, uniquingKeysWith: +)
      ordersByLabel.merge(other.ordersByLabel, uniquingKeysWith: +)
    }
  }

  private(set) var counts = Counts()
  /// Of one order that is not uniform.
  private var lines: [UInt8] = []
  private var desire = UniformDesire()
  private var prefix: [UInt8] = []
  private var codeField: [UInt8] = []
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

  /// Merges the ledgers, sorted by identity, into the file: what is in memory stands over what is in the files.
  mutating func write(_ memory: [LedgerRecords], over files: [PartitionState], to file: OutputFile) throws {
    try begin(file)
    if files.isEmpty {
      counts.add(try LabelChunks(memory).write(to: file))
      return try finish(file)
    }
    let sources = try files.map { try Source($0) }
    var places = memory.map { _ in 0 }
    var writer = ProtobufWriter(capacity: 4096)
    while true {
      var newest: (ledger: Int, key: [UInt8])?
      for (index, ledger) in memory.enumerated() where places[index] < ledger.count {
        let key = ledger.key(places[index])
        if let current = newest?.key, !key.lexicographicallyPrecedes(current) { continue }
        newest = (index, key)
      }
      var stored: Source?
      for source in sources {
        guard let head = source.head else { continue }
        if let current = stored?.head, !head.key.lexicographicallyPrecedes(current.key) { continue }
        stored = source
      }
      if let (key, value) = stored?.head, newest.map({ key.lexicographicallyPrecedes($0.key) }) ?? true {
        try key.withUnsafeBytes { key in try value.withUnsafeBytes { try write(key, $0, to: file) } }
        try stored?.advance()
        continue
      }
      guard let (index, key) = newest else { return try finish(file) }
      writer.removeAll()
      memory[index].write(places[index], into: &writer)
      try key.withUnsafeBytes { key in try writer.withUnsafeBytes { try write(key, $0, to: file) } }
      places[index] += 1
      // The same order, as it was before.
      if stored?.head?.key == key { try stored?.advance() }
    }
  }

  /// The common case: each label once, all on all items of the record's table. Then the rows are the items by the
  /// labels, and are put together from the record's bytes.
  private mutating func appendUniform(
    _ order: OrderIdentity, _ ledger: UnsafeRawBufferPointer, to file: some RowSink
  ) throws -> Bool {
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
    for code in desire.codes { try appendRows(code, to: file) }
    counts.rows += desire.codes.count * desire.labels.count
    return true
  }

  /// What stands before the label is the same in all rows of an item.
  private mutating func appendRows(_ code: UnsafeRawBufferPointer, to file: some RowSink) throws {
    codeField.removeAll(keepingCapacity: true)
    LabelRow.append(code, to: &codeField)
    let length = (prefix.count + codeField.count) * suffixEnds.count + suffixes.count
    try prefix.withUnsafeBytes { prefix in
      try codeField.withUnsafeBytes { code in
        try suffixes.withUnsafeBytes { suffixes in
          try file.append(atMost: length) { room in
            var next = FinalLabels.Cursor(room: room)
            var start = 0
            for end in suffixEnds {
              next.put(prefix)
              next.put(code)
              next.put(UnsafeRawBufferPointer(rebasing: suffixes[start..<end]))
              start = end
            }
            return room.distance(to: next.room)
          }
        }
      }
    }
  }

  /// Where the next byte goes.
  private struct Cursor {
    var room: UnsafeMutableRawPointer

    @inline(__always) mutating func put(_ bytes: UnsafeRawBufferPointer) {
      guard let start = bytes.baseAddress else { return }
      room.copyMemory(from: start, byteCount: bytes.count)
      room += bytes.count
    }
  }

  private mutating func count(_ label: UnsafeRawBufferPointer, rows: Int) {
    let name = String(decoding: label, as: UTF8.self)
    counts.rowsByLabel[name, default: 0] += rows
    counts.ordersByLabel[name, default: 0] += 1
  }

  mutating func write(
    _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, to file: some RowSink
  ) throws {
    guard LedgerKey.isOfOrder(key) else { return }
    guard let order = LedgerKey.identity(key) else { throw UserError("a ledger record is malformed") }
    if try appendUniform(order, value, to: file) { return }
    guard let ledger = AppliedLedgerValue(protobuf: value) else {
      throw UserError("a ledger record is malformed")
    }
    append(order, ledger)
    try lines.withUnsafeBytes { try file.write($0) }
    lines.removeAll(keepingCapacity: true)
  }

  private mutating func append(_ order: OrderIdentity, _ ledger: AppliedLedgerValue) {
    var seen: Set<String> = []
    for row in LabelRow.rows(of: order, ledger) {
      row.append(to: &lines)
      counts.rows += 1
      counts.rowsByLabel[row.label, default: 0] += 1
      if seen.insert(row.label).inserted { counts.ordersByLabel[row.label, default: 0] += 1 }
    }
  }

  /// After the last record.
  func finish(_ file: OutputFile) throws { try file.flush() }
}
