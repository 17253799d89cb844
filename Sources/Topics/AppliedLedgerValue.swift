/// Value of the changelog `apply.ledger`: what was put on one order (topics/ledger.proto).
public struct AppliedLedgerValue: ProtobufValue {
  /// Last decision acted on.
  public var position = Position()
  public var latestVersion: Int64 = 0
  public var labels: [AppliedLabelValue] = []
  /// (rule, kind, cause) of alerts and marks already done.
  public var effects: [String] = []
  public var ruleSet: String = ""

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: reader.merge(into: &position)
    case 2: latestVersion = reader.int64()
    case 3: labels.append(reader.value())
    case 4: effects.append(reader.string())
    case 5: ruleSet = reader.string()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.value(1, position)
    writer.int64(2, latestVersion)
    writer.values(3, labels)
    writer.strings(4, effects)
    writer.string(5, ruleSet)
  }
}

/// A label that apply put on an order.
public struct AppliedLabelValue: ProtobufValue {
  public var label: String = ""
  public var rules: [String] = []
  public var itemCodes: [String] = []
  public var keepOnCancel: Bool = false
  /// Items that a person had labelled so before us: never withdrawn.
  public var foreignItemCodes: [String] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: label = reader.string()
    case 2: rules.append(reader.string())
    case 3: itemCodes.append(reader.string())
    case 4: keepOnCancel = reader.bool()
    case 5: foreignItemCodes.append(reader.string())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, label)
    writer.strings(2, rules)
    writer.strings(3, itemCodes)
    writer.bool(4, keepOnCancel)
    writer.strings(5, foreignItemCodes)
  }
}
