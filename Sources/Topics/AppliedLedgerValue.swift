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
    case 3: takeLabels(reader.message(), &reader)
    case 4: effects.append(reader.string())
    case 5: ruleSet = reader.string()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.value(1, position)
    writer.int64(2, latestVersion)
    writeLabels(into: &writer)
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

extension AppliedLedgerValue {
  private mutating func takeLabels(_ message: ProtobufReader, _ outer: inout ProtobufReader) {
    var reader = message
    var table: [String] = []
    var indexes: [[UInt64]] = []
    while reader.next() {
      switch reader.field {
      case 1: table.append(reader.string())
      case 2:
        var label = AppliedLabelValue()
        var items: [UInt64] = []
        var nested = reader.message()
        while nested.next() {
          if nested.field == 3 { nested.append(to: &items) } else { label.take(&nested) }
        }
        if nested.failed { outer.fail() }
        labels.append(label)
        indexes.append(items)
      default: reader.skip()
      }
    }
    if reader.failed { outer.fail() }
    for place in labels.indices.suffix(indexes.count) {
      labels[place].itemCodes = ItemTable.codes(
        table, at: indexes[place - (labels.count - indexes.count)])
    }
  }

  private func writeLabels(into writer: inout ProtobufWriter) {
    guard !labels.isEmpty else { return }
    let outer = writer.beginMessage(3)
    let table = ItemTable.table(of: labels.map(\.itemCodes))
    writer.strings(1, table)
    for label in labels {
      let start = writer.beginMessage(2)
      label.write(into: &writer)
      writer.packed(3, ItemTable.indexes(of: label.itemCodes, in: table))
      writer.bool(4, label.keepOnCancel)
      writer.strings(5, label.foreignItemCodes)
      writer.endMessage(start)
    }
    writer.endMessage(outer)
  }
}
