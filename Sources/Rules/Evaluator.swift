/// Answer to a rule or a term, numbered as on the wire (`decision.proto`, Outcome).
public enum Outcome: UInt8, Sendable {
  case `false` = 0
  case `true` = 1
  case unknown = 2
}

/// Runs a plan over batches: every node of the graph once, column by column, 64 rows to a word.
///
/// Owns all scratch memory, which it keeps from batch to batch. Answers stay valid until the next `evaluate`.
/// Not thread-safe: one owner at a time; a plan may have many evaluators.
public final class Evaluator {
  public let plan: Plan
  private let capacity: Int
  let wordCount: Int
  /// Per node: offset of its planes (true, then false), of its lanes and of their known bits.
  @exclusivity(unchecked) private var planeOffset: [Int] = []
  @exclusivity(unchecked) private var laneOffset: [Int] = []
  private let orderPlanes: UnsafeMutablePointer<UInt64>
  private let orderLanes: UnsafeMutablePointer<Int64>
  private let orderLanesKnown: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) private var itemPlanes: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) private var itemLanes: UnsafeMutablePointer<Int64>
  @exclusivity(unchecked) private var itemLanesKnown: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) private var itemCapacity = 0
  private var itemPlaneNodes = 0
  private var itemLaneNodes = 0
  @exclusivity(unchecked) var operands: [(t: UnsafePointer<UInt64>, f: UnsafePointer<UInt64>)] = []

  // Text constants and tests under the dictionary of the last batch.
  private var boundDictionary: ObjectIdentifier?
  private var boundGeneration: UInt64 = 0
  @exclusivity(unchecked) var codes: [UInt32]
  @exclusivity(unchecked) var memos: [[UInt8]]

  let rowAnswers: RowAnswers
  /// Parallel to `plan.rules`.
  @exclusivity(unchecked) private(set) var placedRules: [PlacedRule] = []
  private let placedTerms: UnsafeMutablePointer<Planes>
  @exclusivity(unchecked) private(set) var batch: FactBatch?
  /// Rows of the batch evaluated last.
  @exclusivity(unchecked) public private(set) var count = 0

  /// `capacity`: of the batches to come.
  public init(plan: Plan, capacity: Int = FactBatch.ordersMax) {
    self.plan = plan
    self.capacity = (min(max(capacity, 1), FactBatch.ordersMax) + 63) / 64 * 64
    wordCount = self.capacity / 64
    let nodes = plan.graph.nodes
    var counts = (orderPlanes: 0, orderLanes: 0, itemPlanes: 0, itemLanes: 0)
    for (index, node) in nodes.enumerated() {
      let item = plan.graph.isItemLevel[index]
      planeOffset.append(item ? counts.itemPlanes : counts.orderPlanes)
      laneOffset.append(item ? counts.itemLanes : counts.orderLanes)
      switch (node.isNumber, item) {
      case (true, true): counts.itemLanes += node.isColumn ? 0 : 1
      case (true, false): counts.orderLanes += node.isColumn ? 0 : 1
      case (false, true): counts.itemPlanes += 1
      case (false, false): counts.orderPlanes += 1
      }
    }
    orderPlanes = FactBatch.zeroed(counts.orderPlanes * 2 * wordCount)
    orderLanes = FactBatch.zeroed(counts.orderLanes * self.capacity)
    orderLanesKnown = FactBatch.zeroed(counts.orderLanes * wordCount)
    itemPlaneNodes = counts.itemPlanes
    itemLaneNodes = counts.itemLanes
    itemPlanes = FactBatch.zeroed(1)
    itemLanes = FactBatch.zeroed(1)
    itemLanesKnown = FactBatch.zeroed(1)
    codes = Array(repeating: 0, count: nodes.count)
    memos = Array(repeating: [], count: nodes.count)
    rowAnswers = RowAnswers(
      rules: plan.ruleSets.map(\.rules.count).max() ?? 0, termsMax: plan.rules.map(\.terms.count).max() ?? 0,
      rows: self.capacity)
    let termCount = plan.rules.reduce(0) { $0 + $1.terms.count }
    placedTerms = .allocate(capacity: max(termCount, 1))
    placeRules()
    for (index, node) in nodes.enumerated() {
      guard case .constantNumber(let value) = node else { continue }
      (orderLanes + laneOffset[index] * self.capacity).update(repeating: value, count: self.capacity)
    }
  }

  deinit {
    orderPlanes.deallocate()
    orderLanes.deallocate()
    orderLanesKnown.deallocate()
    itemPlanes.deallocate()
    itemLanes.deallocate()
    itemLanesKnown.deallocate()
    placedTerms.deallocate()
  }

  /// Decides every rule of the plan for every row. The batch must have been made with the plan's `layout`; one of
  /// another plan, or a larger one than `capacity`, is answered with no rows.
  public func evaluate(_ batch: FactBatch) {
    count = 0
    guard batch.capacity <= capacity, batch.layout.listBytes == plan.layout.listBytes,
      batch.layout.claimWindows == plan.layout.claimWindows
    else { return }
    self.batch = batch
    count = batch.count
    guard count > 0 else { return }
    bindTexts(to: batch.dictionary)
    growItems(to: batch.itemCapacity)
    for (index, node) in plan.graph.nodes.enumerated() {
      if node.isNumber {
        if !node.isColumn { computeNumber(index, node, batch) }
      } else {
        computeTruth(index, node, batch)
      }
    }
  }

  private func growItems(to needed: Int) {
    guard needed > itemCapacity else { return }
    itemPlanes.deallocate()
    itemLanes.deallocate()
    itemLanesKnown.deallocate()
    itemCapacity = needed
    itemPlanes = FactBatch.zeroed(itemPlaneNodes * 2 * needed / 64)
    itemLanes = FactBatch.zeroed(itemLaneNodes * needed)
    itemLanesKnown = FactBatch.zeroed(itemLaneNodes * needed / 64)
  }

  private func bindTexts(to dictionary: StringDictionary) {
    guard boundDictionary != ObjectIdentifier(dictionary) || boundGeneration != dictionary.generation else {
      return
    }
    boundDictionary = ObjectIdentifier(dictionary)
    boundGeneration = dictionary.generation
    for (index, node) in plan.graph.nodes.enumerated() {
      switch node {
      case .textEquals(_, let text), .listContains(_, let text):
        codes[index] = text.withUnsafeBufferPointer { dictionary.intern($0) }
      case .textTest: memos[index] = []
      default: break
      }
    }
  }

  // MARK: Where things stand

  /// A rule with its columns looked up: those of orders never move.
  struct PlacedRule {
    var root: Planes
    var terms: UnsafeBufferPointer<Planes>
    var ruleSet: Int
    var rule: Int
  }

  private func placeRules() {
    var next = placedTerms
    for rule in plan.rules {
      let first = next
      for term in rule.terms {
        next.initialize(to: planes(term))
        next += 1
      }
      placedRules.append(
        PlacedRule(
          root: planes(rule.root), terms: UnsafeBufferPointer(start: first, count: rule.terms.count),
          ruleSet: rule.ruleSet, rule: rule.rule))
    }
  }

  struct Planes {
    var t: UnsafeMutablePointer<UInt64>
    var f: UnsafeMutablePointer<UInt64>
  }

  func planes(_ node: Int) -> Planes {
    if plan.graph.isItemLevel[node] {
      let stride = itemCapacity / 64
      let base = itemPlanes + planeOffset[node] &* 2 &* stride
      return Planes(t: base, f: base + stride)
    }
    let base = orderPlanes + planeOffset[node] &* 2 &* wordCount
    return Planes(t: base, f: base + wordCount)
  }

  func planes(_ reference: NodeReference) -> Planes {
    let planes = planes(reference.node)
    return reference.isNegated ? Planes(t: planes.f, f: planes.t) : planes
  }

  struct NumberColumn {
    var values: UnsafeMutablePointer<Int64>
    var known: UnsafeMutablePointer<UInt64>
  }

  func column(_ node: Int, _ batch: FactBatch) -> NumberColumn {
    switch plan.graph.nodes[node] {
    case .number(let fact) where fact.isItemLevel:
      let column = Int(fact.rawValue) &- Int(Fact.itemQuantity.rawValue)
      return NumberColumn(
        values: batch.itemNumbers + column &* batch.itemCapacity,
        known: batch.itemNumbersKnown + column &* (batch.itemCapacity / 64))
    case .number(let fact): return orderColumn(Int(fact.rawValue), batch)
    case .claims(let slot): return orderColumn(Fact.orderNumberCount &+ slot, batch)
    default:
      if plan.graph.isItemLevel[node] {
        return NumberColumn(
          values: itemLanes + laneOffset[node] &* itemCapacity,
          known: itemLanesKnown + laneOffset[node] &* (itemCapacity / 64))
      }
      return NumberColumn(
        values: orderLanes + laneOffset[node] &* capacity,
        known: orderLanesKnown + laneOffset[node] &* wordCount)
    }
  }

  private func orderColumn(_ column: Int, _ batch: FactBatch) -> NumberColumn {
    NumberColumn(
      values: batch.numbers + column &* batch.capacity, known: batch.numbersKnown + column &* batch.wordCount)
  }

  func codes(of column: TextColumn, _ batch: FactBatch) -> UnsafeMutablePointer<UInt32> {
    column.isItemLevel
      ? batch.itemTexts + column.column &* batch.itemCapacity : batch.texts + column.column &* batch.capacity
  }
}

extension Graph.Node {
  /// One Int64 per row, rather than true, false or unknown.
  var isNumber: Bool {
    switch self {
    case .number, .claims, .constantNumber, .arithmetic, .toDecimal, .civil, .conditionalNumber,
      .spreadNumber:
      true
    default: false
    }
  }

  /// Read from the batch as it is.
  var isColumn: Bool {
    switch self {
    case .number, .claims: true
    default: false
    }
  }
}

extension FactBatch {
  func list(_ fact: Fact) -> Int { Int(fact.rawValue) &- Int(Fact.paymentMethods.rawValue) }
}
