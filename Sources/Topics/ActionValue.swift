public import Orders

/// Value of topic `actions`: one record per side effect (topics/action.proto).
public struct ActionValue: ProtobufValue {
  public var mallId: String = ""
  public var shopNo: Int32 = 0
  public var orderId: String = ""
  /// `label.added`, `label.removed`, `alert.sent`, `gift.marked`, `gift.unmarked`, `too_late` …
  public var kind: String = ""
  public var label: String = ""
  public var itemCodes: [String] = []
  public var rules: [String] = []
  public var cause: String = ""
  /// `done`, `already`, `foreign`, `failed: <class>`.
  public var result: String = ""
  /// `passflow`.
  public var by: String = ""
  /// Wall clock of the effect.
  public var at: Instant = Instant(microseconds: 0)
  /// `Position.description` of the decision.
  public var decisionId: String = ""
  public var ruleSet: String = ""

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: mallId = reader.string()
    case 2: shopNo = reader.int32()
    case 3: orderId = reader.string()
    case 4: kind = reader.string()
    case 5: label = reader.string()
    case 6: itemCodes.append(reader.string())
    case 7: rules.append(reader.string())
    case 8: cause = reader.string()
    case 9: result = reader.string()
    case 10: by = reader.string()
    case 11: at = Instant(microseconds: reader.int64())
    case 12: decisionId = reader.string()
    case 13: ruleSet = reader.string()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, mallId)
    writer.int32(2, shopNo)
    writer.string(3, orderId)
    writer.string(4, kind)
    writer.string(5, label)
    writer.strings(6, itemCodes)
    writer.strings(7, rules)
    writer.string(8, cause)
    writer.string(9, result)
    writer.string(10, by)
    writer.int64(11, at.microseconds)
    writer.string(12, decisionId)
    writer.string(13, ruleSet)
  }
}
