import Orders

/// Facts of one order that come from its siblings. Reused from order to order.
struct HistoryFacts {
  var orders: Int64 = 0
  var amount: Int64 = 0
  /// In the order of the demand.
  var claimCounts: [Int64]
  /// Other orders that would go into one parcel, with their `placed_at`.
  var partners: [(order: Int, placedAt: Int64)] = []
  /// Beginnings of the claim windows, filled when the first claim is met.
  var windowStarts: [Int64] = []

  init(windowCount: Int) {
    claimCounts = [Int64](repeating: 0, count: windowCount)
  }

  mutating func setWindowCount(_ count: Int) {
    if claimCounts.count != count { claimCounts = [Int64](repeating: 0, count: count) }
  }

  mutating func clear() {
    orders = 0
    amount = 0
    partners.removeAll(keepingCapacity: true)
    windowStarts.removeAll(keepingCapacity: true)
    for index in claimCounts.indices { claimCounts[index] = 0 }
  }
}

extension HistoryFolder {
  /// Fills `history` for order `index` in state `x`, its siblings as at the instant `cut` (`.max`: as last known).
  /// `history.amount` adds orders in the currency of `x` only.
  func computeHistory(
    of x: Contribution, _ index: Int, in customer: CustomerHistory, cut: Int64, bundles: Bool
  ) {
    history.clear()
    guard customer.orders.count > 1 else { return }
    let isPartnerPossible = bundles && x.flags.contains(.hasReceiver) && !x.flags.contains(.giftPending)
    // Taken out once: nothing is then retained per order.
    let standings = customer.standings
    let blocks = customer.blocks
    var next = 0
    while next < standings.count {
      let other = next
      if let block = blocks.whole(at: other, for: x, cut: cut, bundles: isPartnerPossible),
        index / HistoryBlocks.size != other / HistoryBlocks.size
      {
        history.orders += block.orders
        history.amount &+= block.amount
        next += HistoryBlocks.size
        continue
      }
      next += 1
      guard other != index else { continue }
      let y: Contribution
      let latest = standings[other].latest
      if cut == .max || standings[other].latestSince <= cut {
        y = latest
      } else if standings[other].sumsSince <= cut,
        !isPartnerPossible || x.isApart(first: latest.placedAt, last: latest.placedAt)
      {
        // Whether it was open then makes no difference.
        y = latest
      } else {
        guard let state = customer.orders[other].state(at: cut) else { continue }
        y = state.contribution
      }
      if customer.isEarlier(other, placedAt: y.placedAt, than: index, placedAt: x.placedAt) {
        if y.flags.contains(.notCancelled) { history.orders += 1 }
        if y.flags.contains(.paid), y.currencyCode == x.currencyCode { history.amount &+= y.netAmount }
      }
      if y.flags.contains(.hasFaultClaims), let state = customer.orders[other].state(at: cut) {
        countClaims(state.summary.faultClaims, placedAt: x.placedAt)
      }
      if isPartnerPossible, x.bundles(with: y) { history.partners.append((other, y.placedAt)) }
    }
    if history.partners.count > 1 {
      history.partners.sort {
        customer.isEarlier($0.order, placedAt: $0.placedAt, than: $1.order, placedAt: $1.placedAt)
      }
    }
  }

  /// Counts an order once per window in which one of its claims was completed: [placed − months, placed).
  private func countClaims(_ claims: [FaultClaim], placedAt: Int64) {
    if history.windowStarts.isEmpty {
      for window in demand.claimWindows {
        let start = zone.subtracting(months: window.months, from: Instant(microseconds: placedAt))
        history.windowStarts.append(start.microseconds)
      }
    }
    for (index, window) in demand.claimWindows.enumerated() {
      let start = history.windowStarts[index]
      let counts = claims.contains { claim in
        (claim.isReturn || window.scope == .returnsAndExchanges)
          && claim.completedAt >= start && claim.completedAt < placedAt
      }
      if counts { history.claimCounts[index] += 1 }
    }
  }
}
