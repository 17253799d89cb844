public import Orders
import Store

/// A shop in one SQLite file: what a trial run, the demonstration and tests write to and show.
///
/// Several processes may use the file at once. Changes are folded per order in memory and written by `flush()` in
/// one transaction; if somebody else wrote meanwhile, they are done again upon what is there then, so that no
/// edit of a person is lost. One owner, one thread at a time.
public final class LocalShop: ShopSink {
  /// (label, item) pairs on one order.
  public static let labelsPerOrderMax = 4096
  /// Orders, alerts and marks that wait in memory before they are written without being asked.
  public static let pendingMax = 50_000

  struct Pending {
    var labels: OrderLabels
    /// What was asked since the last flush, to be done again if the row has changed.
    var changes: [LabelChange]
  }

  let connection: Connection
  var pending: [OrderIdentity: Pending] = [:]
  var alerts: [String: ShopAlert] = [:]
  var marks: [MarkKey: ShopMark] = [:]
  var displays: [OrderIdentity: OrderDisplay] = [:]
  var statements: LocalShopStatements
  var buffer: [UInt8] = []
  /// SQLite's count of writes by others at the time the pending rows were read.
  var dataVersion: Int64 = 0

  struct MarkKey: Hashable {
    let order: OrderIdentity
    let kind: String
    let rule: String
    let cause: String
  }

  /// Opens or creates the file.
  /// - Throws: `SQLiteError`; `Connection.NewerSchema`.
  public init(path: String, busyTimeoutMs: Int32 = 10_000) throws {
    var options = Connection.Options()
    options.busyTimeoutMs = busyTimeoutMs
    options.autoCheckpointPages = 4000
    connection = try Connection(path: path, options: options)
    try connection.migrate(LocalShop.migrations)
    statements = try LocalShopStatements(connection)
    dataVersion = try statements.readDataVersion()
  }

  // MARK: ShopSink

  public func apply(_ changes: [LabelChange]) throws -> [LabelOutcome] {
    if isFull { try flush() }
    // Without this the statements would each take and leave the file's lock.
    try connection.execute("BEGIN")
    defer { try? connection.execute("COMMIT") }
    var outcomes: [LabelOutcome] = []
    outcomes.reserveCapacity(changes.count)
    for change in changes { outcomes.append(try perform(change)) }
    return outcomes
  }

  private func perform(_ change: LabelChange) throws -> LabelOutcome {
    guard LabelName.isAllowed(change.label) else { return LabelOutcome(.refused(.labelName)) }
    guard change.itemCodes.allSatisfy(LabelName.isItemCode) else { return LabelOutcome(.refused(.itemGone)) }
    if pending[change.order] == nil {
      pending[change.order] = Pending(labels: try statements.labels(change.order), changes: [])
    }
    guard let count = pending[change.order]?.labels.itemCount,
      change.kind == .remove || count + change.itemCodes.count <= LocalShop.labelsPerOrderMax
    else { return LabelOutcome(.refused(.tooMany)) }
    let outcome = pending[change.order]?.labels.perform(change)
    if outcome?.result == .done { pending[change.order]?.changes.append(change) }
    return outcome ?? LabelOutcome(.refused(.other))
  }

  public func labels(of order: OrderIdentity) throws -> [ItemLabel] {
    var current = try statements.labels(order)
    for change in pending[order]?.changes ?? [] { _ = current.perform(change) }
    let all = current.lines.flatMap { line in
      line.items.filter { $0.hand != .veto }.map {
        ItemLabel(itemCode: $0.code, label: line.label, byUs: $0.hand == .us)
      }
    }
    return all.sorted { left, right in
      left.itemCode == right.itemCode
        ? bytesPrecede(left.label, right.label) : bytesPrecede(left.itemCode, right.itemCode)
    }
  }

  public func deliver(_ alert: ShopAlert) throws -> EffectOutcome {
    if isFull { try flush() }
    if try alerts[alert.idempotencyKey] != nil || statements.hasAlert(alert.idempotencyKey) {
      return .already
    }
    alerts[alert.idempotencyKey] = alert
    return .done
  }

  public func mark(_ mark: ShopMark) throws -> EffectOutcome {
    if isFull { try flush() }
    let key = MarkKey(order: mark.order, kind: mark.kind, rule: mark.rule, cause: mark.cause)
    let isSet = try marks[key]?.isSet ?? statements.isMarked(key)
    if isSet == mark.isSet { return .already }
    marks[key] = mark
    return .done
  }

  /// Writes everything that waits, in one transaction; a failure leaves it waiting.
  public func flush() throws {
    if pending.isEmpty, alerts.isEmpty, marks.isEmpty, displays.isEmpty { return }
    try connection.transaction {
      let isStale = try statements.readDataVersion() != dataVersion
      for (order, waiting) in pending.sorted(by: { $0.key < $1.key }) where !waiting.changes.isEmpty {
        var labels = waiting.labels
        if isStale {
          labels = try statements.labels(order)
          for change in waiting.changes { _ = labels.perform(change) }
        }
        labels.store(into: &buffer)
        try statements.storeLabels(order, buffer)
      }
      for alert in alerts.values { try statements.store(alert) }
      for mark in marks.values { try statements.store(mark) }
      for display in displays.values { try statements.store(display) }
    }
    forgetPending()
  }

  /// True when the owner should flush soon, whatever its clock says.
  public var isFull: Bool {
    pending.count + alerts.count + marks.count + displays.count >= LocalShop.pendingMax
  }

  private func forgetPending() {
    pending.removeAll(keepingCapacity: true)
    alerts.removeAll(keepingCapacity: true)
    marks.removeAll(keepingCapacity: true)
    displays.removeAll(keepingCapacity: true)
    dataVersion = (try? statements.readDataVersion()) ?? -1
  }
}
