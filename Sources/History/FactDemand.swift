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

/// One fact with a span of time that the rules ask for.
public struct TimedFact: Hashable, Sendable {
  /// Numbers as in `enriched.proto`, `TimedKind`.
  public enum Kind: Int32, Sendable {
    case duplicates = 0
    case unpaid = 1
    case giftAddress = 2
    case unshipped = 3
    /// Of the customer's last purchase: nothing since (docs/design.md, "A customer who does not come back").
    case purchase = 4
    /// Of the customer's profile, on his last purchase: a coupon expires within the span.
    case coupon = 5
    /// ... something has been in the cart for the span and was not bought.
    case cart = 6

    var isOfCustomer: Bool { self == .purchase || self == .coupon || self == .cart }
  }

  public var kind: Kind
  /// µs, 0…`spanMax`.
  public var span: Int64
  /// Of a purchase: SKU or product code as UTF-8; empty: any.
  public var code: [UInt8]

  public static let spanMax: Int64 = 40_000_000_000_000

  public init(_ kind: Kind, span: Int64, code: [UInt8] = []) {
    self.kind = kind
    self.code = code
    self.span = min(max(span, 0), Self.spanMax)
  }
}

/// Which facts the active, shadow and replayed rules ask for, together.
public struct FactDemand: Hashable, Sendable {
  public static let listsMax = 64
  public static let claimWindowsMax = 64
  public static let timedMax = 64
  public static let aggregatesMax = 256

  public var claimWindows: [ClaimWindow]
  /// Names of product lists; those beyond `listsMax` are not looked at.
  public var lists: [String]
  public var needsStock: Bool
  /// Those beyond `timedMax` are not computed.
  public var timed: [TimedFact]
  /// Those beyond `aggregatesMax` are not computed.
  public var aggregates: [HistoryAggregate]
  /// Parts of the customer's profile.
  public var profile: ProfileParts

  public init(
    claimWindows: [ClaimWindow] = [], lists: [String] = [], needsStock: Bool = false,
    timed: [TimedFact] = [], aggregates: [HistoryAggregate] = [], profile: ProfileParts = []
  ) {
    self.claimWindows = claimWindows
    self.lists = lists
    self.needsStock = needsStock
    self.timed = timed
    self.aggregates = aggregates
    self.profile = profile
  }
}
