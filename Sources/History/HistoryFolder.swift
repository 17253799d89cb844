public import Orders
import Topics

/// Folds order snapshots into customer histories and writes `EnrichedOrder` records (facts.md, "The fold").
///
/// By which edition of the reference data, and which facts, is said anew where it changes (`use`).
/// Reuses its buffers: one folder per lane.
public final class HistoryFolder {
  /// `bundle_order_ids` of a record.
  static let bundleIdsMax = 20

  /// By which orders are judged now.
  public internal(set) var edition: PlannedReference
  public let zone: ShopZone
  let stockMaxAgeUs: Int64
  /// What is computed now: of the mall, and the shop, that were selected last.
  var prepared: PreparedDemand
  var planned: PlannedDemands
  /// Name of the mall selected, its number in the plan, and whether its shops differ.
  var mallBytes: [UInt8] = []
  var mall: Int?
  var mallHasShops = false
  /// Of `prepared`, in the plan.
  var demandIndex = -1
  /// By number of a list in the reference data: its bit, −1 when it is not asked for.
  var bitOfList: [Int8]
  var listNumbers: [String: Int] { edition.listNumbers }
  /// How far event time has come in the partition at hand: set by the owner before it folds. Never goes back.
  public var clock = Int64.min

  var writer = ProtobufWriter(capacity: 8192)
  var history: HistoryFacts
  /// Bits per item, reused.
  var itemBits: [UInt64] = []
  var stockLines: [StockLine] = []

  /// - Parameter stockMaxAge: a level older than this at `placed_at` is missing (`stock.max_age`).
  public init(
    reference: ReferenceData, plan: DemandPlan, zone: ShopZone = .seoul,
    stockMaxAge: Duration = .seconds(86_400)
  ) {
    edition = PlannedReference(reference)
    self.zone = zone
    let (seconds, attoseconds) = stockMaxAge.components
    stockMaxAgeUs = min(max(seconds, 0), 1_000_000_000_000) * 1_000_000 + attoseconds / 1_000_000_000_000
    bitOfList = [Int8](repeating: -1, count: reference.lists.names.count)
    planned = PlannedDemands(DemandPlan(FactDemand()))
    prepared = PreparedDemand(FactDemand(), edition)
    history = HistoryFacts(windowCount: 0)
    use(PlannedDemands(plan))
  }

  /// The same facts for every order.
  public convenience init(
    reference: ReferenceData, demand: FactDemand, zone: ShopZone = .seoul,
    stockMaxAge: Duration = .seconds(86_400)
  ) {
    self.init(reference: reference, plan: DemandPlan(demand), zone: zone, stockMaxAge: stockMaxAge)
  }

  /// What is computed now.
  var demand: FactDemand { prepared.demand }
  var importedLists: [String] { prepared.importedLists }
  var missingLists: [String] { prepared.missingLists }
  var duplicateSpans: [Int64] { prepared.duplicateSpans }
  var watches: [TimedFact] { prepared.watches }
  var aggregates: HistoryAggregates {
    _read { yield prepared.aggregates }
    _modify { yield &prepared.aggregates }
  }

  /// Folds one encoded `OrderSnapshot`. Emits the order's own record, always, then those siblings whose facts it
  /// changed, in position order. Throws before anything is changed.
  @discardableResult
  public func fold(
    _ snapshot: UnsafeRawBufferPointer, position: InputPosition, into customer: CustomerHistory,
    emit: (EmittedRecord) -> Void
  ) throws(HistoryError) -> FoldOutcome {
    try fold(
      snapshot, summary: SnapshotSummary(snapshot), position: position, into: customer, emit: emit)
  }

  /// The same for a snapshot that was read already, to find its customer.
  @discardableResult
  public func fold(
    _ snapshot: UnsafeRawBufferPointer, summary: SnapshotSummary, position: InputPosition,
    into customer: CustomerHistory, emit: (EmittedRecord) -> Void
  ) throws(HistoryError) -> FoldOutcome {
    guard summary.isOf(customer.customer, in: snapshot) else { throw .otherCustomer }
    select(mall: summary.mall.slice(of: snapshot))
    let dated = dated(snapshot, summary)
    let orderId = summary.order.slice(of: snapshot)
    let before =
      customer.indexOfOrder(shopNo: summary.shopNo, orderId: orderId).map {
        customer.orders[$0].effective
      } ?? []
    let latestBefore = customer.latestEventTime
    let (index, insertion) = try customer.insert(dated, shopNo: summary.shopNo, orderId: orderId)
    let order = customer.orders[index]
    if order.epoch < position.epoch {
      order.epoch = position.epoch
      order.isChanged = true
    }
    var cause = Cause(position: position, eventTime: dated.eventTime, n: 0)
    decide(index, in: customer, &cause, always: true, emit)
    if insertion != .duplicate, customer.orders.count > 1, customer.customer.kind != .none {
      decideSiblings(of: index, before: before, in: customer, &cause, emit)
      decideHolders(but: index, from: latestBefore, in: customer, &cause, emit)
    }
    let purchaseDue =
      insertion == .duplicate
      ? .max : decideLastPurchase(but: index, before: before.last, in: customer, &cause, emit)
    return FoldOutcome(
      isDuplicate: insertion == .duplicate, isLate: (before.last?.version ?? .min) > dated.version,
      emitted: Int(cause.n),
      nextDue: watchesDeadlines ? min(nextDue(of: order, after: clock), purchaseDue) : .max)
  }

  /// What is kept of a snapshot.
  func dated(_ snapshot: UnsafeRawBufferPointer, _ summary: SnapshotSummary) -> DatedSnapshot {
    DatedSnapshot(snapshot, summary: summary, reference: edition.data, countries: &edition.countries)
  }

  /// The input behind the records of one fold.
  struct Cause {
    var position: InputPosition
    var eventTime: Int64
    /// Number of the next record.
    var n: UInt32
  }

  /// Writes an order's record and hands it out, unless it says nothing new and need not.
  func decide(
    _ index: Int, in customer: CustomerHistory, _ cause: inout Cause, always: Bool,
    _ emit: (EmittedRecord) -> Void
  ) {
    let order = customer.orders[index]
    select(shop: order.shopNo)
    guard let hash = encode(index, in: customer, cause), !customer.isMalformed else { return }
    if hash != order.emittedHash {
      order.emittedHash = hash
      order.isChanged = true
    } else if !always {
      return
    }
    writer.withUnsafeBytes {
      emit(EmittedRecord(bytes: $0, customer: customer.customer, n: cause.n))
    }
    cause.n += 1
  }
}
