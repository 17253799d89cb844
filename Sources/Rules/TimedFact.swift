/// A fact of an order with a span of time that the rule names: a column of its own in the batch.
public struct TimedFact: Hashable, Sendable, Comparable {
  /// Numbers as in `enriched.proto`, `TimedKind`.
  public enum Kind: Int, Hashable, Sendable, CaseIterable {
    /// Other open orders of the same things to the same receiver, placed at most the span apart.
    case duplicates = 0
    /// 0 or 1: unpaid for at least the span.
    case unpaid = 1
    /// 0 or 1: the gift's address is pending for at least the span.
    case giftAddress = 2
    /// 0 or 1: paid for at least the span, and nothing shipped.
    case unshipped = 3
    /// 0 or 1: the customer's last purchase, and nothing since for at least the span.
    case purchase = 4
    /// 0 or 1: the customer holds a coupon that expires within the span.
    case coupon = 5
    /// 0 or 1: the customer's cart has had something for at least the span that he has not bought since.
    case cart = 6

    /// What `overdue` calls it.
    public var state: String? {
      switch self {
      case .duplicates, .coupon: nil
      case .unpaid: "unpaid"
      case .giftAddress: "gift_address"
      case .unshipped: "unshipped"
      case .purchase: "purchase"
      case .cart: "cart"
      }
    }

    /// It may be asked of one SKU or product.
    var takesCode: Bool { self == .purchase || self == .cart }

    /// Of the customer rather than the order: without a customer key it is missing.
    public var isOfCustomer: Bool { self == .purchase || self == .coupon || self == .cart }

    /// Spans that a rule may name, in µs.
    var spans: ClosedRange<Int64> {
      self == .duplicates ? 60_000_000...3_600_000_000 : 60_000_000...31_622_400_000_000
    }
  }

  public var kind: Kind
  /// µs.
  public var span: Int64
  /// SKU or product code as UTF-8; empty: any.
  public var code: [UInt8]

  /// Different ones that one rule set may ask for.
  public static let ofSetMax = 64

  public init(_ kind: Kind, span: Int64, code: [UInt8] = []) {
    self.kind = kind
    self.span = span
    self.code = code
  }

  public static func < (left: TimedFact, right: TimedFact) -> Bool {
    let (a, b) = ((left.kind.rawValue, left.span), (right.kind.rawValue, right.span))
    return a == b ? left.code.lexicographicallyPrecedes(right.code) : a < b
  }

  /// True or false rather than a number.
  public var isTruth: Bool { kind != .duplicates }

  /// As a rule writes it: `duplicate.partners(duration("10m"))`, `overdue("unpaid", duration("72h"))`,
  /// `overdue("purchase", "SKU-1", duration("2160h"))`.
  public var name: String {
    let seconds = span / 1_000_000
    let text =
      seconds % 3_600 == 0
      ? "\(seconds / 3_600)h" : seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    if kind == .coupon { return "expiring(\"coupon\", duration(\"\(text)\"))" }
    guard let state = kind.state else { return "duplicate.partners(duration(\"\(text)\"))" }
    let of = code.isEmpty ? "" : "\(Expression.quoted(String(decoding: code, as: UTF8.self))), "
    return "overdue(\"\(state)\", \(of)duration(\"\(text)\"))"
  }
}
