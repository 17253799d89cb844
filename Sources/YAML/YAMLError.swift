/// Where something stands in a file. Line and column count from 1, columns in Unicode scalars.
public struct YAMLLocation: Sendable, Hashable, CustomStringConvertible {
  public let file: String
  public let line: Int
  public let column: Int

  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  public var description: String { "\(file):\(line):\(column)" }
}

/// What is wrong with a document, and where. The text never repeats a value of the file: keys are
/// named, contents are not (they may be secrets).
public struct YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Kind: Sendable, Hashable {
    case unreadable
    case tooLarge
    case syntax
    case tooDeep
    case tooManyNodes
    case duplicateKey
    case complexKey
    case aliasRefused
    case tagRefused
    case severalDocuments
    case wrongType
    case missingKey
  }

  public let kind: Kind
  public let location: YAMLLocation
  /// Fixed words first, names last, no full stop.
  public let message: String

  public init(_ kind: Kind, at location: YAMLLocation, _ message: String) {
    self.kind = kind
    self.location = location
    self.message = message
  }

  public var line: Int { location.line }
  public var column: Int { location.column }
  public var description: String { "\(location): \(message)" }
}
