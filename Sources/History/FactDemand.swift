/// One `history.returns(months)` or `history.claims(months)` that the rules ask for.
public struct ClaimWindow: Hashable, Sendable {
  /// Numbers as in `enriched.proto`, `ClaimScope`.
  public enum Scope: Int32, Sendable {
    case returns = 0
    case returnsAndExchanges = 1
  }

  public var scope: Scope
  /// Calendar months, 1…`monthsMax`.
  public var months: Int

  public static let monthsMax = 1200

  public init(scope: Scope, months: Int) {
    self.scope = scope
    self.months = months
  }
}

/// Which facts the active, shadow and replayed rules ask for, together.
public struct FactDemand: Hashable, Sendable {
  public static let listsMax = 64
  public static let claimWindowsMax = 64

  public var claimWindows: [ClaimWindow]
  /// Names of product lists; those beyond `listsMax` are not looked at.
  public var lists: [String]
  public var needsStock: Bool

  public init(claimWindows: [ClaimWindow] = [], lists: [String] = [], needsStock: Bool = false) {
    self.claimWindows = claimWindows
    self.lists = lists
    self.needsStock = needsStock
  }
}
