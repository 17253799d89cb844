import Glibc
public import Rules
import Topics

/// Turns enriched records into decisions, batch by batch: the pure heart of evaluate, shared by the live stage, the
/// trial run, replay and `explain`.
public final class Decider {
  /// A decision's bytes, lent for the time of the call; `input` is the index given to `add`.
  public struct Decided {
    public let input: Int
    public let mallId: UnsafeRawBufferPointer
    public let bytes: UnsafeRawBufferPointer
  }

  private struct Row {
    var input: Int
    var view: EnrichedView
    var identity: RowIdentity
    var row: Int
    /// Row of what would have been decided on what came too late; −1 none.
    var lateRow: Int
    /// Position in `Plan.ruleSets`.
    var ruleSet: Int
  }

  public private(set) var rules: DecisionRules
  /// The rules of all malls.
  public var malls: MallPlan { rules.malls }
  public var plan: Plan { rules.malls.plan }
  public private(set) var batch: FactBatch
  private let evaluator: Evaluator
  private var filler: ColumnFiller
  private var rows: [Row] = []
  private var writer = ProtobufWriter(capacity: 4096)
  private var codes: [(code: UnsafeRawBufferPointer, item: Int)] = []
  /// Reused: lines of the row at hand that a rule of item scope matches.
  private var matched: [UInt64] = []
  /// By place in `LabelPlan.waitNames`: the row at hand waits for that fact.
  private var waits: [Bool] = []
  private var stock = StockWishes()

  /// Decides every order by the rules of its shop.
  /// - Parameter capacity: rows gathered at a time.
  public init(_ rules: DecisionRules, capacity: Int = FactBatch.ordersMax) {
    self.rules = rules
    let plan = rules.malls.plan
    batch = FactBatch(layout: plan.layout, capacity: capacity)
    evaluator = Evaluator(plan: plan, capacity: batch.capacity)
    filler = ColumnFiller(layout: plan.layout)
  }

  /// Decides every order by the rules of its shop.
  public convenience init(_ malls: MallPlan, capacity: Int = FactBatch.ordersMax) {
    self.init(DecisionRules(malls), capacity: capacity)
  }

  /// Decides every order by the first set of a plan, whatever its mall.
  public convenience init(plan: Plan, capacity: Int = FactBatch.ordersMax) {
    self.init(MallPlan(plan), capacity: capacity)
  }

  /// Goes on with other rules. What was added must be decided already; if not, it is lost.
  public func adopt(_ next: DecisionRules) {
    let plan = next.malls.plan
    rows.removeAll(keepingCapacity: true)
    filler.removeAll()
    batch.reset()
    if batch.layout != plan.layout {
      batch = FactBatch(layout: plan.layout, capacity: batch.capacity, dictionary: batch.dictionary)
      filler = ColumnFiller(layout: plan.layout)
    }
    evaluator.adopt(plan)
    rules = next
  }

  /// True when the next record may not fit (a record may need two rows): decide first.
  public var isFull: Bool { batch.count + 2 > batch.capacity }

  /// Nothing waits to be decided.
  public var isEmpty: Bool { rows.isEmpty }

  /// Adds one record, whose bytes must stay until `decide` has run. False: malformed, nothing will be decided.
  public func add(_ record: UnsafeRawBufferPointer, input: Int) -> Bool {
    guard let view = EnrichedView(record) else { return false }
    let row = batch.count
    guard let identity = filler.add(snapshot: view.snapshot, facts: view.facts, to: batch) else {
      return false
    }
    let ruleSet = rules.malls.shops.ruleSet(mall: identity.mallId, shop: identity.shopNo)
    batch.setRuleSet(ruleSet)
    var lateRow = -1
    if let late = view.lateSnapshot {
      let next = batch.count
      if filler.add(snapshot: late, facts: view.lateFacts, to: batch) != nil {
        lateRow = next
        batch.setRuleSet(ruleSet)
      }
    }
    rows.append(
      Row(input: input, view: view, identity: identity, row: row, lateRow: lateRow, ruleSet: ruleSet))
    return true
  }

  /// Decides all that was added, in its order, and empties the batch.
  public func decide(_ body: (Decided) throws -> Void) rethrows {
    defer {
      batch.reset()
      filler.removeAll()
      rows.removeAll(keepingCapacity: true)
    }
    guard !rows.isEmpty else { return }
    evaluator.evaluate(batch)
    evaluator.arrangeByRow()
    for row in rows {
      write(row)
      try writer.withUnsafeBytes {
        try body(Decided(input: row.input, mallId: row.identity.mallId, bytes: $0))
      }
    }
  }

  /// Evaluates all that was added, gives up the answers and empties the batch: what a decision costs without writing
  /// it out.
  public func match() {
    if batch.count > 0 { evaluator.evaluate(batch) }
    batch.reset()
    filler.removeAll()
    rows.removeAll(keepingCapacity: true)
  }

  private func write(_ row: Row) {
    let identity = row.identity
    let labels = rules.labels.labels(of: row.ruleSet)
    let answers = evaluator.answers(row: row.row, count: labels.ruleCount)
    writer.removeAll()
    if !identity.mallId.isEmpty { writer.presentBytes(1, identity.mallId) }
    writer.int64(2, identity.shopNo)
    if !identity.orderId.isEmpty { writer.presentBytes(3, identity.orderId) }
    writer.presentBytes(4, row.view.position)
    writer.int64(5, identity.version)
    writer.int64(6, row.view.latestVersion)
    rules.labels.writeHash(of: row.ruleSet, to: &writer)
    writeDesired(row, labels, answers.outcomes)
    writer.presentBytes(10, UnsafeRawBufferPointer(answers.outcomes))
    writer.presentBytes(11, UnsafeRawBufferPointer(answers.terms))
    writePending(labels, answers.outcomes, answers.terms)
    filler.digests.withUnsafeBytes {
      writer.presentBytes(13, UnsafeRawBufferPointer(rebasing: $0[identity.digest]))
    }
    writer.bool(15, row.view.own)
    writer.int64(17, identity.placedAt)
    writer.int64(18, row.view.inputEventTime)
    if !identity.currency.isEmpty { writer.presentBytes(19, identity.currency) }
  }

  /// What apply acts on; equal wishes give equal bytes.
  private func writeDesired(_ row: Row, _ shared: SharedLabels, _ outcomes: UnsafeBufferPointer<UInt8>) {
    let start = writer.beginMessage(8)
    writeLabels(row, shared, outcomes)
    for effect in shared.plan.effects where acts(effect.source, row.row, outcomes) {
      if effect.stockText == nil {
        writeConstant(effect.field, shared)
      } else {
        writeStockMessages(effect, row, shared)
      }
    }
    writer.int64(4, row.view.state)
    writer.bool(5, row.view.firstSeenClosed)
    writer.bool(6, isTooLate(row, shared, outcomes))
    writer.endMessage(start)
  }

  private func writeStockMessages(_ effect: LabelPlan.Effect, _ row: Row, _ shared: SharedLabels) {
    guard let prefix = effect.stockText else { return }
    stock.read(snapshot: row.view.snapshot, facts: row.view.facts) { item in
      effect.itemPlace < 0
        || evaluator.isLineMatched(place: effect.itemPlace, row: row.row, itemIndex: item)
    }
    let name = String(decoding: shared.plan.bytes[prefix], as: UTF8.self)
    for low in stock.low {
      let nested = writer.beginMessage(3)
      writeConstant(effect.field, shared)
      writer.string(3, low.cause)
      writer.string(4, "\(name): \(low.text)")
      writer.endMessage(nested)
    }
  }

  /// The rule is true, or, for what it does otherwise, looked at and false.
  private func acts(_ source: LabelPlan.Source, _ row: Int, _ outcomes: UnsafeBufferPointer<UInt8>) -> Bool {
    source.isOtherwise
      ? outcomes[source.rule] == Outcome.false.rawValue
        && evaluator.isOtherwise(place: source.place, row: row)
      : outcomes[source.rule] == Outcome.true.rawValue
  }

  private func writeLabels(_ row: Row, _ shared: SharedLabels, _ outcomes: UnsafeBufferPointer<UInt8>) {
    var hasTable = false
    for entry in shared.plan.entries {
      guard entry.sources.contains(where: { acts(shared.plan.sources[$0], row.row, outcomes) }) else {
        continue
      }
      if !hasTable {
        collectCodes(row)
        for code in codes { writer.presentBytes(1, code.code) }
        hasTable = true
      }
      guard !codes.isEmpty, matchItems(entry, row) else { continue }
      let nested = writer.beginMessage(2)
      writeConstant(entry.label, shared)
      for place in entry.sources {
        let source = shared.plan.sources[place]
        if acts(source, row.row, outcomes) { writeConstant(source.id, shared) }
      }
      writer.packed(3, matched)
      writer.bool(4, entry.keepOnCancel)
      writer.endMessage(nested)
    }
  }

  /// Fields that are the same in every decision.
  private func writeConstant(_ range: Range<Int>, _ shared: SharedLabels) {
    shared.plan.bytes.withUnsafeBytes { writer.raw(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// Puts the indexes into the table of codes of the lines that a rule of item scope matches into `matched`; empty =
  /// all. False: none.
  private func matchItems(_ entry: LabelPlan.Entry, _ row: Row) -> Bool {
    matched.removeAll(keepingCapacity: true)
    guard entry.itemPlace >= 0 else { return true }
    for (place, code) in codes.enumerated()
    where evaluator.isLineMatched(place: entry.itemPlace, row: row.row, itemIndex: code.item) {
      matched.append(UInt64(place))
    }
    if matched.isEmpty { return false }
    if matched.count == codes.count { matched.removeAll(keepingCapacity: true) }
    return true
  }

  /// Codes of the row's live items, sorted as bytes.
  private func collectCodes(_ row: Row) {
    codes.removeAll(keepingCapacity: true)
    var isSorted = true
    for (index, place) in row.identity.items.enumerated() where filler.items[place].isLive {
      let code = filler.items[place].code
      if isSorted, let last = codes.last { isSorted = Decider.precedes(last.code, code) }
      codes.append((code, index))
    }
    if !isSorted { codes.sort { Decider.precedes($0.code, $1.code) } }
  }

  private static func precedes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    let shared = min(left.count, right.count)
    guard shared > 0, let one = left.baseAddress, let other = right.baseAddress else {
      return left.count < right.count
    }
    let order = memcmp(one, other, shared)
    return order == 0 ? left.count < right.count : order < 0
  }

  /// The facts that undecided rules wait for, each once, sorted as bytes.
  private func writePending(
    _ shared: SharedLabels, _ outcomes: UnsafeBufferPointer<UInt8>, _ terms: UnsafeBufferPointer<UInt8>
  ) {
    var isWaiting = false
    if waits.count < shared.plan.waitNames.count {
      waits = [Bool](repeating: false, count: shared.plan.waitNames.count)
    }
    for rule in 0..<outcomes.count where outcomes[rule] == Outcome.unknown.rawValue && terms[rule] > 0 {
      for place in shared.plan.waits(rule: rule, term: Int(terms[rule]) - 1) {
        waits[place] = true
        isWaiting = true
      }
    }
    guard isWaiting else { return }
    for place in shared.plan.waitNames.indices where waits[place] {
      writer.presentString(12, shared.plan.waitNames[place])
      waits[place] = false
    }
  }

  /// D7: on what came after the parcel had left, other rules would have been true.
  private func isTooLate(_ row: Row, _ shared: SharedLabels, _ outcomes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard row.lateRow >= 0 else { return false }
    let late = evaluator.answers(row: row.lateRow, count: shared.ruleCount).outcomes
    for entry in shared.plan.entries {
      for place in entry.sources {
        let source = shared.plan.sources[place]
        if acts(source, row.row, outcomes) != acts(source, row.lateRow, late) { return true }
      }
    }
    return false
  }
}
