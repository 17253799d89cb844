import ApplyStage
import EnrichStage
import EvaluateStage
import History
import Orders
import Rules
import Shop
import Topics

/// The real cores of the four stages, joined in memory: no broker, no file, no clock of the machine.
///
/// Between the stages only bytes pass, as over the topics; state survives only as the records that the stages'
/// changelogs would hold.
final class MemoryPipeline {
  struct Refused: Error { let problems: [Problem] }

  /// How often decisions are made: after each event, or of all events together in one batch.
  enum Batching { case each, all }

  private let plan: Plan
  private let reference: ReferenceData
  private let demand: History.FactDemand
  private let batching: Batching
  private let reader: OrderEventReader
  private let reconciler = Reconciler()
  /// Set by hand: when effects happen.
  var now = Instant(microseconds: 1_800_000_000_000_000)

  // What dies with the process.
  private var folder: HistoryFolder
  private var decider: Decider
  private var customers: [CustomerIdentity: CustomerHistory] = [:]
  private var waiting: [[UInt8]] = []

  // What survives it: changelog records by customer, ledgers by order, the inputs' positions.
  private var records: [CustomerIdentity: [[UInt8]: [UInt8]]] = [:]
  private var ledgers: [OrderIdentity: [UInt8]] = [:]
  private var offsets: [Int64] = [0, 0]
  private var clock = Int64.min

  /// `order kind rule`, in the order in which they happened; labels are not among them.
  private(set) var effects: [String] = []
  private(set) var decisions: [DecisionValue] = []

  init(rules: RuleSet, reference: ReferenceData, batching: Batching = .each) throws {
    plan = try Plan([rules])
    self.reference = reference
    demand = factDemand(of: rules)
    self.batching = batching
    guard let secret = IdentitySecret(bytes: [UInt8](repeating: 7, count: IdentitySecret.byteCount)) else {
      throw Refused(problems: [])
    }
    reader = OrderEventReader(secret: secret)
    folder = HistoryFolder(reference: reference, demand: demand)
    decider = Decider(plan: plan)
  }

  /// One event through all four stages; with batching `all`, up to evaluate's door.
  func take(_ event: [UInt8]) throws {
    var writer = ProtobufWriter()
    let reading = event.withUnsafeBytes { reader.read($0, into: &writer) }
    if case .refused(let problems) = reading { throw Refused(problems: problems) }
    var inputs = [writer.bytes]
    // What a merge moves comes back as an input.
    while !inputs.isEmpty { inputs += try inputs.removeFirst().withUnsafeBytes { try fold($0) } }
    if batching == .each { try decide() }
  }

  /// Returns what goes to other customers' owners.
  private func fold(_ value: UnsafeRawBufferPointer) throws -> [[UInt8]] {
    defer { fireDeadlines() }
    var moved: [MovedRecord] = []
    if let profile = ProfileEventValue(orders: value), let identity = CustomerIdentity(profile) {
      advance(to: profile.at.microseconds)
      let customer = try customer(identity)
      try folder.fold(profile, position: position(identity), into: customer) { wait($0) }
      keep(customer)
    } else if let merge = MergeEventValue(orders: value), let identity = CustomerIdentity(from: merge) {
      let customer = try customer(identity)
      _ = position(identity)
      try folder.fold(merge, into: customer) { moved.append($0) }
      keep(customer)
    } else if let order = MovedOrderValue(orders: value), let identity = CustomerIdentity(order) {
      let customer = try customer(identity)
      let position = position(identity)
      if let record = try folder.forward(order, of: customer) { return [record.value] }
      try folder.fold(order, position: position, into: customer) { wait($0) }
      keep(customer)
    } else {
      let summary = try SnapshotSummary(value)
      advance(to: summary.eventTime.microseconds)
      let identity = summary.customer(in: value)
      let customer = try customer(identity)
      let position = position(identity)
      if let record = try folder.forward(value, summary: summary, of: customer) { return [record.value] }
      try folder.fold(value, summary: summary, position: position, into: customer) { wait($0) }
      keep(customer)
    }
    return moved.map(\.value)
  }

  /// Of the next input, on the partition of its customer.
  private func position(_ identity: CustomerIdentity) -> InputPosition {
    let partition = Int(identity.digestLow & 1)
    offsets[partition] += 1
    return InputPosition(partition: Int32(partition), offset: offsets[partition])
  }

  private func wait(_ record: EmittedRecord) { waiting.append([UInt8](record.bytes)) }

  private func customer(_ identity: CustomerIdentity) throws -> CustomerHistory {
    let customer = try customers[identity] ?? restored(identity)
    customers[identity] = customer
    return customer
  }

  /// One clock for both partitions, as if marks moved the idle one on; it survives, as the lane's does.
  private func advance(to instant: Int64) {
    clock = max(clock, instant)
    folder.clock = clock
  }

  /// Of all customers what the clock has reached; what has fired before says nothing new.
  private func fireDeadlines() {
    guard folder.watchesDeadlines else { return }
    for identity in records.keys where customers[identity] == nil {
      customers[identity] = try? restored(identity)
    }
    for partition in 0...1 {
      offsets[partition] += 1
      folder.fireAll(
        customers.values.filter { Int($0.customer.digestLow & 1) == partition },
        position: InputPosition(partition: Int32(partition), offset: offsets[partition])
      ) { wait($0) }
    }
    customers.values.forEach(keep)
  }

  private func keep(_ customer: CustomerHistory) {
    customer.removedRecords { records[customer.customer]?[[UInt8]($0)] = nil }
    customer.changedRecords { key, value in
      records[customer.customer, default: [:]][[UInt8](key)] = [UInt8](value)
    }
  }

  private func restored(_ identity: CustomerIdentity) throws -> CustomerHistory {
    try CustomerHistory(
      customer: identity, records: (records[identity] ?? [:]).map { (key: $0.key, value: $0.value) })
  }

  /// Decides what waits and brings the shop into line.
  func decide() throws {
    while !waiting.isEmpty {
      var taken = 0
      while taken < waiting.count, !decider.isFull {
        // The decider borrows the bytes until it has decided: they stay where they are.
        lent.append(UnsafeRawBufferPointer.copy(of: waiting[taken]))
        guard decider.add(lent[taken], input: taken) else { throw Refused(problems: []) }
        taken += 1
      }
      var decided: [[UInt8]] = []
      decider.decide { decided.append([UInt8]($0.bytes)) }
      for copy in lent { copy.deallocate() }
      lent.removeAll()
      waiting.removeFirst(taken)
      for bytes in decided { try apply(bytes) }
    }
  }

  private var lent: [UnsafeRawBufferPointer] = []

  private func apply(_ bytes: [UInt8]) throws {
    guard let decision = bytes.withUnsafeBytes({ DecisionValue(protobuf: $0) }) else {
      throw Refused(problems: [])
    }
    decisions.append(decision)
    let order = OrderIdentity(mallId: decision.mallId, shopNo: decision.shopNo, orderId: decision.orderId)
    let ledger = ledgers[order].flatMap { $0.withUnsafeBytes { AppliedLedgerValue(protobuf: $0) } }
    let result = reconciler.reconcile(decision, ledger: ledger)
    guard result.writesLedger else { return }
    let settlement = reconciler.settle(
      result, of: decision, labelOutcomes: result.labelChanges(of: order).map { _ in LabelOutcome(.done) },
      effectOutcomes: result.effects.map { _ in .done }, at: now)
    now.microseconds += 1_000_000
    ledgers[order] = settlement.ledger.protobuf
    for action in settlement.actions where !action.kind.hasPrefix("label.") {
      effects.append(([action.orderId, action.kind] + action.rules).joined(separator: " "))
    }
  }

  /// The processes end and others begin: only records are left.
  func interrupt() {
    customers = [:]
    folder = HistoryFolder(reference: reference, demand: demand)
    decider = Decider(plan: plan)
  }

  /// `labels.csv` as it stands.
  func labels() -> String {
    var bytes = Array(LabelRow.header.utf8)
    for order in ledgers.keys.sorted() {
      guard let ledger = ledgers[order]?.withUnsafeBytes({ AppliedLedgerValue(protobuf: $0) }) else {
        continue
      }
      for row in LabelRow.rows(of: order, ledger) { row.append(to: &bytes) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension UnsafeRawBufferPointer {
  /// Memory of its own; the caller frees it.
  static func copy(of bytes: [UInt8]) -> UnsafeRawBufferPointer {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    copy.copyBytes(from: bytes)
    return UnsafeRawBufferPointer(copy)
  }
}
