public import Orders

/// The rule sets of any number of malls as one graph of columns and predicates, each of which exists once.
///
/// Compiled once per change of a rule set; immutable, so any thread may evaluate it.
public struct Plan: Sendable {
  public struct PlannedRule: Sendable {
    /// Position in `ruleSets`.
    public var ruleSet: Int
    /// Position in `ruleSets[ruleSet].rules`.
    public var rule: Int
    let root: NodeReference
    let terms: [NodeReference]
    /// Item scope: which lines match.
    let match: NodeReference?
  }

  public enum PlanError: Error, Equatable, Sendable {
    case tooManyLists(max: Int)
    case tooManyClaimWindows(max: Int)
  }

  public let ruleSets: [RuleSet]
  /// Decided rules, ordered by rule set, then as in the set.
  public let rules: [PlannedRule]
  /// What a batch must hold for this plan.
  public let layout: FactLayout
  public let zone: ShopZone
  let graph: Graph
  /// Rules of the largest set: the row length of `Evaluator.outcomes`.
  let outcomeStride: Int

  /// Throws when the sets together ask for more lists or claim counts than a batch has room for.
  public init(_ ruleSets: [RuleSet], zone: ShopZone = .seoul) throws(PlanError) {
    var lists: Set<String> = []
    var windows: Set<ClaimWindow> = []
    for set in ruleSets {
      lists.formUnion(set.demand.lists)
      windows.formUnion(set.demand.claimWindows)
    }
    guard lists.count <= FactLayout.listsMax else { throw .tooManyLists(max: FactLayout.listsMax) }
    guard windows.count <= FactLayout.claimWindowsMax else {
      throw .tooManyClaimWindows(max: FactLayout.claimWindowsMax)
    }
    var layout = FactLayout()
    layout.lists = lists.sorted(by: bytesPrecede)
    layout.listBytes = layout.lists.map { Array($0.utf8) }
    layout.claimWindows = windows.sorted()
    var builder = GraphBuilder(layout: layout)
    var planned: [PlannedRule] = []
    for (setIndex, set) in ruleSets.enumerated() {
      for (ruleIndex, rule) in set.rules.enumerated() where rule.isDecided {
        let terms = rule.terms.map { builder.truth($0.typed) }
        let root = builder.and(terms)
        let match = rule.typedMatch.map { builder.lineMatch($0, when: root) }
        planned.append(
          PlannedRule(ruleSet: setIndex, rule: ruleIndex, root: root, terms: terms, match: match))
      }
    }
    self.ruleSets = ruleSets
    self.zone = zone
    rules = planned
    self.layout = builder.layout
    graph = builder.graph
    outcomeStride = ruleSets.map(\.rules.count).max() ?? 0
  }

  public func uses(_ fact: Fact) -> Bool { layout.uses(fact) }
  /// Nodes of the graph: what a batch costs.
  public var nodeCount: Int { graph.nodes.count }
}

/// A node of the graph, or its negation: negation costs nothing.
struct NodeReference: Hashable, Sendable {
  var raw: Int32
  init(node: Int, negated: Bool = false) { raw = Int32(node) << 1 | (negated ? 1 : 0) }
  var node: Int { Int(raw >> 1) }
  var isNegated: Bool { raw & 1 == 1 }
  var negated: NodeReference {
    var other = self
    other.raw ^= 1
    return other
  }
}

/// A text column of the orders or of the item lines.
struct TextColumn: Hashable, Sendable {
  var fact: Fact
  var isItemLevel: Bool { fact.isItemLevel }
  var column: Int { Int(fact.rawValue) - Int(isItemLevel ? Fact.itemSku.rawValue : Fact.currency.rawValue) }
}

struct Graph: Sendable {
  enum TextPredicate: Hashable, Sendable {
    case startsWith([UInt8])
    case endsWith([UInt8])
    case contains([UInt8])
    case less([UInt8])
    case lessOrEqual([UInt8])
    case oneOf(Set<[UInt8]>)
  }

  /// Numbers are named by their node, truths by a reference that may negate.
  enum Node: Hashable, Sendable {
    // One Int64 per row.
    case number(Fact)
    case claims(slot: Int)
    case constantNumber(Int64)
    case arithmetic(TypedExpression.Arithmetic, Int, Int)
    case toDecimal(Int)
    case civil(TypedExpression.CivilPart, Int)
    case conditionalNumber(NodeReference, Int, Int)
    /// An order's number on each of its item lines.
    case spreadNumber(Int)

    // True, false or unknown per row.
    case always
    case truth(Fact)
    case orderList(slot: Int)
    case itemList(slot: Int)
    case listContains(Fact, String)
    case atLeast(Int, Int64)
    case equals(Int, Int64)
    /// False wherever the number is known.
    case never(Int)
    case atLeastNumber(Int, Int)
    case equalsNumber(Int, Int)
    case textEquals(TextColumn, String)
    case textEqualsText(TextColumn, TextColumn)
    case textTest(TextColumn, TextPredicate)
    case numberMissing(Int)
    case textMissing(TextColumn)
    case listMissing(Fact)
    case truthMissing(NodeReference)
    case and([NodeReference])
    case conditional(NodeReference, NodeReference, NodeReference)
    case sameTruth(NodeReference, NodeReference)
    /// Some item line of the order.
    case anyItem(NodeReference)
    /// An order's truth on each of its item lines.
    case spread(NodeReference)
  }

  fileprivate(set) var nodes: [Node] = []
  /// Parallel to `nodes`: the rows are item lines.
  fileprivate(set) var isItemLevel: [Bool] = []
}

/// Builds the graph from typed conditions, bottom up, so that operands come before what uses them.
struct GraphBuilder {
  private(set) var layout: FactLayout
  private(set) var graph = Graph()
  private var known: [Graph.Node: Int] = [:]

  init(layout: FactLayout) { self.layout = layout }

  private mutating func add(_ node: Graph.Node, item: Bool) -> Int {
    if let index = known[node] { return index }
    let index = graph.nodes.count
    graph.nodes.append(node)
    graph.isItemLevel.append(item)
    known[node] = index
    return index
  }

  private mutating func truth(_ node: Graph.Node, item: Bool) -> NodeReference {
    NodeReference(node: add(node, item: item))
  }

  private func isItem(_ reference: NodeReference) -> Bool { graph.isItemLevel[reference.node] }

  /// The references at one level: if any is of item lines, the others are spread onto them.
  private mutating func leveled(_ references: [NodeReference]) -> ([NodeReference], item: Bool) {
    guard references.contains(where: isItem) else { return (references, false) }
    return (references.map { isItem($0) ? $0 : spread($0) }, true)
  }

  private mutating func spread(_ reference: NodeReference) -> NodeReference {
    let plain = NodeReference(node: reference.node)
    let result = truth(.spread(plain), item: true)
    return reference.isNegated ? result.negated : result
  }

  private mutating func leveled(numbers a: Int, _ b: Int) -> (Int, Int, item: Bool) {
    let items = (graph.isItemLevel[a], graph.isItemLevel[b])
    switch items {
    case (true, false): return (a, add(.spreadNumber(b), item: true), true)
    case (false, true): return (add(.spreadNumber(a), item: true), b, true)
    default: return (a, b, items.0)
    }
  }

  private mutating func use(_ fact: Fact) { layout.use(fact) }

  // MARK: Truths

  mutating func and(_ terms: [NodeReference]) -> NodeReference {
    let (same, item) = leveled(terms)
    let distinct = Set(same).sorted { $0.raw < $1.raw }
    if distinct.isEmpty { return truth(.always, item: false) }
    if distinct.count == 1 { return distinct[0] }
    return truth(.and(distinct), item: item)
  }

  private mutating func or(_ terms: [NodeReference]) -> NodeReference { and(terms.map(\.negated)).negated }

  /// The lines that an item-scope rule labels: live, matching, and the rule's own conditions true.
  mutating func lineMatch(_ match: TypedExpression, when root: NodeReference) -> NodeReference {
    let parts = [truth(.fact(.itemLive)), truth(match), root]
    let all = and(parts)
    return isItem(all) ? all : spread(all)
  }

  mutating func truth(_ typed: TypedExpression) -> NodeReference {
    switch typed {
    case .truth(let value):
      let always = truth(.always, item: false)
      return value ? always : always.negated
    case .fact(let fact):
      use(fact)
      return truth(.truth(fact), item: fact.isItemLevel)
    case .inList(let name, let item):
      let slot = layout.lists.firstIndex(of: name) ?? 0
      if item { layout.usesItemLists = true }
      return truth(item ? .itemList(slot: slot) : .orderList(slot: slot), item: item)
    case .listContains(let fact, let text):
      use(fact)
      return truth(.listContains(fact, text), item: false)
    case .compare(let comparison, let a, let b): return compare(comparison, a, b)
    case .compareText(let comparison, let a, let b): return compareText(comparison, a, b)
    case .compareTruth(let equal, let a, let b):
      let (same, item) = leveled([truth(a), truth(b)])
      let result = truth(.sameTruth(same[0], same[1]), item: item)
      return equal ? result : result.negated
    case .numberIn(let a, let values): return numberIn(a, values)
    case .textIn(let a, let values): return textIn(a, values)
    case .textTest(let test, let a, let text): return textTest(test, a, text)
    case .isMissing(let a): return missing(a)
    case .and(let terms): return and(terms.map { truth($0) })
    case .or(let terms): return or(terms.map { truth($0) })
    case .not(let a): return truth(a).negated
    case .conditional(let a, let b, let c):
      let (same, item) = leveled([truth(a), truth(b), truth(c)])
      return truth(.conditional(same[0], same[1], same[2]), item: item)
    case .quantified(let quantifier, let body): return quantified(quantifier, body)
    case .number, .text, .claims, .arithmetic, .toDecimal, .civil:
      return truth(.always, item: false).negated  // not a truth; the checker lets none through
    }
  }

  private mutating func compare(
    _ comparison: TypedExpression.Comparison, _ a: TypedExpression, _ b: TypedExpression
  ) -> NodeReference {
    if case .number(let constant) = b { return compare(comparison, number(a), constant) }
    if case .number(let constant) = a { return compare(comparison.mirrored, number(b), constant) }
    let (x, y, item) = leveled(numbers: number(a), number(b))
    switch comparison {
    case .equal: return truth(.equalsNumber(min(x, y), max(x, y)), item: item)
    case .notEqual: return truth(.equalsNumber(min(x, y), max(x, y)), item: item).negated
    case .greaterOrEqual: return truth(.atLeastNumber(x, y), item: item)
    case .less: return truth(.atLeastNumber(x, y), item: item).negated
    case .lessOrEqual: return truth(.atLeastNumber(y, x), item: item)
    case .greater: return truth(.atLeastNumber(y, x), item: item).negated
    }
  }

  /// Every ordering with a constant becomes `>=`, so that equal thresholds are one node.
  private mutating func compare(_ comparison: TypedExpression.Comparison, _ a: Int, _ constant: Int64)
    -> NodeReference
  {
    let item = graph.isItemLevel[a]
    switch comparison {
    case .equal: return truth(.equals(a, constant), item: item)
    case .notEqual: return truth(.equals(a, constant), item: item).negated
    case .greaterOrEqual: return truth(.atLeast(a, constant), item: item)
    case .less: return truth(.atLeast(a, constant), item: item).negated
    case .greater, .lessOrEqual:
      let (next, overflow) = constant.addingReportingOverflow(1)
      let above = truth(overflow ? .never(a) : .atLeast(a, next), item: item)
      return comparison == .greater ? above : above.negated
    }
  }

  private mutating func column(_ typed: TypedExpression) -> TextColumn {
    guard case .fact(let fact) = typed else { return TextColumn(fact: .event) }
    use(fact)
    return TextColumn(fact: fact)
  }

  private mutating func compareText(
    _ comparison: TypedExpression.Comparison, _ a: TypedExpression, _ b: TypedExpression
  ) -> NodeReference {
    let left = column(a)
    guard case .text(let text) = b else {
      let right = column(b)
      let (x, y) = left.fact < right.fact ? (right, left) : (left, right)
      let same = truth(.textEqualsText(x, y), item: x.isItemLevel)
      return comparison == .equal ? same : same.negated
    }
    let item = left.isItemLevel
    let bytes = Array(text.utf8)
    switch comparison {
    case .equal: return truth(.textEquals(left, text), item: item)
    case .notEqual: return truth(.textEquals(left, text), item: item).negated
    case .less: return truth(.textTest(left, .less(bytes)), item: item)
    case .greaterOrEqual: return truth(.textTest(left, .less(bytes)), item: item).negated
    case .lessOrEqual: return truth(.textTest(left, .lessOrEqual(bytes)), item: item)
    case .greater: return truth(.textTest(left, .lessOrEqual(bytes)), item: item).negated
    }
  }

  private mutating func numberIn(_ a: TypedExpression, _ values: [Int64]) -> NodeReference {
    let x = number(a)
    let item = graph.isItemLevel[x]
    if values.isEmpty { return truth(.never(x), item: item) }
    return or(values.map { truth(.equals(x, $0), item: item) })
  }

  private mutating func textIn(_ a: TypedExpression, _ values: [String]) -> NodeReference {
    let left = column(a)
    if values.count == 1 { return truth(.textEquals(left, values[0]), item: left.isItemLevel) }
    return truth(.textTest(left, .oneOf(Set(values.map { Array($0.utf8) }))), item: left.isItemLevel)
  }

  private mutating func textTest(_ test: TypedExpression.TextTest, _ a: TypedExpression, _ text: String)
    -> NodeReference
  {
    let left = column(a)
    let bytes = Array(text.utf8)
    let predicate: Graph.TextPredicate =
      switch test {
      case .startsWith: .startsWith(bytes)
      case .endsWith: .endsWith(bytes)
      case .contains: .contains(bytes)
      }
    return truth(.textTest(left, predicate), item: left.isItemLevel)
  }

  private mutating func missing(_ a: TypedExpression) -> NodeReference {
    switch a {
    case .fact(let fact) where fact.storage == .text:
      use(fact)
      return truth(.textMissing(TextColumn(fact: fact)), item: fact.isItemLevel)
    case .fact(let fact) where fact.storage == .textList:
      use(fact)
      return truth(.listMissing(fact), item: false)
    case .fact(let fact) where fact.storage == .number:
      let x = number(a)
      return truth(.numberMissing(x), item: fact.isItemLevel)
    case .claims, .arithmetic, .toDecimal, .civil, .number:
      let x = number(a)
      return truth(.numberMissing(x), item: graph.isItemLevel[x])
    case .conditional(_, let then, _) where then.isNumber:
      let x = number(a)
      return truth(.numberMissing(x), item: graph.isItemLevel[x])
    default:
      let x = NodeReference(node: truth(a).node)  // a truth and its negation are missing together
      return truth(.truthMissing(x), item: isItem(x))
    }
  }

  private mutating func quantified(_ quantifier: TypedExpression.Quantifier, _ body: TypedExpression)
    -> NodeReference
  {
    // all(p) is not exists(not p): one kernel serves both.
    var line = quantifier.exists ? truth(body) : truth(body).negated
    if !quantifier.everyLine {
      line = and([truth(.fact(.itemLive)), truth(.fact(.itemGift)).negated, line])
    }
    layout.use(.itemLive)
    if !isItem(line) { line = spread(line) }
    let any = truth(.anyItem(line), item: false)
    return quantifier.exists ? any : any.negated
  }

  // MARK: Numbers

  private mutating func number(_ typed: TypedExpression) -> Int {
    switch typed {
    case .number(let value): return add(.constantNumber(value), item: false)
    case .fact(let fact):
      use(fact)
      return add(.number(fact), item: fact.isItemLevel)
    case .claims(let window):
      return add(.claims(slot: layout.claimWindows.firstIndex(of: window) ?? 0), item: false)
    case .arithmetic(let op, let a, let b):
      let (x, y, item) = leveled(numbers: number(a), number(b))
      return add(.arithmetic(op, x, y), item: item)
    case .toDecimal(let a):
      let x = number(a)
      return add(.toDecimal(x), item: graph.isItemLevel[x])
    case .civil(let part, let a):
      let x = number(a)
      return add(.civil(part, x), item: graph.isItemLevel[x])
    case .conditional(let test, let a, let b):
      var condition = truth(test)
      var (x, y, item) = leveled(numbers: number(a), number(b))
      if item, !isItem(condition) { condition = spread(condition) }
      if !item, isItem(condition) {
        x = add(.spreadNumber(x), item: true)
        y = add(.spreadNumber(y), item: true)
        item = true
      }
      return add(.conditionalNumber(condition, x, y), item: item)
    default: return add(.constantNumber(0), item: false)  // not a number; the checker lets none through
    }
  }
}

extension TypedExpression {
  /// One Int64 per row, rather than a truth or a text.
  var isNumber: Bool {
    switch self {
    case .number, .claims, .arithmetic, .toDecimal, .civil: true
    case .fact(let fact): fact.storage == .number
    case .conditional(_, let then, _): then.isNumber
    default: false
    }
  }
}
