import Orders
import Topics

/// Coupons that are about to expire and things left in the cart (docs/design.md, "A customer who does not come back"): as
/// last told, by the clock, on the customer's last purchase, in the shop of that.
extension HistoryFolder {
  /// Nil: it is the customer's last purchase, and no profile has told it.
  func isSo(_ fact: TimedFact, of index: Int, in customer: CustomerHistory) -> Bool? {
    guard customer.customer.kind != .none else { return nil }
    guard customer.lastPurchase(of: 0) == index else { return false }
    guard let part = customer.profile(ofShop: customer.orders[index].shopNo)?.part(of: fact) else {
      return nil
    }
    var isSo = false
    forEachTime(of: fact, part, in: customer) { begin, end in
      if begin <= clock, clock < end { isSo = true }
    }
    return isSo
  }

  /// After a profile was told: decides the last purchase anew. Returns the customer's next deadline; `.max`: none.
  func decideByProfile(
    ofShop shop: Int32, in customer: CustomerHistory, _ cause: inout Cause, _ emit: (EmittedRecord) -> Void
  ) -> Int64 {
    guard planned.plan.watchesCustomers, let last = customer.lastPurchase(of: 0),
      customer.orders[last].shopNo == shop
    else { return .max }
    select(shop: shop)
    guard !prepared.profileWatches.isEmpty else { return .max }
    decide(last, in: customer, &cause, always: false, emit)
    return nextCustomerDue(in: customer, after: clock)
  }

  /// After an order has changed: the last purchase among the others may have to say something else, and of what there is
  /// a purchase may be missing or new. Returns the next deadline; `.max`: none.
  func profileChanged(but index: Int, in customer: CustomerHistory, _ affected: inout [Int]) -> Int64 {
    var next = Int64.max
    var others: [Int] = []
    forEachShop(of: customer) { shop in
      guard !prepared.profileWatches.isEmpty else { return }
      if let other = customer.lastPurchase(of: 0, but: index),
        shop == nil || customer.orders[other].shopNo == shop
      {
        others.append(other)
      }
      forEachProfileDue(in: customer, shop) { _, due in if due > clock { next = min(next, due) } }
    }
    for other in others where !affected.contains(other) { affected.append(other) }
    return next
  }

  /// Beginnings and ends of what is asked of the customer's profile; `shop`: the one that is selected.
  func forEachProfileDue(
    in customer: CustomerHistory, _ shop: Int32?, _ body: (_ index: Int, _ due: Int64) -> Void
  ) {
    guard !prepared.profileWatches.isEmpty, !customer.profiles.isEmpty,
      let last = customer.lastPurchase(of: 0), shop == nil || customer.orders[last].shopNo == shop,
      let profile = customer.profile(ofShop: customer.orders[last].shopNo)
    else { return }
    for fact in prepared.profileWatches {
      guard let part = profile.part(of: fact) else { continue }
      forEachTime(of: fact, part, in: customer) { begin, end in
        body(last, begin)
        if end < .max { body(last, end) }
      }
    }
  }

  /// The times in which it is so, begin ≤ t < end; an empty one may be among them.
  private func forEachTime(
    of fact: TimedFact, _ part: DatedPart, in customer: CustomerHistory,
    _ body: (_ begin: Int64, _ end: Int64) -> Void
  ) {
    part.bytes.withUnsafeBytes { bytes in
      guard fact.kind == .cart else {
        return HeldCoupons.forEach(bytes) { _, issued, expires in
          if expires < .max { body(max(issued, expires &- fact.span), expires) }
        }
      }
      let code = PurchaseWatch.hash(of: fact.code)
      forEachCartLine(bytes) { product, sku, added in
        guard code == 0 || code == product || code == sku,
          !customer.hasPurchase(of: product, sku, since: added)
        else { return }
        body(added &+ fact.span, .max)
      }
    }
  }

  /// Lines that say since when they are there; codes as `Purchase` has them, 0 for none.
  private func forEachCartLine(
    _ cart: UnsafeRawBufferPointer, _ body: (_ product: UInt64, _ sku: UInt64, _ added: Int64) -> Void
  ) {
    var reader = ProtobufReader(cart)
    while reader.next() {
      guard reader.field == 2 else {
        reader.skip()
        continue
      }
      var (product, sku) = (UInt64(0), UInt64(0))
      var added: Int64?
      var line = ProtobufReader(reader.slice())
      while line.next() {
        switch line.field {
        case 1: product = Purchase.hash(of: line.slice())
        case 2: sku = Purchase.hash(of: line.slice())
        case 6: added = line.int64()
        default: line.skip()
        }
      }
      if let added { body(product, sku, added) }
    }
  }
}

extension CustomerProfile {
  /// What the fact is about, as told last.
  fileprivate func part(of fact: TimedFact) -> DatedPart? {
    fact.kind == .coupon ? coupons.latest : cart.latest
  }
}

extension CustomerHistory {
  /// Whether the product, or the SKU, was bought at the instant or later.
  fileprivate func hasPurchase(of product: UInt64, _ sku: UInt64, since instant: Int64) -> Bool {
    standings.indices.contains { index in
      let latest = standings[index].latest
      guard latest.placedAt >= instant, latest.flags.contains(.notCancelled),
        let state = orders[index].latest
      else { return false }
      return state.purchases(of: self).contains {
        (product != 0 && $0.product == product) || (sku != 0 && $0.sku == sku)
      }
    }
  }
}
