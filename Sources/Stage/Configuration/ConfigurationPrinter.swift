/// Writes configurations for people and for files.
public enum ConfigurationPrinter {
  private static let lineMax = 100

  /// The default file: every key, its default, its range and its variable.
  public static func defaultFile(_ schema: ConfigurationSchema) -> String {
    var text = """
      # passflow-\(schema.stage): every key with its default. `passflow-\(schema.stage) --check-config` checks a file.
      # Each key can be overridden by the environment variable named above it; lists are separated by commas,
      # mappings are name=value pairs separated by commas.

      """
    for section in schema.sections {
      text += "\n\(section):\n"
      for (index, key) in schema.keys.filter({ $0.section == section }).enumerated() {
        if index > 0 { text += "\n" }
        text += wrapped(key.about, prefix: "  # ")
        text += "  # \(sentence(key.allowed)); \(key.environmentName)\(key.isSecret ? "; secret" : "")\n"
        text += "  \(key.name): \(yaml(key.fallback))\n"
      }
    }
    return text
  }

  /// One line a key: path, value and where it came from. Secrets are only said to be set or not.
  public static func effective(_ schema: ConfigurationSchema, _ values: ConfigurationValues) -> String {
    var text = ""
    for key in schema.keys {
      let value = values.value(key)
      let shown = key.isSecret ? masked(value) : yaml(value)
      text += "\(key.path): \(shown)  # \(values.source(key).text ?? "default")\n"
    }
    return text
  }

  /// A value within a line.
  static func inline(_ value: ConfigurationValue) -> String {
    switch value {
    case .text(let text): text
    case .integer(let number): "\(number)"
    case .boolean(let value): "\(value)"
    case .list(let items): items.joined(separator: ",")
    case .map(let pairs): pairs.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
    }
  }

  private static func masked(_ value: ConfigurationValue) -> String {
    switch value {
    case .text(""), .list([]), .map([]): "(not set)"
    case .map(let pairs): "{" + pairs.map { "\(quoted($0.name)): ********" }.joined(separator: ", ") + "}"
    default: "********"
    }
  }

  static func yaml(_ value: ConfigurationValue) -> String {
    switch value {
    case .text(let text): quoted(text)
    case .integer(let number): "\(number)"
    case .boolean(let value): "\(value)"
    case .list(let items): "[" + items.map(quoted).joined(separator: ", ") + "]"
    case .map(let pairs):
      "{" + pairs.map { "\(quoted($0.name)): \(quoted($0.value))" }.joined(separator: ", ") + "}"
    }
  }

  /// Plain where nobody could read it as anything but text.
  private static func quoted(_ text: String) -> String {
    let plain = text.utf8.allSatisfy {
      switch $0 {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
      default: false
      }
    }
    let startsAsWord = text.utf8.first.map { $0 >= 0x41 } ?? false
    let reserved = ["true", "false", "null", "yes", "no", "on", "off"].contains(text.lowercased())
    if plain, startsAsWord, !reserved { return text }
    return "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
  }

  private static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

  static func wrapped(_ text: String, prefix: String) -> String {
    var lines = ""
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, prefix.count + line.count + 1 + word.count > lineMax {
        lines += prefix + line + "\n"
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    return line.isEmpty ? lines : lines + prefix + line + "\n"
  }
}
