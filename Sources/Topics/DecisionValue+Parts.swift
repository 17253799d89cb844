public import Orders

/// A label that an order should carry.
public struct DesiredLabelValue: ProtobufValue {
  public var label: String = ""
  /// Sorted ids of the rules that want it.
  public var rules: [String] = []
  /// Sorted.
  public var itemCodes: [String] = []
  /// Some of those rules says `on_cancel: keep`.
  public var keepOnCancel: Bool = false

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: label = reader.string()
    case 2: rules.append(reader.string())
    case 4: keepOnCancel = reader.bool()
    default: reader.skip()
    }
  }

  /// Label and rules; the items stand as indexes beside the order's table (`DecisionValue`).
  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, label)
    writer.strings(2, rules)
  }
}

extension DesiredLabelValue: ItemLabelled {
  func writeRest(into writer: inout ProtobufWriter) { writer.bool(4, keepOnCancel) }
}

/// An effect other than a label that a rule asks for.
public struct DesiredActionValue: ProtobufValue {
  /// `alert`, `gift`, `mark`, `hold`.
  public var kind: String = ""
  public var rule: String = ""
  /// One effect per (rule, order, cause).
  public var cause: String = ""
  /// No personal data.
  public var text: String = ""
  /// Of alerts; empty: the default one.
  public var channel: String = ""
  /// Of marks: the team they are for.
  public var team: String = ""

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: kind = reader.string()
    case 2: rule = reader.string()
    case 3: cause = reader.string()
    case 4: text = reader.string()
    case 5: channel = reader.string()
    case 6: team = reader.string()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, kind)
    writer.string(2, rule)
    writer.string(3, cause)
    writer.string(4, text)
    writer.string(5, channel)
    writer.string(6, team)
  }
}

/// The facts that the terms were decided on (`FactValues` of topics/decision.proto); never personal data.
public struct FactsDigestValue: ProtobufValue {
  public var amountItems: Int64 = 0
  public var historyKnown: Bool = false
  public var historyOrders: Int64 = 0
  public var historyAmount: Int64 = 0
  public var claimCounts: [ClaimCountValue] = []
  public var bundlePartners: Int64 = 0
  public var zones: [String] = []
  public var zoneMissing: Bool = false
  public var ipCountry: String = ""
  public var paymentStatus: String = ""
  public var paymentMethods: [String] = []
  /// Lists that some live item is on.
  public var lists: [String] = []
  public var listsMissing: [String] = []
  /// Smallest (after − safety) over items with a known level.
  public var stockMargin: Int64?
  public var paidAt: Instant?
  public var bundleOrderIds: [String] = []
  public var timed: [TimedFactValue] = []
  public var aggregates: [HistoryAggregateValue] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: amountItems = reader.int64()
    case 2: historyKnown = reader.bool()
    case 3: historyOrders = reader.int64()
    case 4: historyAmount = reader.int64()
    case 5: claimCounts.append(reader.value())
    case 6: bundlePartners = reader.int64()
    case 7: zones.append(reader.string())
    case 8: zoneMissing = reader.bool()
    case 9: ipCountry = reader.string()
    case 10: paymentStatus = reader.string()
    case 11: paymentMethods.append(reader.string())
    case 12: lists.append(reader.string())
    case 13: listsMissing.append(reader.string())
    case 14: stockMargin = reader.int64()
    case 15: paidAt = Instant(microseconds: reader.int64())
    case 16: bundleOrderIds.append(reader.string())
    case 17: timed.append(reader.value())
    case 20: aggregates.append(reader.value())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.int64(1, amountItems)
    writer.bool(2, historyKnown)
    writer.int64(3, historyOrders)
    writer.int64(4, historyAmount)
    writer.values(5, claimCounts)
    writer.int64(6, bundlePartners)
    writer.strings(7, zones)
    writer.bool(8, zoneMissing)
    writer.string(9, ipCountry)
    writer.string(10, paymentStatus)
    writer.strings(11, paymentMethods)
    writer.strings(12, lists)
    writer.strings(13, listsMissing)
    writer.optionalInt64(14, stockMargin)
    writer.optionalInt64(15, paidAt?.microseconds)
    writer.strings(16, bundleOrderIds)
    writer.values(17, timed)
    writer.values(20, aggregates)
  }
}
