public import Orders

/// How an order stands, as last known; cancelled: every item is.
public enum OrderState: UInt8, Sendable, CaseIterable {
  case open = 0
  case shipped = 1
  case cancelled = 2

  /// A number that this version does not know reads as the first case.
  init(wire: UInt64) { self = OrderState(rawValue: UInt8(clamping: wire)) ?? .open }
}

/// Value of topic `orders.enriched`: one snapshot at its deciding instant with its facts (topics/enriched.proto).
public struct EnrichedOrderValue: ProtobufValue {
  public var position = Position()
  /// The state at T(X), without ip.
  public var snapshot: OrderSnapshotValue?
  public var facts: FactsValue?
  /// Highest version folded of this order.
  public var latestVersion: Int64 = 0
  public var state: OrderState = OrderState(wire: 0)
  public var firstSeenClosed: Bool = false
  /// T(X).
  public var decidingInstant: Instant = Instant(microseconds: 0)
  /// The input was a snapshot of this very order, not of a sibling.
  public var own: Bool = false
  /// Shipped, and changed after: what would have been decided on.
  public var lateSnapshot: OrderSnapshotValue?
  public var lateFacts: FactsValue?
  /// For latency and timelines.
  public var inputEventTime: Instant = Instant(microseconds: 0)
  /// Editions of the reference data used.
  public var factsEdition: String = ""

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: reader.merge(into: &position)
    case 2: snapshot = reader.value()
    case 3: facts = reader.value()
    case 4: latestVersion = reader.int64()
    case 5: state = OrderState(wire: reader.uint64())
    case 6: firstSeenClosed = reader.bool()
    case 7: decidingInstant = Instant(microseconds: reader.int64())
    case 8: own = reader.bool()
    case 9: lateSnapshot = reader.value()
    case 10: lateFacts = reader.value()
    case 11: inputEventTime = Instant(microseconds: reader.int64())
    case 12: factsEdition = reader.string()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.value(1, position)
    if let snapshot { writer.value(2, snapshot) }
    if let facts { writer.value(3, facts) }
    writer.int64(4, latestVersion)
    writer.uint64(5, UInt64(state.rawValue))
    writer.bool(6, firstSeenClosed)
    writer.int64(7, decidingInstant.microseconds)
    writer.bool(8, own)
    if let lateSnapshot { writer.value(9, lateSnapshot) }
    if let lateFacts { writer.value(10, lateFacts) }
    writer.int64(11, inputEventTime.microseconds)
    writer.string(12, factsEdition)
  }
}
