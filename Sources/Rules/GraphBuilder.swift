/// Builds the graph from typed conditions, bottom up, so that operands come before what uses them.
struct GraphBuilder {
  var layout: FactLayout
  private(set) var graph = Graph()
  private var known: [Graph.Node: Int] = [:]
  /// Where rules of the set at hand are true, by their position.
  var acting: [Int: NodeReference] = [:]

  init(layout: FactLayout) { self.layout = layout }

  private mutating func add(_ node: Graph.Node, item: Bool) -> Int {
    if let index = known[node] { return index }
    let index = graph.nodes.count
    graph.append(node, item: item)
    known[node] = index
    return index
  }

  mutating func truth(_ node: Graph.Node, item: Bool) -> NodeReference {
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

  mutating func leveled(numbers a: Int, _ b: Int) -> (Int, Int, item: Bool) {
    let items = (graph.isItemLevel[a], graph.isItemLevel[b])
    switch items {
    case (true, false): return (a, add(.spreadNumber(b), item: true), true)
    case (false, true): return (add(.spreadNumber(a), item: true), b, true)
    default: return (a, b, items.0)
    }
  }

  mutating func use(_ fact: Fact) { layout.use(fact) }

  // MARK: Truths

  mutating func and(_ terms: [NodeReference]) -> NodeReference {
    let (same, item) = leveled(terms)
    let distinct = Set(same).sorted { $0.raw < $1.raw }
    if distinct.isEmpty { return truth(.always, item: false) }
    if distinct.count == 1 { return distinct[0] }
    return truth(.and(distinct), item: item)
  }

  mutating func or(_ terms: [NodeReference]) -> NodeReference { and(terms.map(\.negated)).negated }

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
      let slot = layout.addList(name)
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
    case .textMatches(let a, let pattern): return textMatches(a, pattern)
    case .isMissing(let a): return missing(a)
    case .and(let terms): return and(terms.map { truth($0) })
    case .or(let terms): return or(terms.map { truth($0) })
    case .not(let a): return truth(a).negated
    case .conditional(let a, let b, let c):
      let (same, item) = leveled([truth(a), truth(b), truth(c)])
      return truth(.conditional(same[0], same[1], same[2]), item: item)
    case .quantified(let quantifier, let body): return quantified(quantifier, body)
    case .noneActs(let rules): return noneActs(rules)
    case .number, .parameter, .text, .claims, .arithmetic, .toDecimal, .civil, .addMonths, .textSize,
      .listSize:
      return truth(.always, item: false).negated  // not a truth; the checker lets none through
    }
  }

  /// One by one, so that rules with a common beginning of this list have its nodes in common.
  private mutating func noneActs(_ rules: [Int]) -> NodeReference {
    var none = truth(.always, item: false)
    for rule in rules {
      guard let root = acting[rule] else { continue }
      let acts = truth(.definitely(root), item: false).negated
      none = none == truth(.always, item: false) ? acts : and([none, acts])
    }
    return none
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
    case .claims, .arithmetic, .toDecimal, .civil, .number, .addMonths, .textSize, .listSize:
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

  mutating func number(_ typed: TypedExpression) -> Int {
    switch typed {
    case .number(let value): return add(.constantNumber(value), item: false)
    case .parameter(let column): return add(.parameter(column: column), item: false)
    case .fact(let fact):
      use(fact)
      return add(.number(fact), item: fact.isItemLevel)
    case .claims(let window):
      return add(.claims(slot: layout.addClaims(window)), item: false)
    case .arithmetic(let op, let a, let b):
      let (x, y, item) = leveled(numbers: number(a), number(b))
      return add(.arithmetic(op, x, y), item: item)
    case .toDecimal(let a):
      let x = number(a)
      return add(.toDecimal(x), item: graph.isItemLevel[x])
    case .civil(let part, let a):
      let x = number(a)
      return add(.civil(part, x), item: graph.isItemLevel[x])
    case .addMonths(let a, let months):
      let x = number(a)
      return add(.addMonths(x, months), item: graph.isItemLevel[x])
    case .textSize(let a):
      let text = column(a)
      return add(.textSize(text), item: text.isItemLevel)
    case .listSize(let fact):
      use(fact)
      return add(.listSize(fact), item: fact.isItemLevel)
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
    case .number, .parameter, .claims, .arithmetic, .toDecimal, .civil, .addMonths, .textSize, .listSize: true
    case .fact(let fact): fact.storage == .number
    case .conditional(_, let then, _): then.isNumber
    default: false
    }
  }
}
