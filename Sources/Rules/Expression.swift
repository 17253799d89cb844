/// A condition as written: the syntax tree of the rule language. Two trees are equal when they say the same,
/// wherever they stand in their source.
public struct Expression: Sendable {
  public indirect enum Kind: Hashable, Sendable {
    case int(Int64)
    /// In ten-thousandths.
    case decimal(Int64)
    case string(Literal)
    case bool(Bool)
    case list([Expression])
    case name(String)
    case member(Expression, String)
    case call(receiver: Expression?, function: String, arguments: [Expression])
    case not(Expression)
    case negate(Expression)
    case binary(BinaryOperator, Expression, Expression)
    /// Two or more terms.
    case and([Expression])
    /// Two or more terms.
    case or([Expression])
    case conditional(Expression, then: Expression, otherwise: Expression)
  }

  public enum BinaryOperator: String, Sendable, CaseIterable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case `in` = "in"
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
  }

  /// A text in quotes; the same when its bytes are.
  public struct Literal: Hashable, Sendable {
    public var text: String
    public init(_ text: String) { self.text = text }
    public static func == (left: Literal, right: Literal) -> Bool {
      left.text.utf8.elementsEqual(right.text.utf8)
    }
    public func hash(into hasher: inout Hasher) { for byte in text.utf8 { hasher.combine(byte) } }
  }

  public var kind: Kind
  /// Byte offset of the token that names the construct.
  public var offset: Int

  public init(_ kind: Kind, at offset: Int = 0) {
    self.kind = kind
    self.offset = offset
  }

  /// Bytes of one condition.
  public static let sourceBytesMax = 16_384
  /// Nesting of one condition.
  public static let depthMax = 48
  /// Nodes of one condition.
  public static let nodesMax = 4_096
  /// Problems reported for one condition.
  public static let problemsMax = 20
}

extension Expression: Hashable {
  /// Texts are compared by their bytes, as rules compare them.
  public static func == (left: Expression, right: Expression) -> Bool { left.kind == right.kind }
  public func hash(into hasher: inout Hasher) { hasher.combine(kind) }
}

extension Expression {
  /// The terms of the top-level conjunction; the expression itself when it is none.
  public var conjuncts: [Expression] {
    guard case .and(let terms) = kind else { return [self] }
    return terms.flatMap(\.conjuncts)
  }

  /// `a.b.c` when the expression is nothing but names joined by dots.
  var dottedPath: String? {
    switch kind {
    case .name(let name): name
    case .member(let base, let name): base.dottedPath.map { "\($0).\(name)" }
    default: nil
    }
  }

  /// The expressions directly below.
  public var children: [Expression] {
    switch kind {
    case .int, .decimal, .string, .bool, .name: []
    case .list(let elements): elements
    case .member(let base, _): [base]
    case .call(let receiver, _, let arguments): (receiver.map { [$0] } ?? []) + arguments
    case .not(let operand), .negate(let operand): [operand]
    case .binary(_, let left, let right): [left, right]
    case .and(let terms), .or(let terms): terms
    case .conditional(let condition, let then, let otherwise): [condition, then, otherwise]
    }
  }

  /// As `children.contains(where:)`, without making the list of them.
  func hasChild(where test: (Expression) -> Bool) -> Bool {
    switch kind {
    case .int, .decimal, .string, .bool, .name: false
    case .list(let elements): elements.contains(where: test)
    case .member(let base, _): test(base)
    case .call(let receiver, _, let arguments): receiver.map(test) ?? false || arguments.contains(where: test)
    case .not(let operand), .negate(let operand): test(operand)
    case .binary(_, let left, let right): test(left) || test(right)
    case .and(let terms), .or(let terms): terms.contains(where: test)
    case .conditional(let condition, let then, let otherwise):
      test(condition) || test(then) || test(otherwise)
    }
  }

  /// Nodes and nesting; counting ends a little beyond `limit`.
  func size(limit: Int) -> (nodes: Int, depth: Int) {
    var nodes = 1
    var depth = 0
    for child in children where nodes <= limit {
      let inner = child.size(limit: limit - nodes)
      nodes += inner.nodes
      depth = max(depth, inner.depth)
    }
    return (nodes, depth + 1)
  }

  /// The same, said to stand elsewhere.
  func moved(to offset: Int) -> Expression {
    var result = mapChildren { $0.moved(to: offset) }
    result.offset = offset
    return result
  }

  /// The expression with each child replaced.
  func mapChildren(_ transform: (Expression) -> Expression) -> Expression {
    let kind: Kind =
      switch self.kind {
      case .int, .decimal, .string, .bool, .name: self.kind
      case .list(let elements): .list(elements.map(transform))
      case .member(let base, let name): .member(transform(base), name)
      case .call(let receiver, let function, let arguments):
        .call(
          receiver: receiver.map(transform), function: function, arguments: arguments.map(transform))
      case .not(let operand): .not(transform(operand))
      case .negate(let operand): .negate(transform(operand))
      case .binary(let op, let left, let right): .binary(op, transform(left), transform(right))
      case .and(let terms): .and(terms.map(transform))
      case .or(let terms): .or(terms.map(transform))
      case .conditional(let condition, let then, let otherwise):
        .conditional(transform(condition), then: transform(then), otherwise: transform(otherwise))
      }
    return Expression(kind, at: offset)
  }
}
