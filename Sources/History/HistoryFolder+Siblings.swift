import Orders

extension HistoryFolder {
  /// Re-decides the other orders of the key to which this order now gives something else than before.
  ///
  /// `before` holds the order's effective states before the fold. They and the new ones agree at every instant
  /// before the folded event time, so a closed order is touched only if its T(X) reaches back that far.
  func decideSiblings(
    of index: Int, before: [DatedSnapshot], in customer: CustomerHistory, _ cause: inout Cause,
    _ emit: (EmittedRecord) -> Void
  ) {
    let after = customer.orders[index].effective
    let latest = Change(before.last, after.last)
    var aggregatesChanged = aggregates.isDifferent(before.last, after.last)
    var affected: [Int] = []
    // Taken out once: nothing is then retained per order.
    let standings = customer.standings
    let blocks = customer.blocks
    let watchesDuplicates = mallHasShops || !duplicateSpans.isEmpty
    // Otherwise open orders see no difference.
    let openCount = latest.isDifferent || aggregatesChanged || watchesDuplicates || mallHasShops
    var next = 0
    while next < standings.count {
      let other = next
      if blocks.isPast(at: other, cause.eventTime, openToo: !openCount) {
        next += HistoryBlocks.size
        continue
      }
      next += 1
      guard other != index else { continue }
      let standing = standings[other]
      if standing.cut == .max, !openCount { continue }
      if standing.cut < cause.eventTime { continue }
      if mallHasShops {
        select(shop: customer.orders[other].shopNo)
        aggregatesChanged = aggregates.isDifferent(before.last, after.last)
      }
      if standing.cut == .max {
        guard
          isAffected(
            standing.latest, other, by: index, latest, customer, bundles: !standing.isFirstSeenClosed)
            || (watchesDuplicates
              && isDuplicateAffected(customer.orders[other], before.last, after.last))
            || (aggregatesChanged && isAggregateAffected(other, by: index, before.last, after.last, customer))
        else { continue }
        affected.append(other)
      } else {
        let was = FoldedOrder.state(before, at: standing.cut)
        let now = FoldedOrder.state(after, at: standing.cut)
        guard let decided = customer.orders[other].decided,
          isAffected(
            decided.contribution, other, by: index, Change(was, now), customer,
            bundles: !standing.isFirstSeenClosed, late: customer.orders[other].latest?.contribution)
            || isDuplicateAffected(customer.orders[other], was, now)
            || (aggregates.isDifferent(was, now)
              && isAggregateAffected(other, by: index, was, now, customer))
        else { continue }
        affected.append(other)
      }
    }
    if affected.count > 1 {
      affected.sort { customer.isEarlier($0, $1) }
    }
    for other in affected {
      decide(other, in: customer, &cause, always: false, emit)
    }
  }

  /// What an order gave to its siblings and what it gives now.
  private struct Change {
    var before: Contribution?
    var after: Contribution?
    /// In that, or in its claims.
    var isDifferent: Bool

    init(_ left: DatedSnapshot?, _ right: DatedSnapshot?) {
      before = left?.contribution
      after = right?.contribution
      guard let left, let right else {
        isDifferent = (left == nil) != (right == nil)
        return
      }
      isDifferent =
        left !== right && (before != after || left.summary.faultClaims != right.summary.faultClaims)
    }
  }

  /// Whether an order's change gives something else to the facts of `x`. May say yes too often: the hash of the record
  /// decides in the end.
  private func isAffected(
    _ x: Contribution, _ other: Int, by index: Int, _ change: Change, _ customer: CustomerHistory,
    bundles: Bool, late: Contribution? = nil
  ) -> Bool {
    guard change.isDifferent else { return false }
    if change.before?.flags.contains(.hasFaultClaims) ?? false { return true }
    if change.after?.flags.contains(.hasFaultClaims) ?? false { return true }
    // A changed order may show late facts, whose receiver and instant are those of its last state.
    if let late, late != x { return true }
    func gives(_ state: Contribution?) -> (orders: Bool, amount: Int64, partner: Bool, placedAt: Int64) {
      guard let y = state else { return (false, 0, false, 0) }
      let isEarlier = customer.isEarlier(index, placedAt: y.placedAt, than: other, placedAt: x.placedAt)
      let isPartner = bundles && x.bundles(with: y)
      return (
        isEarlier && y.flags.contains(.notCancelled),
        isEarlier && y.flags.contains(.paid) && y.currencyCode == x.currencyCode ? y.netAmount : 0,
        isPartner, isPartner ? y.placedAt : 0
      )
    }
    return gives(change.before) != gives(change.after)
  }
}

extension CustomerHistory {
  /// Position: `placed_at`, then the bytes of the order id, then the shop number.
  func isEarlier(_ left: Int, placedAt: Int64, than right: Int, placedAt other: Int64) -> Bool {
    if placedAt != other { return placedAt < other }
    let order = compareBytes(orders[left].orderId, orders[right].orderId)
    if order != 0 { return order < 0 }
    return orders[left].shopNo < orders[right].shopNo
  }

  /// By their latest states.
  func isEarlier(_ left: Int, _ right: Int) -> Bool {
    isEarlier(
      left, placedAt: standings[left].latest.placedAt, than: right, placedAt: standings[right].latest.placedAt
    )
  }
}
