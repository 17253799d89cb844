import Orders
import YAML

extension RuleFileReader {
  mutating func checkKeys(_ node: YAMLNode, _ known: [String], within place: String) {
    guard case .mapping(let mapping) = node.content else {
      report(node.location, "expected \(place), found \(node.kindName)")
      return
    }
    for entry in mapping.entries where !known.contains(entry.key) {
      let guess = closest(to: entry.key, among: known)
      report(
        entry.keyLocation, "unknown key in \(place): \(entry.key.prefix(60))",
        hint: guess.map { "did you mean \($0)?" } ?? "known are \(known.joined(separator: ", "))")
    }
  }

  mutating func text(_ node: YAMLNode) -> String? {
    guard case .scalar(let text, _) = node.content, !node.isNull else {
      report(node.location, "expected text, found \(node.kindName)")
      return nil
    }
    guard text.utf8.count <= 4_000 else {
      report(node.location, "the text is longer than 4000 bytes")
      return nil
    }
    return text
  }

  mutating func optionalText(_ node: YAMLNode?) -> String? {
    guard let node else { return nil }
    return text(node)
  }

  /// A condition: quoted and plain scalars, and `true` or a number, which the checker then judges.
  mutating func sourceText(_ node: YAMLNode?) -> SourceText? {
    guard let node else { return nil }
    guard case .scalar(let text, let style) = node.content else {
      report(node.location, "expected a condition, found \(node.kindName)")
      return nil
    }
    let shift = style == .plain ? 0 : 1
    return SourceText(text: text, file: node.file, line: node.line, column: node.column + shift)
  }

  mutating func choice(_ node: YAMLNode, _ values: [String], of place: String) -> String? {
    guard let value = text(node) else { return nil }
    if values.contains(value) { return value }
    let guess = closest(to: value, among: values)
    report(
      node.location, "unknown \(place): \(value.prefix(60))",
      hint: guess.map { "did you mean \($0)?" } ?? "one of \(values.joined(separator: ", "))")
    return nil
  }

  mutating func instant(_ node: YAMLNode) -> Instant? {
    guard let value = text(node) else { return nil }
    if let instant = Instant(rfc3339: value) { return instant }
    report(node.location, "expected a time with offset", hint: "for example \"2026-10-10T00:00:00+09:00\"")
    return nil
  }

  // MARK: Actions

  static let actionKeys = [
    "labels", "alert", "gift", "mark", "hold", "memo", "surcharge", "stock_alert",
  ]

  mutating func readActions(_ node: YAMLNode, into actions: inout Rule.Actions) {
    checkKeys(node, RuleFileReader.actionKeys, within: "then")
    if let labels = node["labels"] { actions.labels = readLabels(labels) }
    if let alert = node["alert"] {
      checkKeys(alert, ["channel", "text"], within: "alert")
      actions.alertChannel = shortText(alert["channel"], Rule.Actions.nameBytesMax) ?? "default"
      actions.alertText = optionalText(alert["text"]) ?? ""
    }
    actions.gift = flag(node["gift"])
    actions.surcharge = flag(node["surcharge"])
    actions.stockAlert = flag(node["stock_alert"])
    if let mark = node["mark"] { readMark(mark, into: &actions) }
    if let hold = optionalText(node["hold"]) { actions.hold = hold }
    actions.memo = shortText(node["memo"], Rule.Actions.memoBytesMax)
  }

  /// `mark: NAME` or `mark: {name: NAME, team: TEAM}`.
  private mutating func readMark(_ node: YAMLNode, into actions: inout Rule.Actions) {
    guard case .mapping = node.content else {
      actions.mark = shortText(node, Rule.Actions.markBytesMax)
      return
    }
    checkKeys(node, ["name", "team"], within: "mark")
    actions.mark = shortText(node["name"], Rule.Actions.markBytesMax)
    actions.markTeam = shortText(node["team"], Rule.Actions.nameBytesMax)
    if node["name"] == nil { report(node.location, "a mark needs a name", hint: "mark: {name: …, team: …}") }
  }

  private mutating func flag(_ node: YAMLNode?) -> Bool {
    guard let node else { return false }
    if let value = try? node.asBool() { return value }
    report(node.location, "expected true or false, found \(node.kindName)")
    return false
  }

  /// Nil without a node, and with a report when it is empty or longer than `bytesMax`.
  private mutating func shortText(_ node: YAMLNode?, _ bytesMax: Int) -> String? {
    guard let node, let value = text(node) else { return nil }
    if value.isEmpty || value.utf8.count > bytesMax {
      report(node.location, value.isEmpty ? "the text is empty" : "the text is longer than \(bytesMax) bytes")
      return nil
    }
    return value
  }

  static let labelsMax = 20
  static let labelBytesMax = 100

  private mutating func readLabels(_ node: YAMLNode) -> [String] {
    guard case .sequence(let nodes) = node.content else {
      report(node.location, "expected a list of labels, found \(node.kindName)")
      return []
    }
    if nodes.count > RuleFileReader.labelsMax {
      report(node.location, "more than \(RuleFileReader.labelsMax) labels")
    }
    var labels: [String] = []
    for labelNode in nodes.prefix(RuleFileReader.labelsMax) {
      guard let label = text(labelNode) else { continue }
      if let fault = RuleFileReader.fault(ofLabel: label) {
        report(labelNode.location, fault, hint: "labels are sent to the shop as they are")
      } else if labels.contains(where: { $0.utf8.elementsEqual(label.utf8) }) {
        report(labelNode.location, "the label stands twice")
      } else {
        labels.append(label)
      }
    }
    return labels.sorted(by: bytesPrecede)
  }

  /// Why the shop could not take a label (cafe24-api.md 4.4): `,` separates names in its filter, `/ ? # %` stand in
  /// the path of the call that removes it.
  static func fault(ofLabel label: String) -> String? {
    if label.isEmpty || label.unicodeScalars.allSatisfy(\.properties.isWhitespace) {
      return "a label is empty"
    }
    if label.utf8.count > labelBytesMax { return "a label is longer than \(labelBytesMax) bytes" }
    for scalar in label.unicodeScalars {
      if ",/?#%".unicodeScalars.contains(scalar) { return "a label must not contain \(scalar)" }
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: return "a label must not contain control characters"
      default: break
      }
    }
    if label.unicodeScalars.first?.properties.isWhitespace == true
      || label.unicodeScalars.last?.properties.isWhitespace == true
    {
      return "a label must not begin or end with a space"
    }
    return nil
  }
}
