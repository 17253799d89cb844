/// Why a lane cannot go on with published rules.
public struct RuleSwitchProblem: Error, CustomStringConvertible, Sendable {
  public let description: String

  public init(description: String) { self.description = description }
}
