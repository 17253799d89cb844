/// A line of a reference file that was left out, and why. Holds nothing of the line's content.
public struct ReferenceProblem: Equatable, Sendable, CustomStringConvertible {
  public var file: String
  /// From 1.
  public var line: Int
  public var expected: String
  public var hint: String

  public init(file: String, line: Int, expected: String, hint: String) {
    self.file = file
    self.line = line
    self.expected = expected
    self.hint = hint
  }

  public var description: String { "\(file):\(line): expected \(expected); \(hint)" }
}
