/// Every stored fact of an order or an item: the columns of a `FactBatch`.
///
/// The raw values are grouped by what they are facts of, then by storage (numbers, truths, texts, lists), so that a
/// column is found by one subtraction.
@frozen public enum Fact: UInt8, CaseIterable, Hashable, Sendable {
  // Order, 64-bit numbers. Amounts are in ten-thousandths of the currency's unit, times in µs since 1970.
  case amountItems, amountOrdered, amountCurrent, amountPaid, amountShipping, amountDiscount, amountSurcharge
  case amountDiscountGrade, amountDiscountCoupon, amountPoints, amountRefunded, installments
  case historyOrders, historyAmount, bundlePartners
  case receiverCount, addressDue
  case heldCouponCount, cartProducts, cartQuantity, cartAmount
  case placedAt, paidAt, paidOrPlacedAt
  // Order, truths.
  case isGift, placedHoliday, paidHoliday, hasMarketNumber, platformFirst, isMember, isGuest
  // Order, texts.
  case currency, paymentStatus, channel, event, grade, addressState, ipCountry, paymentGateway, cardIssuer,
    customerGrade
  // Order, lists of texts.
  case paymentMethods, zones, coupons, couponTypes
  // Item, 64-bit numbers.
  case itemQuantity, itemPrice, itemStockAfter, itemStockSafety
  // Item, truths.
  case itemLive, itemGift, itemVoucher, itemTracking
  // Item, texts.
  case itemSku, itemProductCode, itemStatus
  // Item, lists of texts.
  case itemCategories, itemBundleCodes
  // Receiver: truths, texts.
  case receiverHasAddress
  case receiverCountry, receiverRegion, receiverCity, receiverZone
  // Claim: 64-bit numbers, truths, texts.
  case claimRequestedAt, claimCompletedAt, claimRefund, claimLines, claimQuantity
  case claimCompleted, claimCustomerFault
  case claimKind, claimStatus, claimReason
  // Coupon: texts.
  case couponNumber, couponType
  // Coupon that the customer holds: 64-bit numbers, texts.
  case heldCouponIssuedAt, heldCouponExpiresAt
  case heldCouponNumber, heldCouponType
  // Line of the customer's cart: 64-bit numbers, texts.
  case cartLineQuantity, cartLinePrice, cartLineAddedAt
  case cartLineProductCode, cartLineSku

  public enum Storage: Sendable { case number, truth, text, textList }

  public var storage: Storage {
    let facts = level.facts
    return rawValue < facts.truth
      ? .number : rawValue < facts.text ? .truth : rawValue < facts.list ? .text : .textList
  }

  /// What the fact is one of.
  public var level: RowLevel {
    switch self {
    case ..<Fact.itemQuantity: .order
    case ..<Fact.receiverHasAddress: .item
    case ..<Fact.claimRequestedAt: .receiver
    case ..<Fact.couponNumber: .claim
    case ..<Fact.heldCouponIssuedAt: .coupon
    case ..<Fact.cartLineQuantity: .heldCoupon
    default: .cartLine
    }
  }

  @inlinable static var orderNumberCount: Int { Int(Fact.isGift.rawValue) }
  @inlinable static var orderTruthCount: Int { Int(Fact.currency.rawValue - Fact.isGift.rawValue) }
  @inlinable static var orderTextCount: Int { Int(Fact.paymentMethods.rawValue - Fact.currency.rawValue) }
  @inlinable static var orderListCount: Int { Int(Fact.itemQuantity.rawValue - Fact.paymentMethods.rawValue) }
  @inlinable static var count: Int { Int(Fact.cartLineSku.rawValue) + 1 }
}

extension Fact: Comparable {
  @inlinable public static func < (left: Fact, right: Fact) -> Bool { left.rawValue < right.rawValue }
}

/// Which claims a `history` count counts.
public enum ClaimScope: Int, Hashable, Sendable, Comparable {
  case returns = 0
  case returnsOrExchanges = 1
  public static func < (left: ClaimScope, right: ClaimScope) -> Bool { left.rawValue < right.rawValue }
}

/// A count of claims that some rule asks for: a column of its own in the batch.
public struct ClaimWindow: Hashable, Sendable, Comparable {
  public var scope: ClaimScope
  /// Calendar months, 1…`monthsMax`.
  public var months: Int
  public static let monthsMax = 36
  public init(scope: ClaimScope, months: Int) {
    self.scope = scope
    self.months = months
  }
  public static func < (left: ClaimWindow, right: ClaimWindow) -> Bool {
    (left.scope, left.months) < (right.scope, right.months)
  }
}

/// A datum that a condition reads, as `pending_on` names it.
public enum FactReference: Hashable, Sendable {
  case fact(Fact)
  case claims(ClaimWindow)
  case timed(TimedFact)
  case aggregate(HistoryAggregate)
  case list(String)

  public static func == (left: FactReference, right: FactReference) -> Bool {
    switch (left, right) {
    case (.fact(let a), .fact(let b)): a == b
    case (.claims(let a), .claims(let b)): a == b
    case (.timed(let a), .timed(let b)): a == b
    case (.aggregate(let a), .aggregate(let b)): a == b
    case (.list(let a), .list(let b)): a.utf8.elementsEqual(b.utf8)
    default: false
    }
  }

  public func hash(into hasher: inout Hasher) { for byte in name.utf8 { hasher.combine(byte) } }

  /// The name a rule writes: `ip.country`, `history.returns(3)`, `inList("event")`.
  public var name: String {
    switch self {
    case .fact(let fact): FactCatalog.name(of: fact)
    case .claims(let window):
      "history.\(window.scope == .returns ? "returns" : "claims")(\(window.months))"
    case .timed(let fact): fact.name
    case .aggregate(let aggregate): aggregate.name
    case .list(let name): "inList(\(Expression.quoted(name)))"
    }
  }
}
