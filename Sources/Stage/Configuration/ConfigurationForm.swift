internal import YAML

/// Reads what a key's form asks for, from a node of a file or the text of an environment variable.
enum ConfigurationForm {
  static func value(_ node: YAMLNode, _ form: ConfigurationKey.Form) -> ConfigurationValue? {
    switch form {
    case .text, .choice:
      guard case .scalar(let text, _) = node.content else { return nil }
      return .text(text)
    case .integer: return (try? node.asInt()).map { .integer($0) }
    case .boolean: return (try? node.asBool()).map { .boolean($0) }
    case .list:
      guard case .sequence(let nodes) = node.content else { return nil }
      var items: [String] = []
      for node in nodes {
        guard let text = try? node.asString() else { return nil }
        items.append(text)
      }
      return .list(items)
    case .map:
      guard case .mapping(let mapping) = node.content else { return nil }
      var pairs: [ConfigurationPair] = []
      for entry in mapping.entries {
        guard let text = try? entry.value.asString() else { return nil }
        pairs.append(.init(entry.key, text))
      }
      return .map(pairs)
    }
  }

  static func value(_ text: String, _ form: ConfigurationKey.Form) -> ConfigurationValue? {
    let items = text.split(separator: ",").map { trimmed($0) }
    switch form {
    case .text, .choice: return .text(text)
    case .integer: return Int(trimmed(text[...])).map { .integer($0) }
    case .boolean:
      switch text.lowercased() {
      case "true", "1": return .boolean(true)
      case "false", "0": return .boolean(false)
      default: return nil
      }
    case .list: return .list(items)
    case .map:
      var pairs: [ConfigurationPair] = []
      for item in items {
        guard let equals = item.firstIndex(of: "="), equals > item.startIndex else { return nil }
        let name = String(item[..<equals])
        guard !pairs.contains(where: { $0.name == name }) else { return nil }
        pairs.append(.init(name, String(item[item.index(after: equals)...])))
      }
      return .map(pairs)
    }
  }

  static func isAllowed(_ value: ConfigurationValue, _ form: ConfigurationKey.Form) -> Bool {
    switch (form, value) {
    case (.text(let bytesMax, let mayBeEmpty), .text(let text)):
      text.utf8.count <= bytesMax && (mayBeEmpty || !text.isEmpty) && isClean(text)
    case (.choice(let choices), .text(let text)): choices.contains(text)
    case (.integer(let range), .integer(let number)): range.contains(number)
    case (.boolean, .boolean): true
    case (.list(let countMax), .list(let items)):
      items.count <= countMax && items.allSatisfy { !$0.isEmpty && isClean($0) }
    case (.map(let countMax), .map(let pairs)):
      pairs.count <= countMax
        && pairs.allSatisfy { !$0.name.isEmpty && isClean($0.name) && isClean($0.value) }
    default: false
    }
  }

  /// A scalar's text for a problem; what is no scalar is named by its kind.
  static func shown(_ node: YAMLNode) -> String {
    guard case .scalar(let text, let style) = node.content else { return node.kindName }
    return style == .quoted ? "\"\(text)\"" : text
  }

  /// No control characters: nothing that could end a C string or a line.
  private static func isClean(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
