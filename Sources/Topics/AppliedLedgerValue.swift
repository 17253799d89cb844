/// Value of the changelog `apply.ledger`: what was put on one order (topics/ledger.proto).
public struct AppliedLedgerValue: ProtobufValue {
  /// Last decision acted on.
  public var position = Position()
  public var latestVersion: Int64 = 0
  public var labels: [AppliedLabelValue] = []
  /// (rule, kind, cause) of alerts and marks already done.
  public var effects: [String] = []
  public var ruleSet: String = ""
  /// By label, rules and items.
  public var vetoes: [LabelVetoValue] = []
  /// What the last decision asks for of labels with a veto: what is put on when the veto is lifted.
  public var asked: [AppliedLabelValue] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: reader.merge(into: &position)
    case 2: latestVersion = reader.int64()
    case 3: AppliedLedgerValue.take(reader.message(), into: &labels, &reader)
    case 4: effects.append(reader.string())
    case 5: ruleSet = reader.string()
    case 7: vetoes.append(reader.value())
    case 8: AppliedLedgerValue.take(reader.message(), into: &asked, &reader)
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.value(1, position)
    writer.int64(2, latestVersion)
    AppliedLedgerValue.write(labels, as: 3, into: &writer)
    writer.strings(4, effects)
    writer.string(5, ruleSet)
    writer.values(7, vetoes)
    AppliedLedgerValue.write(asked, as: 8, into: &writer)
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
    case 4: keepOnCancel = reader.bool()
    case 5: foreignItemCodes.append(reader.string())
    default: reader.skip()
    }
  }

  /// Label and rules; the items stand as indexes beside the order's table (`AppliedLedgerValue`).
  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, label)
    writer.strings(2, rules)
  }
}

extension AppliedLabelValue: ItemLabelled {
  func writeRest(into writer: inout ProtobufWriter) {
    writer.bool(4, keepOnCancel)
    writer.strings(5, foreignItemCodes)
  }
}

/// A person took off a label that these rules had put on: they do not put it on this order again (D4).
public struct LabelVetoValue: ProtobufValue {
  public var label: String = ""
  /// Sorted.
  public var rules: [String] = []
  /// Sorted; empty: all items of the order, those that come later too.
  public var itemCodes: [String] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: label = reader.string()
    case 2: rules.append(reader.string())
    case 3: itemCodes.append(reader.string())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, label)
    writer.strings(2, rules)
    writer.strings(3, itemCodes)
  }
}

extension AppliedLedgerValue {
  private static func take(
    _ message: ProtobufReader, into labels: inout [AppliedLabelValue], _ outer: inout ProtobufReader
  ) {
    var reader = message
    var table: [String] = []
    var indexes: [[UInt64]] = []
    while reader.next() {
      switch reader.field {
      case 1: table.append(reader.string())
      case 2:
        let (label, items) = ItemTable.readLabel(AppliedLabelValue(), reader.message(), &outer)
        labels.append(label)
        indexes.append(items)
      default: reader.skip()
      }
    }
    if reader.failed { outer.fail() }
    ItemTable.resolve(indexes, in: table, of: &labels)
  }

  private static func write(
    _ labels: [AppliedLabelValue], as field: Int, into writer: inout ProtobufWriter
  ) {
    guard !labels.isEmpty else { return }
    let outer = writer.beginMessage(field)
    ItemTable.write(labels, into: &writer)
    writer.endMessage(outer)
  }
}
