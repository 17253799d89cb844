import Orders
import Topics

/// A span that is asked of the customer's last purchase, of anything or of one code.
struct PurchaseWatch {
  let span: Int64
  /// `Purchase.hash`; 0: any.
  let code: UInt64

  init?(_ fact: TimedFact) {
    guard fact.kind == .purchase else { return nil }
    span = fact.span
    code = PurchaseWatch.hash(of: fact.code)
  }

  static func hash(of code: [UInt8]) -> UInt64 {
    code.isEmpty ? 0 : code.withUnsafeBytes { Purchase.hash(of: $0) }
  }
}

/// A customer who does not come back (docs/design.md): everything here goes by the orders as last known, and the clock.
extension HistoryFolder {
  /// Whether the order is the customer's last purchase, of what the fact names, and the span is over.
  func isAwaited(_ index: Int, _ fact: TimedFact, in customer: CustomerHistory) -> Bool {
    let code = PurchaseWatch.hash(of: fact.code)
    guard customer.standings[index].latest.placedAt + fact.span <= clock,
      customer.isPurchase(index, of: code)
    else { return false }
    return customer.lastPurchase(of: code) == index
  }

  /// Of an order that has changed: decides anew the other one that was the last purchase before, or is now, where its
  /// deadline is past. Returns the next deadline of what the change is about; `.max`: none.
  func decideLastPurchase(
    but index: Int, before: DatedSnapshot?, in customer: CustomerHistory, _ cause: inout Cause,
    _ emit: (EmittedRecord) -> Void
  ) -> Int64 {
    guard planned.plan.watchesCustomers, customer.customer.kind != .none else { return .max }
    let after = customer.orders[index].latest
    guard before !== after else { return .max }
    var next = Int64.max
    var affected: [Int] = []
    forEachShop(of: customer) { shop in
      for watch in prepared.purchaseWatches {
        let was = before?.purchasedAt(watch.code, customer)
        let now = after?.purchasedAt(watch.code, customer)
        guard was != nil || now != nil else { continue }
        if let last = customer.lastPurchase(of: watch.code),
          shop == nil || customer.orders[last].shopNo == shop
        {
          let due = customer.standings[last].latest.placedAt + watch.span
          if due > clock { next = min(next, due) }
        }
        guard was != now, let other = customer.lastPurchase(of: watch.code, but: index),
          shop == nil || customer.orders[other].shopNo == shop
        else { continue }
        let placedAt = customer.standings[other].latest.placedAt
        let isLater = [was, now].map { instant in
          instant.map { customer.isEarlier(other, placedAt: placedAt, than: index, placedAt: $0) } ?? false
        }
        if isLater[0] != isLater[1], placedAt + watch.span <= clock, !affected.contains(other) {
          affected.append(other)
        }
      }
    }
    next = min(next, profileChanged(but: index, in: customer, &affected))
    if affected.count > 1 { affected.sort { customer.isEarlier($0, $1) } }
    for other in affected { decide(other, in: customer, &cause, always: false, emit) }
    return next
  }

  /// The customer's deadlines, past ones too, each with the order that it is told of.
  func forEachCustomerDue(in customer: CustomerHistory, _ body: (_ index: Int, _ due: Int64) -> Void) {
    guard planned.plan.watchesCustomers, customer.customer.kind != .none else { return }
    forEachShop(of: customer) { shop in
      for watch in prepared.purchaseWatches {
        guard let last = customer.lastPurchase(of: watch.code),
          shop == nil || customer.orders[last].shopNo == shop
        else { continue }
        body(last, customer.standings[last].latest.placedAt + watch.span)
      }
      forEachProfileDue(in: customer, shop, body)
    }
  }

  /// The first such deadline after an instant; `.max`: none.
  func nextCustomerDue(in customer: CustomerHistory, after instant: Int64) -> Int64 {
    var next = Int64.max
    forEachCustomerDue(in: customer) { _, due in if due > instant { next = min(next, due) } }
    return next
  }

  /// With the demand of each shop that the customer has orders in selected; nil: that of all of the mall's.
  func forEachShop(of customer: CustomerHistory, _ body: (Int32?) -> Void) {
    guard mallHasShops else { return body(nil) }
    for shop in Set(customer.orders.map(\.shopNo)).sorted() {
      select(shop: shop)
      body(shop)
    }
  }
}

extension DatedSnapshot {
  /// When it was placed, if it is a purchase of the code (0: any): not fully cancelled, with a live line of it.
  func purchasedAt(_ code: UInt64, _ customer: CustomerHistory) -> Int64? {
    guard !summary.isAllCancelled else { return nil }
    if code != 0, !purchases(of: customer).contains(where: { $0.sku == code || $0.product == code }) {
      return nil
    }
    return summary.placedAt.microseconds
  }
}

extension CustomerHistory {
  func isPurchase(_ index: Int, of code: UInt64) -> Bool {
    guard standings[index].latest.flags.contains(.notCancelled) else { return false }
    return code == 0 || orders[index].latest?.purchasedAt(code, self) != nil
  }

  /// The last purchase of the code (0: any), by position; nil: none.
  func lastPurchase(of code: UInt64, but excluded: Int = -1) -> Int? {
    // Taken out once: nothing is then retained per order.
    let standings = standings
    let blocks = blocks.blocks
    var best: Int?
    var placedAt = Int64.min
    var index = standings.count - 1
    // Orders mostly come in the order in which they were placed: the last ones first.
    while index >= 0 {
      let number = index / HistoryBlocks.size
      if best != nil, index % HistoryBlocks.size == HistoryBlocks.size - 1, number < blocks.count,
        blocks[number].placedLast < placedAt
      {
        index -= HistoryBlocks.size
        continue
      }
      let other = index
      index -= 1
      let latest = standings[other].latest
      guard other != excluded, latest.placedAt >= placedAt, isPurchase(other, of: code) else { continue }
      if let best, !isEarlier(best, placedAt: placedAt, than: other, placedAt: latest.placedAt) { continue }
      best = other
      placedAt = latest.placedAt
    }
    return best
  }
}
