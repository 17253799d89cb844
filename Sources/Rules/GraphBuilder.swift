/// Builds the graph from typed conditions, bottom up, so that operands come before what uses them.
struct GraphBuilder {
  var layout: FactLayout
  private(set) var graph = Graph()
  private var known: [Graph.Node: Int] = [:]
  /// Where rules of the set at hand are true, by their position.
  var acting: [Int: NodeReference] = [:]

  init(layout: FactLayout) { self.layout = layout }

  private mutating func add(_ node: Graph.Node, level: RowLevel) -> Int {
    if let index = known[node] { return index }
    let index = graph.nodes.count
    graph.append(node, level: level)
    known[node] = index
    return index
  }

  mutating func truth(_ node: Graph.Node, level: RowLevel) -> NodeReference {
    NodeReference(node: add(node, level: level))
  }

  private func level(_ reference: NodeReference) -> RowLevel { graph.levels[reference.node] }

  /// The references at one level: if any is of lines, the others are spread onto them.
  private mutating func leveled(_ references: [NodeReference]) -> ([NodeReference], level: RowLevel) {
    guard let lines = references.first(where: { level($0) != .order }).map({ level($0) }) else {
      return (references, .order)
    }
    return (references.map { spread($0, lines) }, lines)
  }

  /// The reference itself where it is of lines already.
  private mutating func spread(_ reference: NodeReference, _ lines: RowLevel) -> NodeReference {
    guard level(reference) == .order else { return reference }
    let result = truth(.spread(NodeReference(node: reference.node), lines), level: lines)
    return reference.isNegated ? result.negated : result
  }

  private mutating func spread(number: Int, _ lines: RowLevel) -> Int {
    graph.levels[number] == .order ? add(.spreadNumber(number, lines), level: lines) : number
  }

  mutating func leveled(numbers a: Int, _ b: Int) -> (Int, Int, level: RowLevel) {
    let lines = graph.levels[a] == .order ? graph.levels[b] : graph.levels[a]
    guard lines != .order else { return (a, b, .order) }
    return (spread(number: a, lines), spread(number: b, lines), lines)
  }

  mutating func use(_ fact: Fact) { layout.use(fact) }

  // MARK: Truths

  mutating func and(_ terms: [NodeReference]) -> NodeReference {
    let (same, level) = leveled(terms)
    let distinct = Set(same).sorted { $0.raw < $1.raw }
    if distinct.isEmpty { return truth(.always, level: .order) }
    if distinct.count == 1 { return distinct[0] }
    return truth(.and(distinct), level: level)
  }

  mutating func or(_ terms: [NodeReference]) -> NodeReference { and(terms.map(\.negated)).negated }

  /// The lines that an item-scope rule labels: live, matching, and the rule's own conditions true.
  mutating func lineMatch(_ match: TypedExpression, when root: NodeReference) -> NodeReference {
    let parts = [truth(.fact(.itemLive)), truth(match), root]
    return spread(and(parts), .item)
  }

  mutating func truth(_ typed: TypedExpression) -> NodeReference {
    switch typed {
    case .truth(let value):
      let always = truth(.always, level: .order)
      return value ? always : always.negated
    case .fact(let fact):
      use(fact)
      return truth(.truth(fact), level: fact.level)
    case .inList(let name, let item):
      let slot = layout.addList(name)
      if item { layout.usesItemLists = true }
      return truth(item ? .itemList(slot: slot) : .orderList(slot: slot), level: item ? .item : .order)
    case .listContains(let fact, let text):
      use(fact)
      return truth(.listContains(fact, text), level: fact.level)
    case .compare(let comparison, let a, let b): return compare(comparison, a, b)
    case .compareText(let comparison, let a, let b): return compareText(comparison, a, b)
    case .compareTruth(let equal, let a, let b):
      let (same, level) = leveled([truth(a), truth(b)])
      let result = truth(.sameTruth(same[0], same[1]), level: level)
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
      let (same, level) = leveled([truth(a), truth(b), truth(c)])
      return truth(.conditional(same[0], same[1], same[2]), level: level)
    case .quantified(let quantifier, let body): return quantified(quantifier, body)
    case .noneActs(let rules): return noneActs(rules)
    case .number, .parameter, .text, .claims, .timed, .aggregate, .arithmetic, .toDecimal, .civil, .addMonths,
      .textSize, .listSize, .fold:
      return truth(.always, level: .order).negated  // not a truth; the checker lets none through
    }
  }

  /// One by one, so that rules with a common beginning of this list have its nodes in common.
  private mutating func noneActs(_ rules: [Int]) -> NodeReference {
    var none = truth(.always, level: .order)
    for rule in rules {
      guard let root = acting[rule] else { continue }
      let acts = truth(.definitely(root), level: .order).negated
      none = none == truth(.always, level: .order) ? acts : and([none, acts])
    }
    return none
  }

  private mutating func missing(_ a: TypedExpression) -> NodeReference {
    switch a {
    case .fact(let fact) where fact.storage == .text:
      use(fact)
      return truth(.textMissing(TextColumn(fact: fact)), level: fact.level)
    case .fact(let fact) where fact.storage == .textList:
      use(fact)
      return truth(.listMissing(fact), level: fact.level)
    case .fact(let fact) where fact.storage == .number:
      let x = number(a)
      return truth(.numberMissing(x), level: fact.level)
    case .claims, .timed, .aggregate, .arithmetic, .toDecimal, .civil, .number, .addMonths, .textSize,
      .listSize, .fold:
      let x = number(a)
      return truth(.numberMissing(x), level: graph.levels[x])
    case .conditional(_, let then, _) where then.isNumber:
      let x = number(a)
      return truth(.numberMissing(x), level: graph.levels[x])
    default:
      let x = NodeReference(node: truth(a).node)  // a truth and its negation are missing together
      return truth(.truthMissing(x), level: level(x))
    }
  }

  /// Where a line counts and something is true of it.
  private mutating func counted(_ lines: TypedExpression.Lines, _ reference: NodeReference) -> NodeReference {
    layout.use(lines.level)
    guard !lines.everyLine else { return spread(reference, lines.level) }
    return and([truth(.fact(.itemLive)), truth(.fact(.itemGift)).negated, reference])
  }

  private mutating func quantified(_ quantifier: TypedExpression.Quantifier, _ body: TypedExpression)
    -> NodeReference
  {
    // all(p) is not exists(not p): one kernel serves both.
    let condition = quantifier.kind == .all ? truth(body).negated : truth(body)
    let line = counted(quantifier.lines, condition)
    if quantifier.kind == .one { return truth(.exactlyOne(line), level: .order) }
    let any = truth(.anyLine(line), level: .order)
    return quantifier.kind == .exists ? any : any.negated
  }

  private mutating func fold(
    _ fold: TypedExpression.Fold, _ lines: TypedExpression.Lines, _ filter: TypedExpression,
    _ element: TypedExpression
  ) -> Int {
    let line = counted(lines, truth(filter))
    if fold == .count { return add(.fold(fold, line, nil), level: .order) }
    return add(.fold(fold, line, spread(number: number(element), lines.level)), level: .order)
  }

  // MARK: Numbers

  mutating func number(_ typed: TypedExpression) -> Int {
    switch typed {
    case .number(let value): return add(.constantNumber(value), level: .order)
    case .parameter(let column): return add(.parameter(column: column), level: .order)
    case .fact(let fact):
      use(fact)
      return add(.number(fact), level: fact.level)
    case .claims(let window):
      return add(.claims(slot: layout.addClaims(window)), level: .order)
    case .timed(let fact):
      return add(.timed(slot: layout.addTimed(fact)), level: .order)
    case .aggregate(let aggregate):
      return add(.aggregate(slot: layout.addAggregate(aggregate)), level: .order)
    case .arithmetic(let op, let a, let b):
      let (x, y, level) = leveled(numbers: number(a), number(b))
      return add(.arithmetic(op, x, y), level: level)
    case .toDecimal(let a):
      let x = number(a)
      return add(.toDecimal(x), level: graph.levels[x])
    case .civil(let part, let a):
      let x = number(a)
      return add(.civil(part, x), level: graph.levels[x])
    case .addMonths(let a, let months):
      let x = number(a)
      return add(.addMonths(x, months), level: graph.levels[x])
    case .textSize(let a):
      let text = column(a)
      return add(.textSize(text), level: text.level)
    case .listSize(let fact):
      use(fact)
      return add(.listSize(fact), level: fact.level)
    case .conditional(let test, let a, let b):
      let condition = truth(test)
      let (x, y, lines) = leveled(numbers: number(a), number(b))
      let level = lines == .order ? self.level(condition) : lines
      guard level != .order else { return add(.conditionalNumber(condition, x, y), level: .order) }
      return add(
        .conditionalNumber(spread(condition, level), spread(number: x, level), spread(number: y, level)),
        level: level)
    case .fold(let fold, let lines, let filter, let element):
      return self.fold(fold, lines, filter, element)
    default: return add(.constantNumber(0), level: .order)  // not a number; the checker lets none through
    }
  }
}

extension TypedExpression {
  /// One Int64 per row, rather than a truth or a text.
  var isNumber: Bool {
    switch self {
    case .number, .parameter, .claims, .timed, .aggregate, .arithmetic, .toDecimal, .civil, .addMonths,
      .textSize, .listSize, .fold:
      true
    case .fact(let fact): fact.storage == .number
    case .conditional(_, let then, _): then.isNumber
    default: false
    }
  }
}
