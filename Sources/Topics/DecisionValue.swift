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
  /// The record is no decision but a person's act.
  public var vetoLift: VetoLiftValue?

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
    case 22: vetoLift = reader.value()
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
    if let vetoLift { writer.value(22, vetoLift) }
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
        let (label, items) = ItemTable.readLabel(DesiredLabelValue(), reader.message(), &outer)
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
    ItemTable.resolve(indexes, in: table, of: &labels)
  }

  private func writeDesired(into writer: inout ProtobufWriter) {
    ItemTable.write(labels, into: &writer)
    writer.values(3, actions)
    writer.uint64(4, UInt64(state.rawValue))
    writer.bool(5, firstSeenClosed)
    writer.bool(6, tooLate)
  }
}
