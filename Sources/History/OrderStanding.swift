import Topics

/// What a pass over all orders of a customer needs of each, side by side in memory.
struct OrderStanding: Equatable {
  /// Of the latest state; one read from a record has the receiver's fingerprint only while the order is open.
  var latest: Contribution
  /// Event time of the latest state.
  var latestSince: Int64
  /// Since when the order has given to sums what its latest state gives: event time of that state or an earlier one.
  var sumsSince: Int64
  /// T(X), `.max` while open.
  var cut: Int64
  var isFirstSeenClosed: Bool
  /// The latest event time of any state, those included that came too late to be the order's state.
  var lastEventTime: Int64

  init(
    latest: Contribution, latestSince: Int64, sumsSince: Int64, cut: Int64, isFirstSeenClosed: Bool,
    lastEventTime: Int64
  ) {
    self.latest = latest
    self.latestSince = latestSince
    self.sumsSince = sumsSince
    self.cut = cut
    self.isFirstSeenClosed = isFirstSeenClosed
    self.lastEventTime = lastEventTime
  }

  // MARK: The changelog record

  /// Writes the fields of a `LedgerStanding`; times as differences to the one before.
  func write(to writer: inout ProtobufWriter) {
    writer.int64(1, latest.placedAt)
    writer.int64(2, latestSince &- latest.placedAt)
    if cut < .max { writer.presentUInt64(3, Self.zigzag(latestSince &- cut)) }
    writer.bool(4, isFirstSeenClosed)
    writer.int64(5, lastEventTime &- latestSince)
    writer.int64(6, latest.netAmount)
    writer.uint64(7, UInt64(latest.currencyCode))
    writer.uint64(8, UInt64(latest.flags.rawValue))
    writer.int64(11, sumsSince &- latest.placedAt)
    // A closed order is nobody's partner.
    guard latest.flags.contains(.open) else { return }
    writer.fixed64(9, latest.fingerprintHigh)
    writer.fixed64(10, latest.fingerprintLow)
  }

  /// Of a stored `LedgerStanding`.
  init(stored bytes: UnsafeRawBufferPointer) throws(HistoryError) {
    var latest = Contribution()
    var since: Int64 = 0
    var sums: Int64 = 0
    var beforeSince: Int64?
    var last: Int64 = 0
    var isFirstSeenClosed = false
    var reader = ProtobufReader(bytes)
    while reader.next() {
      switch reader.field {
      case 1: latest.placedAt = reader.int64()
      case 2: since = reader.int64()
      case 3: beforeSince = Self.unzigzag(reader.uint64())
      case 4: isFirstSeenClosed = reader.bool()
      case 5: last = reader.int64()
      case 6: latest.netAmount = reader.int64()
      case 7: latest.currencyCode = UInt32(truncatingIfNeeded: reader.uint64())
      case 8: latest.flags = Contribution.Flags(rawValue: UInt8(truncatingIfNeeded: reader.uint64()))
      case 9: latest.fingerprintHigh = reader.fixed64()
      case 11: sums = reader.int64()
      case 10: latest.fingerprintLow = reader.fixed64()
      default: reader.skip()
      }
    }
    guard !reader.failed else { throw .malformedRecord }
    let latestSince = latest.placedAt &+ since
    self.latestSince = latestSince
    sumsSince = latest.placedAt &+ sums
    self.latest = latest
    cut = beforeSince.map { latestSince &- $0 } ?? .max
    self.isFirstSeenClosed = isFirstSeenClosed
    lastEventTime = latestSince &+ last
  }

  private static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }

  private static func unzigzag(_ value: UInt64) -> Int64 {
    Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }
}
