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
  }

  public let plan: Plan
  private let labels: LabelPlan
  private let evaluator: Evaluator
  public let batch: FactBatch
  private var filler: ColumnFiller
  private var rows: [Row] = []
  private var writer = ProtobufWriter(capacity: 4096)
  private let ruleSetHash: String
  private var codes: [(code: UnsafeRawBufferPointer, item: Int)] = []

  public init(plan: Plan) {
    self.plan = plan
    labels = LabelPlan(plan)
    batch = FactBatch(layout: plan.layout)
    evaluator = Evaluator(plan: plan)
    filler = ColumnFiller(layout: plan.layout)
    ruleSetHash = plan.ruleSets.first?.hash ?? ""
  }

  /// True when the next record may not fit (a record may need two rows): decide first.
  public var isFull: Bool { batch.count + 2 > batch.capacity }

  /// Adds one record, whose bytes must stay until `decide` has run. False: malformed, nothing will be decided.
  public func add(_ record: UnsafeRawBufferPointer, input: Int) -> Bool {
    guard let view = EnrichedView(record) else { return false }
    let row = batch.count
    guard let identity = filler.add(snapshot: view.snapshot, facts: view.facts, to: batch) else {
      return false
    }
    var lateRow = -1
    if let late = view.lateSnapshot {
      let next = batch.count
      if filler.add(snapshot: late, facts: view.lateFacts, to: batch) != nil { lateRow = next }
    }
    rows.append(Row(input: input, view: view, identity: identity, row: row, lateRow: lateRow))
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

  private func write(_ row: Row) {
    let identity = row.identity
    let answers = evaluator.answers(row: row.row)
    writer.removeAll()
    if !identity.mallId.isEmpty { writer.presentBytes(1, identity.mallId) }
    writer.int64(2, identity.shopNo)
    if !identity.orderId.isEmpty { writer.presentBytes(3, identity.orderId) }
    writer.presentBytes(4, row.view.position)
    writer.int64(5, identity.version)
    writer.int64(6, row.view.latestVersion)
    writer.string(7, ruleSetHash)
    writeDesired(row, answers.outcomes)
    writer.presentBytes(10, UnsafeRawBufferPointer(answers.outcomes))
    writer.presentBytes(11, UnsafeRawBufferPointer(answers.terms))
    for name in pending(answers.outcomes, answers.terms) { writer.presentString(12, name) }
    filler.digests.withUnsafeBytes {
      writer.presentBytes(13, UnsafeRawBufferPointer(rebasing: $0[identity.digest]))
    }
    writer.bool(15, row.view.own)
    writer.int64(17, identity.placedAt)
    writer.int64(18, row.view.inputEventTime)
    if !identity.currency.isEmpty { writer.presentBytes(19, identity.currency) }
  }

  /// What apply acts on; equal wishes give equal bytes.
  private func writeDesired(_ row: Row, _ outcomes: UnsafeBufferPointer<UInt8>) {
    let start = writer.beginMessage(8)
    writeLabels(row, outcomes)
    for effect in labels.effects where acts(effect.source, row.row, outcomes) {
      let nested = writer.beginMessage(3)
      writer.string(1, effect.kind)
      writer.string(2, effect.source.id)
      if effect.source.isOtherwise { writer.string(3, "otherwise") }
      writer.string(4, effect.text)
      writer.endMessage(nested)
    }
    writer.int64(4, row.view.state)
    writer.bool(5, row.view.firstSeenClosed)
    writer.bool(6, isTooLate(row))
    writer.endMessage(start)
  }

  /// The rule is true, or, for what it does otherwise, looked at and false.
  private func acts(_ source: LabelPlan.Source, _ row: Int, _ outcomes: UnsafeBufferPointer<UInt8>) -> Bool {
    source.isOtherwise
      ? outcomes[source.rule] == Outcome.false.rawValue
        && evaluator.isOtherwise(rule: source.planned, row: row)
      : outcomes[source.rule] == Outcome.true.rawValue
  }

  private func writeLabels(_ row: Row, _ outcomes: UnsafeBufferPointer<UInt8>) {
    var hasTable = false
    for entry in labels.entries {
      guard entry.sources.contains(where: { acts($0, row.row, outcomes) }) else { continue }
      if !hasTable {
        collectCodes(row)
        for code in codes { writer.presentBytes(1, code.code) }
        hasTable = true
      }
      guard !codes.isEmpty, let items = matchedItems(entry, row) else { continue }
      let nested = writer.beginMessage(2)
      writer.string(1, entry.label)
      for source in entry.sources where acts(source, row.row, outcomes) {
        writer.presentString(2, source.id)
      }
      writer.packed(3, items)
      writer.bool(4, entry.keepOnCancel)
      writer.endMessage(nested)
    }
  }

  /// Indexes into the table of codes of the lines that a rule of item scope matches; empty = all; nil = none.
  private func matchedItems(_ entry: LabelPlan.Entry, _ row: Row) -> [UInt64]? {
    guard let rule = entry.itemRule else { return [] }
    var items: [UInt64] = []
    for (place, code) in codes.enumerated()
    where evaluator.isLineMatched(rule: rule.planned, row: row.row, itemIndex: code.item) {
      items.append(UInt64(place))
    }
    if items.isEmpty { return nil }
    return items.count == codes.count ? [] : items
  }

  /// Codes of the row's live items, sorted as bytes.
  private func collectCodes(_ row: Row) {
    codes.removeAll(keepingCapacity: true)
    var isSorted = true
    for (index, place) in row.identity.items.enumerated() where filler.items[place].isLive {
      let code = filler.items[place].code
      if isSorted, let last = codes.last { isSorted = last.code.lexicographicallyPrecedes(code) }
      codes.append((code, index))
    }
    if !isSorted { codes.sort { $0.code.lexicographicallyPrecedes($1.code) } }
  }

  private func pending(
    _ outcomes: UnsafeBufferPointer<UInt8>, _ terms: UnsafeBufferPointer<UInt8>
  ) -> [String] {
    var names: Set<String> = []
    for rule in 0..<outcomes.count where outcomes[rule] == Outcome.unknown.rawValue && terms[rule] > 0 {
      names.formUnion(labels.waitsFor[rule][Int(terms[rule]) - 1])
    }
    return names.isEmpty ? [] : names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private func isActing(_ source: LabelPlan.Source, _ row: Int) -> Bool {
    source.isOtherwise
      ? evaluator.isOtherwise(rule: source.planned, row: row)
      : evaluator.outcome(rule: source.planned, row: row) == .true
  }

  /// D7: on what came after the parcel had left, other rules would have been true.
  private func isTooLate(_ row: Row) -> Bool {
    guard row.lateRow >= 0 else { return false }
    for entry in labels.entries {
      for source in entry.sources
      where isActing(source, row.row) != isActing(source, row.lateRow) {
        return true
      }
    }
    return false
  }
}
