/// How a scalar is spelled. Only a plain one can be null, a boolean or a number.
public enum YAMLScalarStyle: Sendable, Hashable {
  /// `text`
  case plain
  /// `'text'`, `"text"`, or a block (`|`, `>`)
  case quoted
}

/// One key of a mapping, with its value and its own place.
public struct YAMLEntry: Sendable {
  public let key: String
  public let keyLocation: YAMLLocation
  public let value: YAMLNode
}

/// The entries of a mapping in the order of the file; each key once.
public struct YAMLMapping: Sendable {
  public let entries: [YAMLEntry]
  /// Only for mappings of more than `linearMax` keys: searching a few is quicker than hashing.
  private let positions: [String: Int]?
  private static let linearMax = 12

  init(entries: [YAMLEntry]) {
    self.entries = entries
    if entries.count > Self.linearMax {
      var positions: [String: Int] = [:]
      positions.reserveCapacity(entries.count)
      for (index, entry) in entries.enumerated() { positions[entry.key] = index }
      self.positions = positions
    } else {
      positions = nil
    }
  }

  public subscript(key: String) -> YAMLNode? { entry(key)?.value }

  public func entry(_ key: String) -> YAMLEntry? {
    if let positions {
      guard let index = positions[key] else { return nil }
      return entries[index]
    }
    return entries.first { $0.key == key }
  }
}

/// One node of a document and where it begins.
public struct YAMLNode: Sendable {
  public enum Content: Sendable {
    case scalar(String, YAMLScalarStyle)
    case sequence([YAMLNode])
    case mapping(YAMLMapping)
  }

  public let content: Content
  public let location: YAMLLocation

  public init(_ content: Content, at location: YAMLLocation) {
    self.content = content
    self.location = location
  }

  public var line: Int { location.line }
  public var column: Int { location.column }
  public var file: String { location.file }

  /// The value under a key; nil where this is no mapping or has no such key.
  public subscript(key: String) -> YAMLNode? {
    if case .mapping(let mapping) = content { mapping[key] } else { nil }
  }

  /// A plain `null`, `~` or nothing at all after the colon.
  public var isNull: Bool {
    guard case .scalar(let text, .plain) = content else { return false }
    return text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL"
  }

  /// What an operator would call this node, for error texts: never its content.
  public var kindName: String {
    switch content {
    case .mapping: return "a mapping"
    case .sequence: return "a list"
    case .scalar(_, .quoted): return "text"
    case .scalar(let text, .plain):
      if isNull { return "nothing" }
      if Self.integer(text) != nil { return "a whole number" }
      return Self.boolean(text) == nil ? "text" : "true or false"
    }
  }
}

extension YAMLNode {
  /// The text of a scalar as written (`06134` keeps its zero). Nothing at all is not text.
  public func asString() throws(YAMLError) -> String {
    guard case .scalar(let text, _) = content, !isNull else { throw wrongType("text") }
    return text
  }

  /// A plain decimal whole number with an optional sign; single underscores between digits are allowed.
  public func asInt() throws(YAMLError) -> Int {
    guard case .scalar(let text, .plain) = content, let number = Self.integer(text) else {
      throw wrongType("a whole number")
    }
    return number
  }

  /// A plain `true` or `false`; `yes`, `on` and the like are text.
  public func asBool() throws(YAMLError) -> Bool {
    guard case .scalar(let text, .plain) = content, let value = Self.boolean(text) else {
      throw wrongType("true or false")
    }
    return value
  }

  public func asSequence() throws(YAMLError) -> [YAMLNode] {
    guard case .sequence(let nodes) = content else { throw wrongType("a list") }
    return nodes
  }

  public func asMapping() throws(YAMLError) -> YAMLMapping {
    guard case .mapping(let mapping) = content else { throw wrongType("a mapping") }
    return mapping
  }

  /// The value under a key that must be there.
  public func required(_ key: String) throws(YAMLError) -> YAMLNode {
    let mapping = try asMapping()
    guard let node = mapping[key] else {
      throw YAMLError(.missingKey, at: location, "missing key: \(key)")
    }
    return node
  }

  private func wrongType(_ expected: String) -> YAMLError {
    YAMLError(.wrongType, at: location, "expected \(expected), found \(kindName)")
  }

  private static func boolean(_ text: String) -> Bool? {
    switch text {
    case "true", "True", "TRUE": true
    case "false", "False", "FALSE": false
    default: nil
    }
  }

  static func integer(_ text: String) -> Int? {
    var magnitude = 0
    var negative = false
    var digitBefore = false
    var underscoreBefore = false
    for (index, byte) in text.utf8.enumerated() {
      if index == 0, byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") {
        negative = byte == UInt8(ascii: "-")
      } else if byte == UInt8(ascii: "_") {
        guard digitBefore, !underscoreBefore else { return nil }
        underscoreBefore = true
      } else {
        guard byte >= 0x30, byte <= 0x39 else { return nil }
        let (scaled, tooBig) = magnitude.multipliedReportingOverflow(by: 10)
        let digit = Int(byte &- 0x30)
        let (next, over) = scaled.addingReportingOverflow(negative ? -digit : digit)
        guard !tooBig, !over else { return nil }
        magnitude = next
        digitBefore = true
        underscoreBefore = false
      }
    }
    return digitBefore && !underscoreBefore ? magnitude : nil
  }
}
