public import Orders

/// A person lets our rules put a label on an order again (topics/decision.proto). Stands in a `Decision` that says
/// nothing else but whose order it is.
public struct VetoLiftValue: ProtobufValue, Hashable {
  public var label: String = ""
  /// Empty: every rule.
  public var rule: String = ""
  /// Who does it.
  public var by: String = ""
  /// Why. No personal data.
  public var note: String = ""
  /// Wall clock of the act.
  public var at: Instant = Instant(microseconds: 0)

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: label = reader.string()
    case 2: rule = reader.string()
    case 3: by = reader.string()
    case 4: note = reader.string()
    case 5: at = Instant(microseconds: reader.int64())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, label)
    writer.string(2, rule)
    writer.string(3, by)
    writer.string(4, note)
    writer.int64(5, at.microseconds)
  }
}

extension DecisionValue {
  /// The record of a lifted veto. Older than every decision, so that a program that knows of none passes it over.
  public init(lifting lift: VetoLiftValue, of order: OrderIdentity) {
    self.init()
    mallId = order.mallId
    shopNo = order.shopNo
    orderId = order.orderId
    position.partition = -1
    position.offset = -1
    latestVersion = -1
    vetoLift = lift
  }
}
