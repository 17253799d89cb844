import TestKit
import Topics

@testable import History

/// An `EnrichedOrder` taken apart for assertions.
struct ReadRecord: Equatable {
  struct Facts: Equatable {
    var amountItems: Int64 = 0
    var historyKnown = false
    var orders: Int64 = 0
    var amount: Int64 = 0
    var claims: [Int64] = []
    var partners: Int64 = 0
    var partnerIds: [String] = []
    var zones: [String] = []
    var zoneMissing = false
    var country = ""
    var lists: [String] = []
    var itemLists: [UInt64] = []
    var listsMissing: [String] = []
    var stock: [[Int64]] = []
    var stockMissing = false
    var placedHoliday = false
    var paidHoliday = false
    var timed: [Int64] = []
    var aggregates: [Int64?] = []
    var receiverZones: [String] = []
    var grade = ""
    /// Numbers of the coupons held.
    var coupons: [String]?
    /// Product codes.
    var cart: [String]?
  }

  var order = ""
  var n: UInt64 = 0
  var snapshot: [UInt8] = []
  var version: Int64 = 0
  var facts = Facts()
  var latestVersion: Int64 = 0
  var state: Int32 = 0
  var firstSeenClosed = false
  var decidingInstant: Int64 = 0
  var own = false
  var lateSnapshot: [UInt8]?
  var lateFacts: Facts?
  var inputTime: Int64 = 0
  var edition = ""
  /// All fields but position, deciding instant (of an open order), own and the input's time.
  var comparable: [UInt8] = []

  init(_ bytes: UnsafeRawBufferPointer) {
    var reader = ProtobufReader(bytes)
    var kept: [(field: Int, bytes: [UInt8])] = []
    while true {
      let start = reader.offset
      guard reader.next() else { break }
      switch reader.field {
      case 1:
        var position = reader.message()
        while position.next() { if position.field == 4 { n = position.uint64() } else { position.skip() } }
      case 2:
        snapshot = reader.array()
      case 3: facts = Self.facts(reader.message())
      case 4: latestVersion = reader.int64()
      case 5: state = reader.int32()
      case 6: firstSeenClosed = reader.bool()
      case 7: decidingInstant = reader.int64()
      case 8: own = reader.bool()
      case 9: lateSnapshot = reader.array()
      case 10: lateFacts = Self.facts(reader.message())
      case 11: inputTime = reader.int64()
      case 12: edition = reader.string()
      default: reader.skip()
      }
      kept.append((reader.field, [UInt8](bytes[start..<reader.offset])))
    }
    for (field, bytes) in kept {
      if field == 1 || field == 8 || field == 11 || (field == 7 && state == 0) { continue }
      comparable += bytes
    }
    if let summary = try? snapshot.withUnsafeBytes({ try SnapshotSummary($0) }) {
      order = snapshot.withUnsafeBytes { summary.orderId(in: $0) }
      version = summary.version
    }
  }

  private static func facts(_ message: ProtobufReader) -> Facts {
    var reader = message
    var facts = Facts()
    while reader.next() {
      switch reader.field {
      case 1: facts.amountItems = reader.int64()
      case 2: facts.historyKnown = reader.bool()
      case 3: facts.orders = reader.int64()
      case 4: facts.amount = reader.int64()
      case 5: facts.claims.append(numbers(reader.message(), 3)[2])
      case 6: facts.partners = reader.int64()
      case 7: facts.partnerIds.append(reader.string())
      case 8: facts.zones.append(reader.string())
      case 9: facts.zoneMissing = reader.bool()
      case 10: facts.country = reader.string()
      case 11: facts.lists.append(reader.string())
      case 12:
        var packed = ProtobufReader(reader.slice())
        while packed.offset < packed.bytes.count { facts.itemLists.append(packed.varint()) }
      case 13: facts.listsMissing.append(reader.string())
      case 14: facts.stock.append(numbers(reader.message(), 3))
      case 15: facts.stockMissing = reader.bool()
      case 16: facts.placedHoliday = reader.bool()
      case 17: facts.paidHoliday = reader.bool()
      case 18: facts.timed.append(numbers(reader.message(), 3)[2])
      case 20:
        let value: HistoryAggregateValue? = HistoryAggregateValue(protobuf: reader.slice())
        facts.aggregates.append(value?.value)
      case 30: facts.receiverZones.append(reader.string())
      case 31: facts.grade = reader.string()
      case 32: facts.coupons = HeldCouponsValue(protobuf: reader.array())?.coupons.map(\.couponNo)
      case 33: facts.cart = CartValue(protobuf: reader.array())?.lines.map(\.productCode)
      default: reader.skip()
      }
    }
    return facts
  }

  private static func numbers(_ message: ProtobufReader, _ count: Int) -> [Int64] {
    var reader = message
    var values = [Int64](repeating: 0, count: count)
    while reader.next() {
      if reader.wireType == 0, (1...count).contains(reader.field) {
        values[reader.field - 1] = reader.int64()
      } else {
        reader.skip()
      }
    }
    return values
  }
}

/// A history under test: folds and remembers what was last emitted of each order.
final class Bench {
  let folder: HistoryFolder
  var customer: CustomerHistory
  var offset: Int64 = 0
  var last: [String: ReadRecord] = [:]
  /// Of the last fold.
  var emitted: [ReadRecord] = []
  var stored: [[UInt8]: [UInt8]] = [:]

  init(
    _ reference: ReferenceData = .empty, _ demand: FactDemand = FactDemand(),
    customer: CustomerIdentity = SnapshotBuilder("x", at: 0).identity
  ) {
    folder = HistoryFolder(reference: reference, demand: demand)
    self.customer = CustomerHistory(customer: customer)
  }

  @discardableResult
  func fold(_ snapshot: SnapshotBuilder) throws -> [ReadRecord] {
    try taking { position, emit in
      _ = try snapshot.bytes.withUnsafeBytes { bytes in
        try folder.fold(bytes, position: position, into: customer, emit: emit)
      }
    }
  }

  @discardableResult
  func fold(_ context: ContextEventValue) throws -> [ReadRecord] {
    try taking { try folder.fold(context, position: $0, into: customer, emit: $1) }
  }

  @discardableResult
  func fold(_ profile: ProfileEventValue) throws -> [ReadRecord] {
    try taking { try folder.fold(profile, position: $0, into: customer, emit: $1) }
  }

  private func taking(_ fold: (InputPosition, (EmittedRecord) -> Void) throws -> Void) rethrows
    -> [ReadRecord]
  {
    emitted.removeAll()
    offset += 1
    try fold(InputPosition(partition: 3, offset: offset)) { self.emitted.append(ReadRecord($0.bytes)) }
    for record in emitted { last[record.order] = record }
    return emitted
  }

  func facts(_ order: String) -> ReadRecord.Facts { last[order]?.facts ?? ReadRecord.Facts() }

  /// Stores what changed and starts again from the stored records.
  func reload() throws {
    customer.changedRecords { key, value in stored[[UInt8](key)] = [UInt8](value) }
    customer = try CustomerHistory(
      customer: customer.customer, records: stored.map { (key: $0.key, value: $0.value) })
  }
}
