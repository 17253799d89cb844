/// What a row of a column is: an order, or one of the lines that orders have of each kind.
@frozen public enum RowLevel: UInt8, CaseIterable, Hashable, Sendable {
  case order, item, receiver, claim, coupon, heldCoupon, cartLine

  /// The levels of lines.
  @usableFromInline static let ofLines: [RowLevel] = [
    .item, .receiver, .claim, .coupon, .heldCoupon, .cartLine,
  ]

  /// What facts of a line begin with in the catalog; empty for orders.
  var prefix: String {
    switch self {
    case .order: ""
    case .item: "item."
    case .receiver: "receiver."
    case .claim: "claim."
    case .coupon: "coupon."
    case .heldCoupon: "heldCoupon."
    case .cartLine: "cartLine."
    }
  }

  /// In messages.
  var article: String {
    switch self {
    case .order: "an order"
    case .item: "an item"
    case .receiver: "a receiver"
    case .claim: "a claim"
    case .coupon: "a coupon"
    case .heldCoupon: "a held coupon"
    case .cartLine: "a line of the cart"
    }
  }

  /// The facts of the level, and which of them are numbers, truths, texts and lists: the first of each.
  var facts: (number: UInt8, truth: UInt8, text: UInt8, list: UInt8, end: UInt8) {
    func first(_ number: Fact, _ truth: Fact, _ text: Fact, _ list: UInt8, _ end: Fact?) -> (
      UInt8, UInt8, UInt8, UInt8, UInt8
    ) {
      (number.rawValue, truth.rawValue, text.rawValue, list, end?.rawValue ?? UInt8(Fact.count))
    }
    switch self {
    case .order:
      return first(.amountItems, .isGift, .currency, Fact.paymentMethods.rawValue, .itemQuantity)
    case .item:
      return first(.itemQuantity, .itemLive, .itemSku, Fact.itemCategories.rawValue, .receiverHasAddress)
    case .receiver:
      return first(
        .receiverHasAddress, .receiverHasAddress, .receiverCountry, Fact.claimRequestedAt.rawValue,
        .claimRequestedAt)
    case .claim:
      return first(.claimRequestedAt, .claimCompleted, .claimKind, Fact.couponNumber.rawValue, .couponNumber)
    case .coupon:
      return first(
        .couponNumber, .couponNumber, .couponNumber, Fact.heldCouponIssuedAt.rawValue, .heldCouponIssuedAt)
    case .heldCoupon:
      return first(
        .heldCouponIssuedAt, .heldCouponNumber, .heldCouponNumber, Fact.cartLineQuantity.rawValue,
        .cartLineQuantity)
    case .cartLine:
      return first(.cartLineQuantity, .cartLineProductCode, .cartLineProductCode, UInt8(Fact.count), nil)
    }
  }

  /// How many lines there are, where that may not be known at all.
  var count: Fact? {
    switch self {
    case .heldCoupon: .heldCouponCount
    case .cartLine: .cartProducts
    default: nil
    }
  }
}
