public import Orders

/// What a rule said of an order: three-valued (invariant 5).
public enum RuleOutcome: UInt8, Sendable, CaseIterable {
  case `false` = 0
  case `true` = 1
  case unknown = 2

  /// A number that this version does not know reads as the first case.
  init(wire: UInt64) { self = RuleOutcome(rawValue: UInt8(clamping: wire)) ?? .false }
}

/// Value of topic `decisions`: what one order should carry, and why (topics/decision.proto).
public struct DecisionValue: ProtobufValue {
  public var mallId: String = ""
  public var shopNo: Int32 = 0
  public var orderId: String = ""
  /// Of the input on `orders`.
  public var position = Position()
  /// Version of the snapshot decided on.
  public var version: Int64 = 0
  public var latestVersion: Int64 = 0
  /// Content hash of the rule set, hex.
  public var ruleSet: String = ""
  /// Sorted by label bytes.
  public var labels: [DesiredLabelValue] = []
  public var actions: [DesiredActionValue] = []
  /// Per rule of the set, in its order: raw value of `RuleOutcome`.
  public var outcomes: [UInt8] = []
  /// Per rule: 1 + index of the first false or unknown term of its conjunction, 0 = none.
  public var terms: [UInt8] = []
  /// Facts that unknown rules wait for, sorted.
  public var pendingOn: [String] = []
  public var facts: FactsDigestValue?
  public var state: OrderState = OrderState(wire: 0)
  /// The input was a snapshot of this very order, not of a sibling.
  public var own: Bool = false
  /// A change after shipment would have changed the labels.
  public var tooLate: Bool = false
  public var placedAt: Instant = Instant(microseconds: 0)
  public var inputEventTime: Instant = Instant(microseconds: 0)
  public var currency: String = ""
  public var firstSeenClosed: Bool = false
  /// Only where the reader has no rule set at hand; never on the topic.
  public var ruleIds: [String] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: mallId = reader.string()
    case 2: shopNo = reader.int32()
    case 3: orderId = reader.string()
    case 4: reader.merge(into: &position)
    case 5: version = reader.int64()
    case 6: latestVersion = reader.int64()
    case 7: ruleSet = reader.string()
    case 8: takeDesired(reader.message(), &reader)
    case 10: outcomes = reader.array()
    case 11: terms = reader.array()
    case 12: pendingOn.append(reader.string())
    case 13: facts = reader.value()
    case 15: own = reader.bool()
    case 17: placedAt = Instant(microseconds: reader.int64())
    case 18: inputEventTime = Instant(microseconds: reader.int64())
    case 19: currency = reader.string()
    case 21: ruleIds.append(reader.string())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, mallId)
    writer.int32(2, shopNo)
    writer.string(3, orderId)
    writer.value(4, position)
    writer.int64(5, version)
    writer.int64(6, latestVersion)
    writer.string(7, ruleSet)
    let desired = writer.beginMessage(8)
    writeDesired(into: &writer)
    writer.endMessage(desired)
    writer.bytes(10, outcomes)
    writer.bytes(11, terms)
    writer.strings(12, pendingOn)
    if let facts { writer.value(13, facts) }
    writer.bool(15, own)
    writer.int64(17, placedAt.microseconds)
    writer.int64(18, inputEventTime.microseconds)
    writer.string(19, currency)
    writer.strings(21, ruleIds)
  }
}

extension DecisionValue {
  private mutating func takeDesired(_ message: ProtobufReader, _ outer: inout ProtobufReader) {
    var reader = message
    var table: [String] = []
    var indexes: [[UInt64]] = []
    while reader.next() {
      switch reader.field {
      case 1: table.append(reader.string())
      case 2:
        var label = DesiredLabelValue()
        var items: [UInt64] = []
        var nested = reader.message()
        while nested.next() {
          if nested.field == 3 { nested.append(to: &items) } else { label.take(&nested) }
        }
        if nested.failed { outer.fail() }
        labels.append(label)
        indexes.append(items)
      case 3: actions.append(reader.value())
      case 4: state = OrderState(wire: reader.uint64())
      case 5: firstSeenClosed = reader.bool()
      case 6: tooLate = reader.bool()
      default: reader.skip()
      }
    }
    if reader.failed { outer.fail() }
    for place in labels.indices.suffix(indexes.count) {
      labels[place].itemCodes = ItemTable.codes(
        table, at: indexes[place - (labels.count - indexes.count)])
    }
  }

  private func writeDesired(into writer: inout ProtobufWriter) {
    let table = ItemTable.table(of: labels.map(\.itemCodes))
    writer.strings(1, table)
    for label in labels {
      let start = writer.beginMessage(2)
      label.write(into: &writer)
      writer.packed(3, ItemTable.indexes(of: label.itemCodes, in: table))
      writer.bool(4, label.keepOnCancel)
      writer.endMessage(start)
    }
    writer.values(3, actions)
    writer.uint64(4, UInt64(state.rawValue))
    writer.bool(5, firstSeenClosed)
    writer.bool(6, tooLate)
  }
}

/// Item codes of one order, written once; labels speak of them by index, and by nothing when they mean all.
enum ItemTable {
  static func codes(_ table: [String], at indexes: [UInt64]) -> [String] {
    if indexes.isEmpty { return table }
    return indexes.compactMap { $0 < UInt64(table.count) ? table[Int($0)] : nil }
  }

  /// All codes, sorted by bytes. Sets that are the same array cost nothing.
  static func table(of sets: [[String]]) -> [String] {
    guard let first = sets.first else { return [] }
    if sets.allSatisfy({ $0 == first }) { return first }
    var table: [String] = []
    for code in sets.joined().sorted(by: bytesPrecede) where table.last != code { table.append(code) }
    return table
  }

  /// Empty when the codes are the whole table.
  static func indexes(of codes: [String], in table: [String]) -> [UInt64] {
    if codes == table { return [] }
    return codes.compactMap { code in table.firstIndex(of: code).map { UInt64($0) } }
  }
}
