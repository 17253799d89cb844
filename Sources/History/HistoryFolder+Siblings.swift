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
    let latestChanged = Self.isDifferent(before.last, after.last)
    let aggregatesChanged = aggregates.isDifferent(before.last, after.last)
    var affected: [Int] = []
    // Taken out once: nothing is then retained per order.
    let standings = customer.standings
    let blocks = customer.blocks
    var next = 0
    while next < standings.count {
      let other = next
      if blocks.isPast(at: other, cause.eventTime) {
        next += HistoryBlocks.size
        continue
      }
      next += 1
      guard other != index else { continue }
      let standing = standings[other]
      if standing.cut == .max {
        let isChanged =
          latestChanged
          && isAffected(
            standing.latest, other, by: index, before.last, after.last, customer,
            bundles: !standing.isFirstSeenClosed)
        guard
          isChanged || isDuplicateAffected(customer.orders[other], before.last, after.last)
            || (aggregatesChanged && isAggregateAffected(other, by: index, before.last, after.last, customer))
        else { continue }
        affected.append(other)
      } else if standing.cut >= cause.eventTime {
        let was = FoldedOrder.state(before, at: standing.cut)
        let now = FoldedOrder.state(after, at: standing.cut)
        guard let decided = customer.orders[other].decided,
          isAffected(
            decided.contribution, other, by: index, was, now, customer,
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

  private static func isDifferent(_ left: DatedSnapshot?, _ right: DatedSnapshot?) -> Bool {
    guard let left, let right else { return (left == nil) != (right == nil) }
    return left !== right
      && (left.contribution != right.contribution || left.summary.faultClaims != right.summary.faultClaims)
  }

  /// Whether one order's two states give different things to the facts of `x`. May say yes too often: the hash of
  /// the record decides in the end.
  private func isAffected(
    _ x: Contribution, _ other: Int, by index: Int, _ before: DatedSnapshot?, _ after: DatedSnapshot?,
    _ customer: CustomerHistory, bundles: Bool, late: Contribution? = nil
  ) -> Bool {
    guard Self.isDifferent(before, after) else { return false }
    if before?.contribution.flags.contains(.hasFaultClaims) ?? false { return true }
    if after?.contribution.flags.contains(.hasFaultClaims) ?? false { return true }
    // A changed order may show late facts, whose receiver and instant are those of its last state.
    if let late, late != x { return true }
    func gives(_ state: DatedSnapshot?) -> (orders: Bool, amount: Int64, partner: Bool, placedAt: Int64) {
      guard let y = state?.contribution else { return (false, 0, false, 0) }
      let isEarlier = customer.isEarlier(index, placedAt: y.placedAt, than: other, placedAt: x.placedAt)
      let isPartner = bundles && x.bundles(with: y)
      return (
        isEarlier && y.flags.contains(.notCancelled),
        isEarlier && y.flags.contains(.paid) && y.currencyCode == x.currencyCode ? y.netAmount : 0,
        isPartner, isPartner ? y.placedAt : 0
      )
    }
    return gives(before) != gives(after)
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
