import Orders
public import Topics

/// One value of topic `orders` for the owner of another customer.
public struct MovedRecord {
  public let to: CustomerIdentity
  public let value: [UInt8]
}

/// Guests who become members (docs/design.md, "A guest who becomes a member").
extension HistoryFolder {
  /// Of an order's states so many bytes go into one record; a single larger one goes alone.
  static let movedBytesMax = 512 << 10
  /// Customers that an order may come by.
  static let hopsMax = 64

  /// Takes a merge at the customer whose orders go over: hands them out, and forgets them. False: it is known.
  /// Throws before anything is changed.
  @discardableResult
  public func fold(
    _ merge: MergeEventValue, into customer: CustomerHistory, move: (MovedRecord) -> Void
  ) throws(HistoryError) -> Bool {
    guard CustomerIdentity(from: merge) == customer.customer else { throw .otherCustomer }
    guard let to = CustomerIdentity(to: merge), to != customer.customer else { throw .invalidField("to") }
    guard SnapshotSummary.isInCalendar(merge.at) else { throw .invalidField("at_us") }
    if let known = customer.merge.into {
      guard known == to else { throw .mergedElsewhere }
      return false
    }
    // What cannot be read must not leave as if it were nothing.
    for order in customer.orders { _ = order.snapshots }
    guard !customer.isMalformed else { throw .malformedRecord }
    let orders = customer.takeOrders()
    customer.merge.set(into: to, at: merge.at.microseconds)
    var way = Way(from: customer, to: to)
    for order in orders {
      (way.shopNo, way.orderId, way.epoch) = (order.shopNo, order.orderId, order.epoch)
      var rest = order.snapshots[...]
      var contexts = order.contexts.all
      while !rest.isEmpty || !contexts.isEmpty {
        let part = rest.prefix(Self.statesThatFit(rest))
        move(way.record(of: part, contexts))
        contexts = []
        rest = rest.dropFirst(part.count)
      }
    }
    return true
  }

  private static func statesThatFit(_ states: ArraySlice<DatedSnapshot>) -> Int {
    var room = movedBytesMax
    var count = 0
    for state in states {
      room -= state.bytes.count
      guard room >= 0 || count == 0 else { break }
      count += 1
    }
    return count
  }

  // MARK: Inputs of a customer who was merged

  /// What to hand on of a snapshot; nil: the customer's orders are his own.
  public func forward(
    _ snapshot: UnsafeRawBufferPointer, summary: SnapshotSummary, of customer: CustomerHistory
  ) throws(HistoryError) -> MovedRecord? {
    guard let to = customer.destination(after: []) else { return nil }
    guard summary.isOf(customer.customer, in: snapshot) else { throw .otherCustomer }
    var way = Way(from: customer, to: to)
    (way.shopNo, way.orderId) = (summary.shopNo, [UInt8](summary.order.slice(of: snapshot)))
    return way.record(of: [dated(snapshot, summary)], [])
  }

  /// The same of from where an order was placed.
  public func forward(_ context: ContextEventValue, of customer: CustomerHistory) throws(HistoryError)
    -> MovedRecord?
  {
    guard let to = customer.destination(after: []) else { return nil }
    guard CustomerIdentity(context) == customer.customer else { throw .otherCustomer }
    let told = try dated(context)
    var way = Way(from: customer, to: to)
    (way.shopNo, way.orderId) = (context.shopNo, Array(context.orderId.utf8))
    return way.record(of: [], [told])
  }

  /// The same of states that came from another customer.
  public func forward(_ moved: MovedOrderValue, of customer: CustomerHistory) throws(HistoryError)
    -> MovedRecord?
  {
    guard CustomerIdentity(moved) == customer.customer else { throw .otherCustomer }
    var path: [CustomerIdentity] = []
    for key in moved.path {
      guard let passed = CustomerIdentity(mallId: moved.mallId, merged: key) else {
        throw .invalidField("path")
      }
      path.append(passed)
    }
    guard let to = customer.destination(after: path) else { return nil }
    guard path.count < Self.hopsMax else { throw .tooManyMerges }
    var next = moved
    next.to = to.keyValue
    next.path.append(customer.customer.keyValue)
    next.epoch = moved.epoch &+ 1
    return MovedRecord(to: to, value: next.ordersValue)
  }

  // MARK: At the customer who has the orders

  /// Folds states that came from another customer, as if they had come here at first. Emits the order's record if any of
  /// them is new here or its epoch rises, and those siblings' whose facts it changed; none is the input's own.
  /// Throws before anything is changed.
  @discardableResult
  public func fold(
    _ moved: MovedOrderValue, position: InputPosition, into customer: CustomerHistory,
    emit: (EmittedRecord) -> Void
  ) throws(HistoryError) -> FoldOutcome {
    guard CustomerIdentity(moved) == customer.customer else { throw .otherCustomer }
    guard !moved.orderId.isEmpty else { throw .invalidField("order_id") }
    let told = try restored(moved)
    select(mall: moved.mallId)
    let known = told.orderId.withUnsafeBytes { customer.indexOfOrder(shopNo: told.shopNo, orderId: $0) }
    let before = known.map { customer.orders[$0].effective } ?? []
    let latestBefore = customer.latestEventTime
    let taken = try customer.insert(statesOf: told)
    guard let index = taken.index else {
      return FoldOutcome(isDuplicate: !taken.isChanged, isLate: false, emitted: 0)
    }
    let order = customer.orders[index]
    let isRaised = order.epoch < moved.epoch
    if isRaised {
      order.epoch = moved.epoch
      order.isChanged = true
    }
    var cause = Cause(position: position, eventTime: told.latest?.eventTime ?? latestBefore, n: 1)
    // T(X) may have moved while all else is as it was said: as after a snapshot.
    let isDue = isRaised || taken.earliest != nil
    if isDue || taken.isChanged { decide(index, in: customer, &cause, always: isDue, emit) }
    if let earliest = taken.earliest {
      cause.eventTime = earliest
      if customer.orders.count > 1 {
        decideSiblings(of: index, before: before, in: customer, &cause, emit)
        decideHolders(but: index, from: latestBefore, in: customer, &cause, emit)
      }
    }
    let purchaseDue =
      taken.earliest == nil
      ? .max : decideLastPurchase(but: index, before: before.last, in: customer, &cause, emit)
    return FoldOutcome(
      isDuplicate: !taken.isChanged, isLate: (before.last?.version ?? .min) > (told.latest?.version ?? .max),
      emitted: Int(cause.n) - 1,
      nextDue: watchesDeadlines ? min(nextDue(of: order, after: clock), purchaseDue) : .max,
      keptBytes: taken.bytes + (known == nil ? CustomerHistory.orderOverheadBytes : 0))
  }

  /// The highest event time among the states of a moved order; `.min`: it has none.
  public func latestEventTime(of moved: MovedOrderValue) throws(HistoryError) -> Int64 {
    try restored(moved).snapshots.last?.eventTime ?? .min
  }

  private func restored(_ moved: MovedOrderValue) throws(HistoryError) -> FoldedOrder {
    let order = FoldedOrder(shopNo: moved.shopNo, orderId: Array(moved.orderId.utf8))
    try order.restore(moved.ledger, readsStates: true)
    for state in order.snapshots where !state.isOf(moved, order) { throw .malformedRecord }
    return order
  }
}

extension DatedSnapshot {
  fileprivate func isOf(_ moved: MovedOrderValue, _ order: FoldedOrder) -> Bool {
    summary.shopNo == order.shopNo
      && bytes.withUnsafeBytes { all in
        order.orderId.withUnsafeBytes { sameBytes(summary.order.slice(of: all), $0) }
          && summary.mallId(in: all) == moved.mallId
      }
  }
}

/// From whom to whom an order goes.
private struct Way {
  let to: CustomerIdentity
  private let from: CustomerIdentity
  var shopNo: Int32 = 0
  var orderId: [UInt8] = []
  /// Of the order, here.
  var epoch: UInt32 = 0

  init(from customer: CustomerHistory, to: CustomerIdentity) {
    from = customer.customer
    self.to = to
  }

  func record(of states: ArraySlice<DatedSnapshot>, _ contexts: [DatedCountry]) -> MovedRecord {
    var writer = ProtobufWriter(capacity: 4096)
    FoldedOrder.write(states, contexts, to: &writer)
    var moved = MovedOrderValue()
    moved.mallId = from.mallId
    moved.shopNo = shopNo
    moved.orderId = String(decoding: orderId, as: UTF8.self)
    moved.to = to.keyValue
    moved.path = [from.keyValue]
    moved.epoch = epoch &+ 1
    moved.ledger = writer.bytes
    return MovedRecord(to: to, value: moved.ordersValue)
  }
}

extension CustomerHistory {
  /// Puts the states of an order into the order here, new or known. `index`: of the order, nil while it has no snapshot.
  /// `earliest`: the event time from which on its states may be others; nil: they are what they were.
  fileprivate func insert(statesOf told: FoldedOrder) throws(HistoryError)
    -> (index: Int?, earliest: Int64?, isChanged: Bool, bytes: Int)
  {
    var bytes = 0
    var index: Int?
    var earliest: Int64?
    var isChanged = false
    for state in told.snapshots {
      let place = try insert(state, shopNo: told.shopNo, orderIdBytes: told.orderId)
      index = place.index
      guard place.outcome != .duplicate else { continue }
      earliest = min(earliest ?? .max, state.eventTime)
      bytes += state.bytes.count + Self.snapshotOverheadBytes
    }
    for context in told.contexts.all {
      let place = try insert(context, shopNo: told.shopNo, orderId: told.orderId)
      index = index ?? place.index
      if place.isNew { isChanged = true }
    }
    return (index, earliest, isChanged || earliest != nil, bytes)
  }

  private func insert(
    _ state: DatedSnapshot, shopNo: Int32, orderIdBytes: [UInt8]
  ) throws(HistoryError) -> (index: Int, outcome: FoldedOrder.Insertion) {
    let placed = orderIdBytes.withUnsafeBytes { id in
      Result { () throws(HistoryError) in try insert(state, shopNo: shopNo, orderId: id) }
    }
    return try placed.get()
  }
}
