import Orders
import Stage
import Store
import Topics

/// A downward crossing of a SKU's stock, as the cause of a `stock_alert` names it: `SKU@time`.
struct StockCrossing: Hashable {
  let sku: String
  let armedAt: Int64

  /// Nil when the cause names none (decisions of a former version).
  init?(cause: String) {
    guard let at = cause.utf8.lastIndex(of: 0x40), at > cause.startIndex,
      let instant = Instant(rfc3339: String(cause[cause.utf8.index(after: at)...]))
    else { return nil }
    sku = String(cause[..<at])
    armedAt = instant.microseconds
  }
}

/// Which crossings were told in the malls of one partition (docs/design.md, "Stock").
///
/// What was asked for stays in memory until it is durable, and is then read again from the file when needed.
final class CrossingLedger {
  private struct Entry {
    var told: ToldCrossingsValue
    var isTouched = false
  }

  /// Entries that are kept after they have become durable.
  private static let entriesMax = 10_000

  private let state: PartitionState
  private var entries: [[UInt8]: Entry] = [:]
  private var touched: [[UInt8]] = []

  init(_ state: PartitionState) { self.state = state }

  /// Bytes held only because they are not in the file yet, about.
  var dirtyBytes: Int { touched.count * 250 }

  func isTold(_ crossing: StockCrossing, mall: String) throws -> Bool {
    try entry(LedgerKey.bytes(mallId: mall, sku: crossing.sku)).told.contains(crossing.armedAt)
  }

  func tell(_ crossing: StockCrossing, mall: String) throws {
    let key = LedgerKey.bytes(mallId: mall, sku: crossing.sku)
    var entry = try self.entry(key)
    entry.told.insert(crossing.armedAt)
    if !entry.isTouched { touched.append(key) }
    entry.isTouched = true
    entries[key] = entry
  }

  private func entry(_ key: [UInt8]) throws -> Entry {
    if let known = entries[key] { return known }
    var told = ToldCrossingsValue()
    if let stored = try state.get(key) {
      guard let value = ToldCrossingsValue(protobuf: stored) else { throw PartitionStateError.damaged(nil) }
      told = value
    }
    let entry = Entry(told: told)
    entries[key] = entry
    return entry
  }

  func collect(into changes: inout StateChanges, partition: Int32) {
    for key in touched {
      guard var entry = entries[key] else { continue }
      entry.isTouched = false
      entries[key] = entry
      key.withUnsafeBytes { key in
        entry.told.protobuf.withUnsafeBytes { changes.put(partition: partition, key: key, value: $0) }
      }
    }
    touched.removeAll(keepingCapacity: true)
  }

  func persisted() {
    guard entries.count > CrossingLedger.entriesMax else { return }
    entries = entries.filter(\.value.isTouched)
  }
}
