/// Which claims a count is of.
public enum ClaimScope: UInt8, Sendable, CaseIterable {
  case returns = 0
  case returnsOrExchanges = 1

  /// A number that this version does not know reads as the first case.
  init(wire: UInt64) { self = ClaimScope(rawValue: UInt8(clamping: wire)) ?? .returns }
}

/// Other orders of the customer with a completed claim within some months.
public struct ClaimCountValue: ProtobufValue {
  public var scope: ClaimScope = ClaimScope(wire: 0)
  public var months: Int32 = 0
  public var count: Int64 = 0

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: scope = ClaimScope(wire: reader.uint64())
    case 2: months = reader.int32()
    case 3: count = reader.int64()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.uint64(1, UInt64(scope.rawValue))
    writer.int32(2, months)
    writer.int64(3, count)
  }
}

/// A fresh stock level of one item.
public struct StockLevelValue: ProtobufValue {
  public var itemIndex: Int32 = 0
  public var after: Int64 = 0
  public var safety: Int64 = 0
  /// Microseconds; names the downward crossing that the level may belong to (topics/enriched.proto).
  public var armedAt: Int64 = 0

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: itemIndex = reader.int32()
    case 2: after = reader.int64()
    case 3: safety = reader.int64()
    case 4: armedAt = reader.int64()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.int32(1, itemIndex)
    writer.int64(2, after)
    writer.int64(3, safety)
    writer.int64(4, armedAt)
  }
}

/// A fact with a span of time that a rule names (`TimedFact` of topics/enriched.proto).
public struct TimedFactValue: ProtobufValue {
  /// 0 duplicates, 1 unpaid, 2 gift address, 3 unshipped, 4 purchase, 5 coupon, 6 cart.
  public var kind: Int32 = 0
  public var spanUs: Int64 = 0
  /// A count; of what can be overdue 0 or 1.
  public var value: Int64 = 0
  /// SKU or product code as UTF-8; empty: any.
  public var code: [UInt8] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: kind = reader.int32()
    case 2: spanUs = reader.int64()
    case 3: value = reader.int64()
    case 4: code = [UInt8](reader.slice())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.int32(1, kind)
    writer.int64(2, spanUs)
    writer.int64(3, value)
    writer.bytes(4, code)
  }
}

/// The facts of one order (facts.md, "Facts").
public struct FactsValue: ProtobufValue {
  /// Minor units; live, non-gift items.
  public var amountItems: Int64 = 0
  /// False: no customer key, all history facts are missing.
  public var historyKnown: Bool = false
  public var historyOrders: Int64 = 0
  /// Minor units.
  public var historyAmount: Int64 = 0
  public var claimCounts: [ClaimCountValue] = []
  public var bundlePartners: Int64 = 0
  /// At most 20.
  public var bundleOrderIds: [String] = []
  /// Distinct, of all receivers whose zone is known; `none` is a value.
  public var zones: [String] = []
  /// There is no receiver, or one without zip and address.
  public var zoneMissing: Bool = false
  /// Empty = missing.
  public var ipCountry: String = ""
  /// Lists that the rules ask for and that were imported.
  public var lists: [String] = []
  /// Per item of the snapshot: bit i = on `lists[i]`; 0 for items not live or gift lines.
  public var itemLists: [UInt64] = []
  /// Asked for, never imported.
  public var listsMissing: [String] = []
  /// Only of items whose level is known and fresh.
  public var stock: [StockLevelValue] = []
  /// Some live item has no known level.
  public var stockMissing: Bool = false
  public var placedHoliday: Bool = false
  /// Civil date of the payment, else of the order, is in the holiday table.
  public var paidHoliday: Bool = false
  public var timed: [TimedFactValue] = []
  public var aggregates: [HistoryAggregateValue] = []
  /// Of an order with several receivers: the zone of each; empty = missing.
  public var receiverZones: [String] = []
  /// Of the customer's profile at T(X); empty = missing.
  public var customerGrade: String = ""
  /// Nil = missing.
  public var heldCoupons: HeldCouponsValue?
  /// Nil = missing.
  public var cart: CartValue?

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: amountItems = reader.int64()
    case 2: historyKnown = reader.bool()
    case 3: historyOrders = reader.int64()
    case 4: historyAmount = reader.int64()
    case 5: claimCounts.append(reader.value())
    case 6: bundlePartners = reader.int64()
    case 7: bundleOrderIds.append(reader.string())
    case 8: zones.append(reader.string())
    case 9: zoneMissing = reader.bool()
    case 10: ipCountry = reader.string()
    case 11: lists.append(reader.string())
    case 12: reader.append(to: &itemLists)
    case 13: listsMissing.append(reader.string())
    case 14: stock.append(reader.value())
    case 15: stockMissing = reader.bool()
    case 16: placedHoliday = reader.bool()
    case 17: paidHoliday = reader.bool()
    case 18: timed.append(reader.value())
    case 20: aggregates.append(reader.value())
    case 30: receiverZones.append(reader.string())
    case 31: customerGrade = reader.string()
    case 32: heldCoupons = reader.value()
    case 33: cart = reader.value()
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
    writer.strings(7, bundleOrderIds)
    writer.strings(8, zones)
    writer.bool(9, zoneMissing)
    writer.string(10, ipCountry)
    writer.strings(11, lists)
    writer.packed(12, itemLists)
    writer.strings(13, listsMissing)
    writer.values(14, stock)
    writer.bool(15, stockMissing)
    writer.bool(16, placedHoliday)
    writer.bool(17, paidHoliday)
    writer.values(18, timed)
    writer.values(20, aggregates)
    writer.strings(30, receiverZones)
    writer.string(31, customerGrade)
    if let heldCoupons { writer.value(32, heldCoupons) }
    if let cart { writer.value(33, cart) }
  }
}
