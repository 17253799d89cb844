import Topics

/// One part of a customer's profile as it was told at an instant.
struct DatedPart: Equatable {
  var at: Int64
  /// The grade as UTF-8, or an encoded `HeldCoupons` or `Cart`.
  var bytes: [UInt8]
}

/// The states of one part of a profile, by instant, each instant once.
///
/// Of two that were told of one instant the longer stands, of two as long the one with the higher bytes. Beyond
/// `countMax` or `bytesMax` the oldest go, and nothing of that time and before is taken any more: what is kept does not
/// depend on the order in which the states came.
struct DatedParts: Equatable {
  static let countMax = 64
  static let bytesMax = 64 * 1024

  private(set) var all: [DatedPart] = []
  /// States of this instant and before are not kept.
  private(set) var droppedUntil: Int64?
  private(set) var byteCount = 0

  var isEmpty: Bool { all.isEmpty }
  var latest: DatedPart? { all.last }

  /// False: nothing is changed by it.
  mutating func insert(_ new: DatedPart) -> Bool {
    if let droppedUntil, new.at <= droppedUntil { return false }
    var index = all.count
    while index > 0, new.at < all[index - 1].at { index -= 1 }
    if index > 0, all[index - 1].at == new.at {
      guard Self.stands(new.bytes, over: all[index - 1].bytes) else { return false }
      byteCount += new.bytes.count - all[index - 1].bytes.count
      all[index - 1] = new
    } else {
      all.insert(new, at: index)
      byteCount += new.bytes.count
    }
    while all.count > 1, all.count > Self.countMax || byteCount > Self.bytesMax {
      byteCount -= all[0].bytes.count
      droppedUntil = all.removeFirst().at
    }
    return true
  }

  private static func stands(_ new: [UInt8], over old: [UInt8]) -> Bool {
    if new.count != old.count { return new.count > old.count }
    return compareBytes(old, new) < 0
  }

  /// As told last at the instant.
  func state(at instant: Int64) -> DatedPart? { all.last { $0.at <= instant } }

  // MARK: The changelog record

  /// An encoded `ProfileLedger`.
  var record: [UInt8] {
    var ledger = ProfileLedgerValue()
    ledger.states = all.map { part in
      var state = ProfileLedgerValue.State()
      (state.at, state.part) = (part.at, part.bytes)
      return state
    }
    ledger.droppedUntil = droppedUntil
    return ledger.protobuf
  }

  init() {}

  init(record: [UInt8]) throws(HistoryError) {
    guard let ledger = ProfileLedgerValue(protobuf: record), !ledger.states.isEmpty else {
      throw .malformedRecord
    }
    for state in ledger.states {
      guard insert(DatedPart(at: state.at, bytes: state.part)) else { throw .malformedRecord }
    }
    droppedUntil = ledger.droppedUntil
  }
}
