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
  private var planeOffset: [Int] = []
  private var laneOffset: [Int] = []
  private let orderPlanes: UnsafeMutablePointer<UInt64>
  private let orderLanes: UnsafeMutablePointer<Int64>
  private let orderLanesKnown: UnsafeMutablePointer<UInt64>
  private var itemPlanes: UnsafeMutablePointer<UInt64>
  private var itemLanes: UnsafeMutablePointer<Int64>
  private var itemLanesKnown: UnsafeMutablePointer<UInt64>
  private var itemCapacity = 0
  private var itemPlaneNodes = 0
  private var itemLaneNodes = 0
  private var operands: [(t: UnsafePointer<UInt64>, f: UnsafePointer<UInt64>)] = []

  // Text constants and tests under the dictionary of the last batch.
  private var boundDictionary: ObjectIdentifier?
  private var boundGeneration: UInt64 = 0
  private var codes: [UInt32]
  private var memos: [[UInt8]]

  private let outcomeBytes: UnsafeMutablePointer<UInt8>
  private let termBytes: UnsafeMutablePointer<UInt8>
  private var batch: FactBatch?
  /// Rows of the batch evaluated last.
  public private(set) var count = 0

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
    outcomeBytes = FactBatch.zeroed(self.capacity * plan.outcomeStride)
    termBytes = FactBatch.zeroed(self.capacity * plan.outcomeStride)
  }

  deinit {
    orderPlanes.deallocate()
    orderLanes.deallocate()
    orderLanesKnown.deallocate()
    itemPlanes.deallocate()
    itemLanes.deallocate()
    itemLanesKnown.deallocate()
    outcomeBytes.deallocate()
    termBytes.deallocate()
  }

  /// Decides every rule of the plan for every row. The batch must have been made with the plan's `layout`; one of
  /// another plan, or a larger one than `capacity`, is answered with no rows.
  public func evaluate(_ batch: FactBatch) {
    count = 0
    guard batch.capacity <= capacity, batch.layout.lists == plan.layout.lists,
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
      case .textEquals(_, let text), .listContains(_, let text): codes[index] = dictionary.intern(text)
      case .textTest: memos[index] = []
      default: break
      }
    }
  }

  // MARK: Where things stand

  struct Planes {
    var t: UnsafeMutablePointer<UInt64>
    var f: UnsafeMutablePointer<UInt64>
  }

  private func planes(_ node: Int) -> Planes {
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

  private struct NumberColumn {
    var values: UnsafeMutablePointer<Int64>
    var known: UnsafeMutablePointer<UInt64>
  }

  private func column(_ node: Int, _ batch: FactBatch) -> NumberColumn {
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

  private func codes(of column: TextColumn, _ batch: FactBatch) -> UnsafeMutablePointer<UInt32> {
    column.isItemLevel
      ? batch.itemTexts + column.column &* batch.itemCapacity : batch.texts + column.column &* batch.capacity
  }

  // MARK: Nodes

  private func computeNumber(_ index: Int, _ node: Graph.Node, _ batch: FactBatch) {
    let rows = plan.graph.isItemLevel[index] ? batch.itemCount : count
    let out = column(index, batch)
    switch node {
    case .constantNumber(let value):
      out.values.update(repeating: value, count: (rows + 63) / 64 * 64)
      for word in 0..<((rows + 63) / 64) { out.known[word] = Kernels.mask(word, rows: rows) }
    case .arithmetic(let op, let a, let b):
      let x = column(a, batch)
      let y = column(b, batch)
      Kernels.arithmetic(op, x.values, x.known, y.values, y.known, out.values, out.known, rows: rows)
    case .toDecimal(let a):
      let x = column(a, batch)
      Kernels.toDecimal(x.values, x.known, out.values, out.known, rows: rows)
    case .civil(let part, let a):
      let x = column(a, batch)
      Kernels.civil(part, zone: plan.zone, x.values, x.known, out.values, out.known, rows: rows)
    case .conditionalNumber(let test, let a, let b):
      let p = planes(test)
      let x = column(a, batch)
      let y = column(b, batch)
      Kernels.conditional(p.t, p.f, x.values, x.known, y.values, y.known, out.values, out.known, rows: rows)
    case .spreadNumber(let a):
      let x = column(a, batch)
      Kernels.spread(
        x.values, x.known, orders: batch.itemOrders, out.values, out.known, lines: batch.itemCount)
    default: break
    }
  }

  private func computeTruth(_ index: Int, _ node: Graph.Node, _ batch: FactBatch) {
    let rows = plan.graph.isItemLevel[index] ? batch.itemCount : count
    let words = (rows + 63) / 64
    let out = planes(index)
    switch node {
    case .always:
      for word in 0..<words {
        out.t[word] = Kernels.mask(word, rows: rows)
        out.f[word] = 0
      }
    case .truth(let fact): loadTruth(fact, out, batch, words: words)
    case .atLeast(let a, let constant):
      let x = column(a, batch)
      Kernels.atLeast(x.values, x.known, constant, out.t, out.f, words: words)
    case .equals(let a, let constant):
      let x = column(a, batch)
      Kernels.equals(x.values, x.known, constant, out.t, out.f, words: words)
    case .never(let a):
      let x = column(a, batch)
      for word in 0..<words {
        out.t[word] = 0
        out.f[word] = x.known[word]
      }
    case .atLeastNumber(let a, let b):
      let x = column(a, batch)
      let y = column(b, batch)
      Kernels.atLeastNumber(x.values, x.known, y.values, y.known, out.t, out.f, words: words)
    case .equalsNumber(let a, let b):
      let x = column(a, batch)
      let y = column(b, batch)
      Kernels.equalsNumber(x.values, x.known, y.values, y.known, out.t, out.f, words: words)
    case .numberMissing(let a):
      let x = column(a, batch)
      for word in 0..<words {
        out.t[word] = ~x.known[word] & Kernels.mask(word, rows: rows)
        out.f[word] = x.known[word]
      }
    case .and, .conditional, .sameTruth, .truthMissing, .anyItem, .spread:
      computeLogic(node, out, batch, rows: rows)
    default: computeTextOrList(index, node, out, batch, rows: rows)
    }
  }

  private func loadTruth(_ fact: Fact, _ out: Planes, _ batch: FactBatch, words: Int) {
    let values: UnsafeMutablePointer<UInt64>
    let known: UnsafeMutablePointer<UInt64>
    if fact.isItemLevel {
      let offset = (Int(fact.rawValue) &- Int(Fact.itemLive.rawValue)) &* (batch.itemCapacity / 64)
      values = batch.itemTruths + offset
      known = batch.itemTruthsKnown + offset
    } else {
      let offset = (Int(fact.rawValue) &- Int(Fact.isGift.rawValue)) &* batch.wordCount
      values = batch.truths + offset
      known = batch.truthsKnown + offset
    }
    for word in 0..<words {
      out.t[word] = values[word] & known[word]
      out.f[word] = ~values[word] & known[word]
    }
  }

  private func computeLogic(_ node: Graph.Node, _ out: Planes, _ batch: FactBatch, rows: Int) {
    let words = (rows + 63) / 64
    switch node {
    case .and(let terms):
      operands.removeAll(keepingCapacity: true)
      for term in terms {
        let p = planes(term)
        operands.append((UnsafePointer(p.t), UnsafePointer(p.f)))
      }
      operands.withUnsafeBufferPointer { Kernels.and($0, out.t, out.f, words: words) }
    case .conditional(let test, let a, let b):
      let p = planes(test)
      let x = planes(a)
      let y = planes(b)
      for word in 0..<words {
        out.t[word] = (p.t[word] & x.t[word]) | (p.f[word] & y.t[word])
        out.f[word] = (p.t[word] & x.f[word]) | (p.f[word] & y.f[word])
      }
    case .sameTruth(let a, let b):
      let x = planes(a)
      let y = planes(b)
      for word in 0..<words {
        out.t[word] = (x.t[word] & y.t[word]) | (x.f[word] & y.f[word])
        out.f[word] = (x.t[word] & y.f[word]) | (x.f[word] & y.t[word])
      }
    case .truthMissing(let a):
      let x = planes(a)
      for word in 0..<words {
        out.f[word] = x.t[word] | x.f[word]
        out.t[word] = ~out.f[word] & Kernels.mask(word, rows: rows)
      }
    case .anyItem(let line):
      let x = planes(line)
      Kernels.anyItem(
        x.t, x.f, orders: batch.itemOrders, lines: batch.itemCount, out.t, out.f, rows: count)
    case .spread(let a):
      let x = planes(a)
      Kernels.spread(x.t, x.f, orders: batch.itemOrders, out.t, out.f, lines: batch.itemCount)
    default: break
    }
  }

  private func computeTextOrList(
    _ index: Int, _ node: Graph.Node, _ out: Planes, _ batch: FactBatch, rows: Int
  ) {
    let words = (rows + 63) / 64
    switch node {
    case .textEquals(let column, _):
      Kernels.textEquals(codes(of: column, batch), codes[index], out.t, out.f, words: words)
    case .textEqualsText(let a, let b):
      let left = codes(of: a, batch)
      let right = codes(of: b, batch)
      if a.isItemLevel, !b.isItemLevel {
        Kernels.textEqualsSpread(left, right, orders: batch.itemOrders, out.t, out.f, rows: rows)
      } else {
        Kernels.textEqualsText(left, right, out.t, out.f, words: words)
      }
    case .textTest(let column, let predicate):
      let column = codes(of: column, batch)
      memos[index].fill(predicate, column, rows: rows, dictionary: batch.dictionary)
      memos[index].withUnsafeBufferPointer {
        if let memo = $0.baseAddress { Kernels.textMemo(column, memo, out.t, out.f, words: words) }
      }
    case .textMissing(let column):
      Kernels.textMissing(codes(of: column, batch), out.t, out.f, rows: rows)
    case .orderList(let slot):
      Kernels.maskBit(batch.onLists, batch.listsKnown, slot: slot, out.t, out.f, words: words)
    case .itemList(let slot):
      Kernels.itemMaskBit(
        batch.itemOnLists, batch.listsKnown, orders: batch.itemOrders, slot: slot, out.t, out.f, rows: rows)
    case .listContains(let fact, _):
      listContains(fact, codes[index], out, batch, rows: rows)
    case .listMissing(let fact):
      let incomplete = batch.listsIncomplete + batch.list(fact) &* batch.wordCount
      for word in 0..<words {
        out.t[word] = incomplete[word]
        out.f[word] = ~incomplete[word] & Kernels.mask(word, rows: rows)
      }
    default: break
    }
  }

  /// True when some element is the text; else unknown when the list is incomplete; else false.
  private func listContains(_ fact: Fact, _ code: UInt32, _ out: Planes, _ batch: FactBatch, rows: Int) {
    let list = batch.list(fact)
    let words = (rows + 63) / 64
    Kernels.textEquals(batch.firstElements + list &* batch.capacity, code, out.t, out.f, words: words)
    for element in batch.moreElements where element.list == list && element.code == code {
      out.t[element.row &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: element.row & 63)
    }
    let incomplete = batch.listsIncomplete + list &* batch.wordCount
    for word in 0..<words { out.f[word] = ~out.t[word] & ~incomplete[word] & Kernels.mask(word, rows: rows) }
  }

  // MARK: Answers

  /// Answer of a rule of `plan.rules` for a row; false outside of the batch.
  public func outcome(rule: Int, row: Int) -> Outcome {
    guard plan.rules.indices.contains(rule), row >= 0, row < count else { return .false }
    return bit(plan.rules[rule].root, row)
  }

  func bit(_ reference: NodeReference, _ row: Int) -> Outcome {
    let planes = planes(reference)
    let shift = UInt64(truncatingIfNeeded: row & 63)
    if (planes.t[row &>> 6] &>> shift) & 1 == 1 { return .true }
    return (planes.f[row &>> 6] &>> shift) & 1 == 1 ? .false : .unknown
  }

  /// 1 + index of the first false term, or, when the rule is unknown, of the first unknown one; 0 when it is true.
  public func term(rule: Int, row: Int) -> Int {
    let outcome = outcome(rule: rule, row: row)
    guard outcome != .true, plan.rules.indices.contains(rule), row >= 0, row < count else { return 0 }
    return (plan.rules[rule].terms.firstIndex { bit($0, row) == outcome } ?? -1) + 1
  }

  /// Whether an item-scope rule labels the line with this index within its order.
  public func isLineMatched(rule: Int, row: Int, itemIndex: Int) -> Bool {
    guard plan.rules.indices.contains(rule), let match = plan.rules[rule].match, let batch, row >= 0,
      row < count,
      itemIndex >= 0, itemIndex < Int(batch.itemStarts[row + 1] - batch.itemStarts[row])
    else { return false }
    return bit(match, Int(batch.itemStarts[row]) + itemIndex) == .true
  }

  /// Rows of a rule that are true, as bits: `(count + 63) / 64` words. Nil for a rule that is not there.
  public func trueRows(rule: Int) -> UnsafeBufferPointer<UInt64>? {
    guard plan.rules.indices.contains(rule) else { return nil }
    return UnsafeBufferPointer(start: planes(plan.rules[rule].root).t, count: (count + 63) / 64)
  }

  /// Rows of a rule that are false, as bits; what is in neither is unknown.
  public func falseRows(rule: Int) -> UnsafeBufferPointer<UInt64>? {
    guard plan.rules.indices.contains(rule) else { return nil }
    return UnsafeBufferPointer(start: planes(plan.rules[rule].root).f, count: (count + 63) / 64)
  }

  /// Writes the answers of all rows out row by row, as a decision carries them; read with `answers(row:)`.
  public func arrangeByRow() {
    guard let batch, count > 0 else { return }
    outcomeBytes.update(repeating: 0, count: count * plan.outcomeStride)
    termBytes.update(repeating: 0, count: count * plan.outcomeStride)
    let single = plan.ruleSets.count == 1
    for rule in plan.rules {
      for word in 0..<((count + 63) / 64) {
        var mine = Kernels.mask(word, rows: count)
        if !single {
          let sets = batch.ruleSets + word &* 64
          let set = UInt32(truncatingIfNeeded: rule.ruleSet)
          var of: UInt64 = 0
          for index in 0..<64 { of |= (sets[index] == set ? 1 : 0) &<< UInt64(truncatingIfNeeded: index) }
          mine &= of
        }
        if mine != 0 { arrange(rule, word, mine) }
      }
    }
  }

  private func arrange(_ rule: Plan.PlannedRule, _ word: Int, _ mine: UInt64) {
    let root = planes(rule.root)
    let stride = plan.outcomeStride
    let base = word &* 64 &* stride &+ rule.rule
    var isFalse = root.f[word] & mine
    var isUnknown = ~(root.t[word] | root.f[word]) & mine
    Kernels.forEachBit(root.t[word] & mine) { outcomeBytes[base &+ $0 &* stride] = Outcome.true.rawValue }
    Kernels.forEachBit(isUnknown) { outcomeBytes[base &+ $0 &* stride] = Outcome.unknown.rawValue }
    var number: UInt8 = 1
    for term in rule.terms {
      if isFalse | isUnknown == 0 { break }
      let p = planes(term)
      let failing = isFalse & p.f[word]
      let missing = isUnknown & ~(p.t[word] | p.f[word])
      Kernels.forEachBit(failing | missing) { termBytes[base &+ $0 &* stride] = number }
      isFalse &= ~failing
      isUnknown &= ~missing
      number &+= 1
    }
  }

  /// After `arrangeByRow`: one byte per rule of the row's rule set (drafts and retired ones are 0): the outcome,
  /// and 1 + the index of the first false or unknown term.
  public func answers(row: Int) -> (outcomes: UnsafeBufferPointer<UInt8>, terms: UnsafeBufferPointer<UInt8>) {
    guard let batch, row >= 0, row < count, plan.ruleSets.indices.contains(Int(batch.ruleSets[row])) else {
      return (UnsafeBufferPointer(start: nil, count: 0), UnsafeBufferPointer(start: nil, count: 0))
    }
    let length = plan.ruleSets[Int(batch.ruleSets[row])].rules.count
    let offset = row * plan.outcomeStride
    return (
      UnsafeBufferPointer(start: outcomeBytes + offset, count: length),
      UnsafeBufferPointer(start: termBytes + offset, count: length)
    )
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
