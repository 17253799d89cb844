public import Orders
import Topics

/// Folds order snapshots into customer histories and writes `EnrichedOrder` records (facts.md, "The fold").
///
/// Holds the reference data and the demand of one edition and one set of rules; make another when either changes.
/// Reuses its buffers: one folder per lane.
public final class HistoryFolder {
  /// `bundle_order_ids` of a record.
  static let bundleIdsMax = 20

  public let reference: ReferenceData
  public let demand: FactDemand
  public let zone: ShopZone
  let stockMaxAgeUs: Int64
  /// Lists that were imported, in the order of the demand, with their bit numbers by list.
  let importedLists: [String]
  let missingLists: [String]
  let bitOfList: [Int8]
  /// Spans of the duplicates that are asked for, in µs.
  let duplicateSpans: [Int64]
  /// What can be overdue and is asked for.
  let watches: [TimedFact]
  /// How far event time has come in the partition at hand: set by the owner before it folds. Never goes back.
  public var clock = Int64.min

  var writer = ProtobufWriter(capacity: 8192)
  private var countries = CountryMemo()
  var history: HistoryFacts
  var aggregates: HistoryAggregates
  /// Bits per item, reused.
  var itemBits: [UInt64] = []
  var stockLines: [StockLine] = []

  /// - Parameter stockMaxAge: a level older than this at `placed_at` is missing (`stock.max_age`).
  public init(
    reference: ReferenceData, demand: FactDemand, zone: ShopZone = .seoul,
    stockMaxAge: Duration = .seconds(86_400)
  ) {
    self.reference = reference
    var bounded = demand
    bounded.lists = Array(demand.lists.prefix(FactDemand.listsMax))
    bounded.claimWindows = demand.claimWindows.prefix(FactDemand.claimWindowsMax).map {
      ClaimWindow(scope: $0.scope, months: min(max($0.months, 0), ClaimWindow.monthsMax))
    }
    bounded.timed = Array(demand.timed.prefix(FactDemand.timedMax))
    bounded.aggregates = Array(demand.aggregates.prefix(FactDemand.aggregatesMax))
    self.demand = bounded
    aggregates = HistoryAggregates(bounded.aggregates)
    duplicateSpans = bounded.timed.filter { $0.kind == .duplicates }.map(\.span)
    watches = bounded.timed.filter { $0.kind != .duplicates }
    self.zone = zone
    let (seconds, attoseconds) = stockMaxAge.components
    stockMaxAgeUs = min(max(seconds, 0), 1_000_000_000_000) * 1_000_000 + attoseconds / 1_000_000_000_000
    var bits = [Int8](repeating: -1, count: reference.lists.names.count)
    var imported: [String] = []
    var missing: [String] = []
    for name in bounded.lists {
      guard let index = reference.lists.index(of: name) else {
        missing.append(name)
        continue
      }
      guard bits[index] < 0 else { continue }
      bits[index] = Int8(imported.count)
      imported.append(name)
    }
    importedLists = imported
    missingLists = missing
    bitOfList = bits
    history = HistoryFacts(windowCount: bounded.claimWindows.count)
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
    let dated = DatedSnapshot(snapshot, summary: summary, reference: reference, countries: &countries)
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
    return FoldOutcome(
      isDuplicate: insertion == .duplicate, isLate: (before.last?.version ?? .min) > dated.version,
      emitted: Int(cause.n), nextDue: watches.isEmpty ? .max : nextDue(of: order, after: clock))
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
    guard let hash = encode(index, in: customer, cause) else { return }
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
