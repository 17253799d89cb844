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
    /// Some item line of the order.
    case anyItem(NodeReference)
    /// An order's truth on each of its item lines.
    case spread(NodeReference)
  }

  private(set) var nodes: [Node] = []
  /// Parallel to `nodes`: the rows are item lines.
  private(set) var isItemLevel: [Bool] = []

  mutating func append(_ node: Node, item: Bool) {
    nodes.append(node)
    isItemLevel.append(item)
  }
}
