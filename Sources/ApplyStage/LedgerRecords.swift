public import Topics

/// The ledger of one partition out of memory, sorted by key. Handed over whole: its former owner is done with it.
public struct LedgerRecords: @unchecked Sendable {
  private let entries: [(key: [UInt8], entry: LedgerEntry)]

  init(_ entries: [(key: [UInt8], entry: LedgerEntry)]) {
    self.entries = entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
  }

  public var count: Int { entries.count }

  /// `LedgerKey` of the record.
  public func key(_ place: Int) -> [UInt8] { entries[place].key }

  /// Appends the record (`AppliedLedger` of topics/ledger.proto).
  public func write(_ place: Int, into writer: inout ProtobufWriter) {
    entries[place].entry.write(into: &writer)
  }
}
