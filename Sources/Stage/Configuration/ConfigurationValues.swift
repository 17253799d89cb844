/// Every key of a schema with its value and where the value came from.
public struct ConfigurationValues: Sendable {
  public enum Source: Sendable, Hashable {
    case standard
    case file(String)
    case environment(String)

    var text: String? {
      switch self {
      case .standard: nil
      case .file(let place): place
      case .environment(let name): name
      }
    }
  }

  private var entries: [String: (value: ConfigurationValue, source: Source)] = [:]

  mutating func set(_ key: ConfigurationKey, _ value: ConfigurationValue, from source: Source) {
    entries[key.path] = (value, source)
  }

  /// Asking for a key as something it was not declared to be, or for one of another schema, is a
  /// mistake of ours, not of the operator: it stops the process.
  public func text(_ key: ConfigurationKey) -> String {
    guard case .text(let text) = value(key) else { preconditionFailure("no text: \(key.path)") }
    return text
  }

  public func integer(_ key: ConfigurationKey) -> Int {
    guard case .integer(let number) = value(key) else { preconditionFailure("no number: \(key.path)") }
    return number
  }

  public func boolean(_ key: ConfigurationKey) -> Bool {
    guard case .boolean(let value) = value(key) else { preconditionFailure("no boolean: \(key.path)") }
    return value
  }

  public func list(_ key: ConfigurationKey) -> [String] {
    guard case .list(let list) = value(key) else { preconditionFailure("no list: \(key.path)") }
    return list
  }

  public func map(_ key: ConfigurationKey) -> [ConfigurationPair] {
    guard case .map(let pairs) = value(key) else { preconditionFailure("no mapping: \(key.path)") }
    return pairs
  }

  /// A text, or nil when it is empty.
  public func optional(_ key: ConfigurationKey) -> String? {
    let text = text(key)
    return text.isEmpty ? nil : text
  }

  public func source(_ key: ConfigurationKey) -> Source { entries[key.path]?.source ?? .standard }

  public func value(_ key: ConfigurationKey) -> ConfigurationValue {
    entries[key.path]?.value ?? key.fallback
  }

  /// A problem with the value of a key, with its place, and its value unless that is secret.
  public func problem(_ key: ConfigurationKey, _ message: String, allowed: String? = nil, hint: String? = nil)
    -> ConfigurationProblem
  {
    ConfigurationProblem(
      path: key.path, source: source(key).text, message: message,
      value: key.isSecret ? nil : ConfigurationPrinter.inline(value(key)), allowed: allowed, hint: hint)
  }
}
