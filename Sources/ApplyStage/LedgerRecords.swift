public import Topics

/// What of the ledger of one partition is in memory and not, or older, in its file; sorted by key. Handed over whole: its former owner is done with it.
public struct LedgerRecords: @unchecked Sendable {
  private let entries: [(key: [UInt8], entry: LedgerEntry)]

  /// Nothing of the ledger is in the file.
  public let isWhole: Bool

  init(_ entries: [(key: [UInt8], entry: LedgerEntry)], isWhole: Bool) {
    self.isWhole = isWhole
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
