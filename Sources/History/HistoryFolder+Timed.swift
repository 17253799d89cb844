import Orders
import Topics

extension HistoryFolder {
  /// The facts with a span, in the order of the demand.
  func writeTimed(
    of state: DatedSnapshot, _ index: Int, in customer: CustomerHistory, cut: Int64, bundles: Bool,
    to facts: inout ProtobufWriter
  ) {
    for fact in demand.timed {
      var value: Int64
      switch fact.kind {
      case .duplicates:
        guard customer.customer.kind != .none else { continue }
        value = bundles ? duplicates(of: state, index, in: customer, cut: cut, within: fact.span) : 0
      case .purchase:
        guard customer.customer.kind != .none else { continue }
        value = isAwaited(index, fact, in: customer) ? 1 : 0
      case .coupon, .cart:
        guard let isSo = isSo(fact, of: index, in: customer) else { continue }
        value = isSo ? 1 : 0
      default: value = isOverdue(customer.orders[index], fact, in: customer) ? 1 : 0
      }
      facts.message(18) { entry in
        entry.int32(1, fact.kind.rawValue)
        entry.int64(2, fact.span)
        entry.int64(3, value)
        entry.bytes(4, fact.code)
      }
    }
  }

  // MARK: Duplicates

  private func duplicates(
    of state: DatedSnapshot, _ index: Int, in customer: CustomerHistory, cut: Int64, within span: Int64
  ) -> Int64 {
    var count: Int64 = 0
    for other in customer.orders.indices where other != index {
      let order = customer.orders[other]
      guard let sibling = cut == .max ? order.latest : order.state(at: cut) else { continue }
      if state.isDuplicate(of: sibling, within: span) { count += 1 }
    }
    return count
  }

  /// Whether a sibling's two states give different things to the duplicates of an order. May say yes too often.
  func isDuplicateAffected(_ order: FoldedOrder, _ before: DatedSnapshot?, _ after: DatedSnapshot?) -> Bool {
    select(shop: order.shopNo)
    guard !duplicateSpans.isEmpty, before !== after, !order.isFirstSeenClosed, let x = order.decided else {
      return false
    }
    // A changed order may show late facts, whose receiver and lines are those of its last state.
    if order.isClosed, order.latest !== x { return true }
    return duplicateSpans.contains { span in
      (before.map { x.isDuplicate(of: $0, within: span) } ?? false)
        != (after.map { x.isDuplicate(of: $0, within: span) } ?? false)
    }
  }

  // MARK: Deadlines

  /// At T(X), which the clock moves on for an open order (docs/design.md, "Deadlines").
  private func isOverdue(_ order: FoldedOrder, _ fact: TimedFact, in customer: CustomerHistory) -> Bool {
    guard let since = order.since(fact.kind) else { return false }
    let isAlone = customer.customer.kind == .none
    let latest = isAlone ? order.lastEventTime ?? .min : customer.latestEventTime
    let instant = order.cut == .max ? max(clock, latest) : order.cut
    return since + fact.span <= instant
  }

  /// Deadlines of an open order.
  private func forEachDue(of order: FoldedOrder, _ body: (Int64) -> Void) {
    guard !order.isClosed else { return }
    select(shop: order.shopNo)
    for fact in watches {
      if let since = order.since(fact.kind) { body(since + fact.span) }
    }
  }

  /// The first deadline of an open order after an instant; `.max`: none.
  func nextDue(of order: FoldedOrder, after instant: Int64) -> Int64 {
    var next = Int64.max
    forEachDue(of: order) { due in if due > instant { next = min(next, due) } }
    return next
  }

  /// The last deadline of an open order that the clock has reached; `.min`: none.
  func lastDue(of order: FoldedOrder) -> Int64 {
    guard watchesDeadlines else { return .min }
    var last = Int64.min
    forEachDue(of: order) { due in if due <= clock { last = max(last, due) } }
    return last
  }

  /// The first deadline of the customer after an instant; `.max`: none.
  public func nextDue(in customer: CustomerHistory, after instant: Int64) -> Int64 {
    select(mall: customer.customer.mallId)
    let next = customer.orders.reduce(.max) { min($0, nextDue(of: $1, after: instant)) }
    return min(next, nextCustomerDue(in: customer, after: instant))
  }

  /// Fires what fell due from `instant` up to the clock: emits every order of the customer that this changed, in
  /// position order, numbered from `number`. What fired before, or is no longer so, emits nothing.
  public func fire(
    _ customer: CustomerHistory, from instant: Int64, position: InputPosition, number: UInt32,
    emit: (EmittedRecord) -> Void
  ) -> (emitted: Int, nextDue: Int64) {
    select(mall: customer.customer.mallId)
    var due: [Int] = []
    var firedAt: [Int: Int64] = [:]
    let before = max(instant, .min + 1) - 1
    var next = Int64.max
    for (index, order) in customer.orders.enumerated() {
      if nextDue(of: order, after: before) <= clock { due.append(index) }
      next = min(next, nextDue(of: order, after: clock))
    }
    forEachCustomerDue(in: customer) { index, instant in
      if instant > clock { next = min(next, instant) }
      guard instant > before, instant <= clock else { return }
      if !due.contains(index) { due.append(index) }
      firedAt[index] = max(firedAt[index] ?? .min, instant)
    }
    if due.count > 1 { due.sort { customer.isEarlier($0, $1) } }
    var cause = Cause(position: position, eventTime: 0, n: number)
    for index in due {
      cause.eventTime = max(lastDue(of: customer.orders[index]), firedAt[index] ?? .min)
      decide(index, in: customer, &cause, always: false, emit)
    }
    return (Int(cause.n - number), next)
  }

  /// Reads to the end: all deadlines of these customers up to the clock, for who schedules none.
  public func fireAll(_ customers: [CustomerHistory], position: InputPosition, emit: (EmittedRecord) -> Void)
  {
    guard watchesDeadlines else { return }
    let sorted = customers.map { ($0.customer.recordPrefix, $0) }.sorted {
      $0.0.lexicographicallyPrecedes($1.0)
    }
    var number: UInt32 = 1
    for (_, customer) in sorted {
      number += UInt32(
        clamping: fire(customer, from: .min, position: position, number: number, emit: emit).emitted)
    }
  }

  /// What a stored record of an order tells about deadlines.
  public struct StoredDeadline {
    /// `CustomerIdentity.recordPrefix`.
    public var customerKey: [UInt8]
    /// `.max`: none.
    public var nextDue: Int64
  }

  /// Reads a stored `OrderLedger`. Throws `malformedRecord`.
  public func storedDeadline(
    key: UnsafeRawBufferPointer, record: UnsafeRawBufferPointer, after instant: Int64
  ) throws(HistoryError) -> StoredDeadline {
    guard let parts = RecordKey(key) else { throw .malformedRecord }
    let order = FoldedOrder(shopNo: parts.shopNo, orderId: parts.orderId)
    let owner = ChangedOrders(customer: parts.customer)
    order.changes = owner
    defer { withExtendedLifetime(owner) {} }
    try order.restore([UInt8](record), readsStates: true)
    select(mall: parts.customer.mallId)
    return StoredDeadline(
      customerKey: parts.customer.recordPrefix, nextDue: nextDue(of: order, after: instant))
  }
}

extension TimedFact.Kind {
  /// Whether an order's state is one in which this can become overdue.
  fileprivate func holds(in summary: SnapshotSummary) -> Bool {
    guard !summary.isClosed else { return false }
    switch self {
    case .duplicates, .purchase, .coupon, .cart: return false
    case .unpaid: return summary.paymentStatus == .unpaid
    case .giftAddress: return summary.isGiftPending
    case .unshipped: return summary.isPaid
    }
  }
}

extension FoldedOrder {
  /// Since when the order has been so at T(X) without a break; nil when it is not so.
  ///
  /// Counts from `placed_at`, or `paid_at` for what is not shipped. After a break it counts anew, from the event time
  /// of the state that began it.
  func since(_ kind: TimedFact.Kind) -> Int64? {
    let last = (closedFrom ?? effective.count) - 1
    guard last >= 0, kind.holds(in: effective[last].summary) else { return nil }
    var first = last
    while first > 0, kind.holds(in: effective[first - 1].summary) { first -= 1 }
    let began = effective[first].eventTime
    let summary = effective[last].summary
    if kind == .unshipped {
      if first > 0, effective[first - 1].summary.isClosed { return began }
      return summary.paidAt?.microseconds ?? began
    }
    return first == 0 ? summary.placedAt.microseconds : began
  }
}
