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

/// A text column of the orders or of their lines.
struct TextColumn: Hashable, Sendable {
  var fact: Fact
  var level: RowLevel { fact.level }
  var column: Int { Int(fact.rawValue) - Int(level.facts.text) }
}

struct Graph: Sendable {
  enum TextPredicate: Hashable, Sendable {
    case startsWith([UInt8])
    case endsWith([UInt8])
    case contains([UInt8])
    case matches(TextPattern)
    case less([UInt8])
    case lessOrEqual([UInt8])
    case oneOf(Set<[UInt8]>)
  }

  /// Numbers are named by their node, truths by a reference that may negate.
  enum Node: Hashable, Sendable {
    // One Int64 per row.
    case number(Fact)
    case claims(slot: Int)
    case timed(slot: Int)
    case aggregate(slot: Int)
    case constantNumber(Int64)
    /// A constant that differs from rule set to rule set.
    case parameter(column: Int)
    case arithmetic(TypedExpression.Arithmetic, Int, Int)
    case toDecimal(Int)
    case civil(TypedExpression.CivilPart, Int)
    case addMonths(Int, Int)
    case textSize(TextColumn)
    case listSize(Fact)
    case conditionalNumber(NodeReference, Int, Int)
    /// An order's number on each of its lines.
    case spreadNumber(Int, RowLevel)
    /// Over the lines of an order where the reference is true; a count has no number.
    case fold(TypedExpression.Fold, NodeReference, Int?)

    // True, false or unknown per row.
    case always
    case truth(Fact)
    case orderList(slot: Int)
    case itemList(slot: Int)
    case listContains(Fact, [UInt8])
    case atLeast(Int, Int64)
    case equals(Int, Int64)
    /// False wherever the number is known.
    case never(Int)
    case atLeastNumber(Int, Int)
    case equalsNumber(Int, Int)
    case textEquals(TextColumn, [UInt8])
    case textEqualsText(TextColumn, TextColumn)
    case textTest(TextColumn, TextPredicate)
    case numberMissing(Int)
    case textMissing(TextColumn)
    case listMissing(Fact)
    case truthMissing(NodeReference)
    /// True where the other is; else false.
    case definitely(NodeReference)
    case and([NodeReference])
    case conditional(NodeReference, NodeReference, NodeReference)
    case sameTruth(NodeReference, NodeReference)
    /// Some line of the order.
    case anyLine(NodeReference)
    case exactlyOne(NodeReference)
    /// An order's truth on each of its lines.
    case spread(NodeReference, RowLevel)
  }

  private(set) var nodes: [Node] = []
  /// Parallel to `nodes`: what the rows are.
  private(set) var levels: [RowLevel] = []

  mutating func append(_ node: Node, level: RowLevel) {
    nodes.append(node)
    levels.append(level)
  }
}

extension Graph.Node {
  /// The nodes it is computed from.
  func forEachOperand(_ body: (Int) -> Void) {
    switch self {
    case .arithmetic(_, let a, let b), .atLeastNumber(let a, let b), .equalsNumber(let a, let b):
      body(a)
      body(b)
    case .toDecimal(let a), .civil(_, let a), .addMonths(let a, _), .spreadNumber(let a, _),
      .atLeast(let a, _),
      .equals(let a, _),
      .never(let a), .numberMissing(let a):
      body(a)
    case .conditionalNumber(let test, let a, let b):
      body(test.node)
      body(a)
      body(b)
    case .truthMissing(let a), .definitely(let a), .anyLine(let a), .exactlyOne(let a), .spread(let a, _):
      body(a.node)
    case .fold(_, let filter, let number):
      body(filter.node)
      if let number { body(number) }
    case .sameTruth(let a, let b):
      body(a.node)
      body(b.node)
    case .conditional(let a, let b, let c):
      body(a.node)
      body(b.node)
      body(c.node)
    case .and(let terms): for term in terms { body(term.node) }
    case .number, .claims, .timed, .aggregate, .constantNumber, .parameter, .always, .truth, .orderList,
      .itemList, .listContains, .textEquals, .textEqualsText, .textTest, .textMissing, .listMissing,
      .textSize, .listSize:
      break
    }
  }

  /// One Int64 per row, rather than true, false or unknown.
  var isNumber: Bool {
    switch self {
    case .number, .claims, .timed, .aggregate, .constantNumber, .parameter, .arithmetic, .toDecimal, .civil,
      .conditionalNumber, .spreadNumber, .addMonths, .textSize, .listSize, .fold:
      true
    default: false
    }
  }

  /// Read from the batch as it is.
  var isColumn: Bool {
    switch self {
    case .number, .claims, .timed, .aggregate: true
    default: false
    }
  }
}
