/// What a key holds.
public enum ConfigurationValue: Sendable, Hashable {
  case text(String)
  case integer(Int)
  case boolean(Bool)
  case list([String])
  /// Pairs in the order given.
  case map([ConfigurationPair])
}

public struct ConfigurationPair: Sendable, Hashable {
  public let name: String
  public let value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// One key of a stage's configuration, declared once: file, environment, checks, documentation and
/// the default file all come from here.
public struct ConfigurationKey: Sendable {
  /// What a value must be.
  public enum Form: Sendable, Hashable {
    /// At most `bytesMax` bytes; empty means "not set" where that is allowed.
    case text(bytesMax: Int, mayBeEmpty: Bool)
    case choice([String])
    case integer(ClosedRange<Int>)
    case boolean
    /// In the environment separated by commas.
    case list(countMax: Int)
    /// In the environment as `name=value`, separated by commas.
    case map(countMax: Int)
  }

  /// `section.key`.
  public let path: String
  public let form: Form
  public let fallback: ConfigurationValue
  /// One or two plain sentences.
  public let about: String
  /// Never shown, neither in problems nor in effective values.
  public let isSecret: Bool

  public init(
    _ path: String, _ form: Form, default fallback: ConfigurationValue, secret: Bool = false,
    _ about: String
  ) {
    self.path = path
    self.form = form
    self.fallback = fallback
    self.isSecret = secret
    self.about = about
  }

  public var section: String { String(path.prefix { $0 != "." }) }
  public var name: String { String(path.drop { $0 != "." }.dropFirst()) }
  /// `PASSFLOW_<SECTION>_<KEY>`
  public var environmentName: String {
    Self.environmentPrefix + path.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
  }
  static let environmentPrefix = "PASSFLOW_"

  /// The allowed range in words.
  public var allowed: String {
    switch form {
    case .text(let bytesMax, let mayBeEmpty):
      "text of \(mayBeEmpty ? "at most" : "1 to") \(bytesMax) bytes"
    case .choice(let choices): "one of " + choices.joined(separator: ", ")
    case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .boolean: "true or false"
    case .list(let countMax): "a list of at most \(countMax) texts"
    case .map(let countMax): "a mapping of at most \(countMax) names to texts"
    }
  }
}

extension ConfigurationKey {
  static func text(
    _ path: String, _ fallback: String, bytesMax: Int = 1_024, secret: Bool = false, _ about: String
  ) -> ConfigurationKey {
    ConfigurationKey(
      path, .text(bytesMax: bytesMax, mayBeEmpty: fallback.isEmpty), default: .text(fallback),
      secret: secret, about)
  }

  static func choice(_ path: String, _ choices: [String], _ fallback: String, _ about: String)
    -> ConfigurationKey
  {
    ConfigurationKey(path, .choice(choices), default: .text(fallback), about)
  }

  static func integer(_ path: String, _ range: ClosedRange<Int>, _ fallback: Int, _ about: String)
    -> ConfigurationKey
  {
    ConfigurationKey(path, .integer(range), default: .integer(fallback), about)
  }

  static func list(_ path: String, _ fallback: [String] = [], countMax: Int, _ about: String)
    -> ConfigurationKey
  {
    ConfigurationKey(path, .list(countMax: countMax), default: .list(fallback), about)
  }

  static func map(_ path: String, countMax: Int, secret: Bool, _ about: String) -> ConfigurationKey {
    ConfigurationKey(path, .map(countMax: countMax), default: .map([]), secret: secret, about)
  }
}
