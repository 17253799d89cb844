/// A demand made ready for one edition of the reference data.
final class PreparedDemand {
  let demand: FactDemand
  let edition: PlannedReference
  /// Lists that were imported, in the order of the demand: the position is the bit.
  let importedLists: [String]
  let missingLists: [String]
  /// Numbers of the imported ones in the reference data, in the same order.
  let listNumbers: [Int]
  /// Spans of the duplicates that are asked for, in µs.
  let duplicateSpans: [Int64]
  /// What can be overdue and is asked for.
  let watches: [TimedFact]
  /// Of `watches`: what is asked of the customer's last purchase.
  let purchaseWatches: [PurchaseWatch]
  /// ... and of his profile.
  let profileWatches: [TimedFact]
  /// With what it holds of the order at hand.
  var aggregates: HistoryAggregates

  /// - Parameter demand: bounded.
  init(_ demand: FactDemand, _ edition: PlannedReference) {
    self.demand = demand
    self.edition = edition
    duplicateSpans = demand.timed.filter { $0.kind == .duplicates }.map(\.span)
    watches = demand.watches
    purchaseWatches = watches.compactMap { PurchaseWatch($0) }
    profileWatches = watches.filter { $0.kind == .coupon || $0.kind == .cart }
    aggregates = HistoryAggregates(demand.aggregates)
    var imported: [String] = []
    var missing: [String] = []
    var found: [Int] = []
    for name in demand.lists {
      guard let number = edition.listNumbers[name] else {
        missing.append(name)
        continue
      }
      guard !found.contains(number) else { continue }
      found.append(number)
      imported.append(name)
    }
    importedLists = imported
    missingLists = missing
    listNumbers = found
  }
}

/// A plan, and what of it one lane has made ready so far.
public final class PlannedDemands {
  public let plan: DemandPlan
  fileprivate var prepared: [PreparedDemand?]

  public init(_ plan: DemandPlan) {
    self.plan = plan
    prepared = Array(repeating: nil, count: plan.demands.count)
  }
}

extension HistoryFolder {
  /// The plan that is folded by now.
  public var inUse: PlannedDemands { planned }

  /// Folds by another plan from now on.
  public func use(_ planned: PlannedDemands) {
    guard planned !== self.planned else { return }
    self.planned = planned
    mallBytes.removeAll(keepingCapacity: true)
    mall = nil
    mallHasShops = false
    demandIndex = -1
    take(0)
  }

  /// From now on the facts are those that orders of this mall get.
  @inline(__always) func select(mall name: UnsafeRawBufferPointer) {
    if planned.plan.isUniform || mallBytes.withUnsafeBytes({ sameBytes($0, name) }) { return }
    change(mall: name)
  }

  private func change(mall name: UnsafeRawBufferPointer) {
    mallBytes.removeAll(keepingCapacity: true)
    mallBytes.append(contentsOf: name)
    mall = planned.plan.find(name)
    mallHasShops = planned.plan.hasShops(mall)
    take(planned.plan.demand(mall, shop: .min))
  }

  func select(mall name: String) {
    if planned.plan.isUniform { return }
    var name = name
    name.withUTF8 { select(mall: UnsafeRawBufferPointer($0)) }
  }

  /// ... of this shop of the mall.
  @inline(__always) func select(shop: Int32) {
    if mallHasShops { take(planned.plan.demand(mall, shop: shop)) }
  }

  private func take(_ index: Int) {
    guard index != demandIndex else { return }
    demandIndex = index
    let next = prepared(index)
    for number in prepared.listNumbers { bitOfList[number] = -1 }
    for (bit, number) in next.listNumbers.enumerated() { bitOfList[number] = Int8(bit) }
    prepared = next
    history.setWindowCount(next.demand.claimWindows.count)
  }

  /// Of the plan, for the edition in use: partitions of a lane that go by different ones make it ready in turns.
  private func prepared(_ index: Int) -> PreparedDemand {
    if let ready = planned.prepared[index], ready.edition === edition { return ready }
    let next = PreparedDemand(planned.plan.demands[index], edition)
    planned.prepared[index] = next
    return next
  }

  /// After a change of edition: no list has a bit.
  func prepareAnew() {
    let index = demandIndex
    prepared = PreparedDemand(FactDemand(), edition)
    demandIndex = -1
    take(max(index, 0))
  }

  /// Whether some rule asks what is overdue.
  public var watchesDeadlines: Bool { planned.plan.watchesDeadlines }

  /// Whether some rule asks of customers as of now: their deadlines are then found in all orders of each together.
  public var watchesCustomers: Bool { planned.plan.watchesCustomers }

  /// `DemandPlan.watchesHash`.
  public var watchesHash: UInt64 { planned.plan.watchesHash }

  /// Whether the order of a stored record is watched for something that `former` did not watch it for.
  public func watchesMore(than former: DemandPlan, key: UnsafeRawBufferPointer) -> Bool {
    guard let parts = RecordKey(key) else { return false }
    return planned.plan.watchesMore(
      than: former, mall: Array(parts.customer.mallId.utf8), shop: parts.shopNo)
  }

  /// The first deadline of those orders of a customer that are watched for more than `former` watched them for.
  public func nextDue(in customer: CustomerHistory, watchedMoreThan former: DemandPlan) -> Int64 {
    let mall = Array(customer.customer.mallId.utf8)
    select(mall: customer.customer.mallId)
    var next = Int64.max
    for order in customer.orders
    where planned.plan.watchesMore(than: former, mall: mall, shop: order.shopNo) {
      next = min(next, nextDue(of: order, after: .min))
    }
    return min(next, nextCustomerDue(in: customer, after: .min))
  }
}
