/// Reads the text of a condition. Precedence as in CEL: `?:`, `||`, `&&`, comparisons and `in`, `+ -`, `* /`,
/// `! -`, then members and calls.
public struct Parser {
  private let tokens: [Lexer.Token]
  private var position = 0
  private var depth = 0
  private var nodes = 0
  private var problems: [Problem]
  private var gaveUp = false

  private init(_ source: String) {
    let lexer = Lexer(source)
    tokens = lexer.tokens
    problems = lexer.problems
  }

  /// The tree of the whole text, or every problem found in it.
  public static func parse(_ source: String) -> Result<Expression, Diagnostics> {
    switch parseProblems(source) {
    case .success(let expression): .success(expression)
    case .failure(let problems): .failure(Diagnostics(problems.list.map { Diagnostic($0, in: source) }))
    }
  }

  struct Problems: Error { var list: [Problem] }

  static func parseProblems(_ source: String) -> Result<Expression, Problems> {
    var parser = Parser(source)
    if parser.tokens.count <= 1, parser.problems.isEmpty {
      return .failure(Problems(list: [Problem(offset: 0, message: "the condition is empty")]))
    }
    guard parser.problems.isEmpty else { return .failure(Problems(list: parser.problems)) }
    let expression = parser.parseConditional()
    if !parser.gaveUp, parser.current != .end {
      parser.fail("expected an operator or the end, found \(parser.found)")
    }
    return parser.problems.isEmpty ? .success(expression) : .failure(Problems(list: parser.problems))
  }

  private var current: Lexer.Kind { tokens[min(position, tokens.count - 1)].kind }
  private var offset: Int { tokens[min(position, tokens.count - 1)].offset }

  private var found: String {
    switch current {
    case .end: "the end"
    case .symbol(let text), .word(let text): "\(text)"
    case .int, .decimal: "a number"
    case .string: "a string"
    }
  }

  private mutating func fail(_ message: String, hint: String? = nil) {
    if !gaveUp { problems.append(Problem(offset: offset, message: message, hint: hint)) }
    gaveUp = true
    position = tokens.count - 1
  }

  private mutating func accept(_ symbol: String) -> Bool {
    guard current == .symbol(symbol) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ symbol: String) {
    if !accept(symbol) { fail("expected \(symbol), found \(found)") }
  }

  private mutating func node(_ kind: Expression.Kind, at offset: Int) -> Expression {
    nodes += 1
    if nodes > Expression.nodesMax { fail("the condition has more than \(Expression.nodesMax) parts") }
    return Expression(kind, at: offset)
  }

  private mutating func nested(_ body: (inout Parser) -> Expression) -> Expression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Expression.depthMax else {
      fail("the condition is nested more than \(Expression.depthMax) deep")
      return Expression(.bool(false))
    }
    return body(&self)
  }

  private mutating func parseConditional() -> Expression {
    nested { parser in
      let condition = parser.parseOr()
      let start = parser.offset
      guard parser.accept("?") else { return condition }
      let then = parser.parseOr()
      parser.expect(":")
      let otherwise = parser.parseConditional()
      return parser.node(.conditional(condition, then: then, otherwise: otherwise), at: start)
    }
  }

  private mutating func parseOr() -> Expression {
    let first = parseAnd()
    guard current == .symbol("||") else { return first }
    let start = offset
    var terms = [first]
    while accept("||") { terms.append(parseAnd()) }
    return node(.or(terms), at: start)
  }

  private mutating func parseAnd() -> Expression {
    let first = parseRelation()
    guard current == .symbol("&&") else { return first }
    let start = offset
    var terms = [first]
    while accept("&&") { terms.append(parseRelation()) }
    return node(.and(terms), at: start)
  }

  private mutating func parseRelation() -> Expression {
    parseChain([.equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .in]) {
      $0.parseSum()
    }
  }

  private mutating func parseSum() -> Expression {
    parseChain([.add, .subtract]) { $0.parseProduct() }
  }

  private mutating func parseProduct() -> Expression {
    parseChain([.multiply, .divide]) { $0.parseUnary() }
  }

  private mutating func parseChain(
    _ operators: [Expression.BinaryOperator], operand: (inout Parser) -> Expression
  ) -> Expression {
    let before = depth
    defer { depth = before }
    var left = operand(&self)
    while let op = operators.first(where: { matches($0) }) {
      let start = offset
      position += 1
      // A chain grows the tree to the left: each link counts as one level.
      depth += 1
      if depth > Expression.depthMax {
        fail("the condition is nested more than \(Expression.depthMax) deep")
        return left
      }
      let right = operand(&self)
      left = node(.binary(op, left, right), at: start)
    }
    return left
  }

  private func matches(_ op: Expression.BinaryOperator) -> Bool {
    current == (op == .in ? .word("in") : .symbol(op.rawValue))
  }

  private mutating func parseUnary() -> Expression {
    let start = offset
    if accept("!") {
      return nested { parser in
        let operand = parser.parseUnary()
        return parser.node(.not(operand), at: start)
      }
    }
    if accept("-") {
      return nested { parser in
        let operand = parser.parseUnary()
        switch operand.kind {
        case .int(let value): return parser.node(.int(-value), at: start)
        case .decimal(let value): return parser.node(.decimal(-value), at: start)
        default: return parser.node(.negate(operand), at: start)
        }
      }
    }
    return parsePostfix()
  }

  private mutating func parsePostfix() -> Expression {
    let before = depth
    defer { depth = before }
    var expression = parsePrimary()
    while accept(".") {
      depth += 1
      guard case .word(let name) = current, depth <= Expression.depthMax else {
        fail("expected a name after the dot, found \(found)")
        return expression
      }
      let start = offset
      position += 1
      if accept("(") {
        let arguments = parseElements(closing: ")")
        expression = node(.call(receiver: expression, function: name, arguments: arguments), at: start)
      } else {
        expression = node(.member(expression, name), at: start)
      }
    }
    return expression
  }

  private mutating func parsePrimary() -> Expression {
    let start = offset
    switch current {
    case .int(let value):
      position += 1
      return node(.int(value), at: start)
    case .decimal(let value):
      position += 1
      return node(.decimal(value), at: start)
    case .string(let value):
      position += 1
      return node(.string(.init(value)), at: start)
    case .word("true"), .word("false"):
      let value = current == .word("true")
      position += 1
      return node(.bool(value), at: start)
    case .word("in"):
      fail("expected a value, found in")
    case .word(let name):
      position += 1
      guard accept("(") else { return node(.name(name), at: start) }
      let arguments = parseElements(closing: ")")
      return node(.call(receiver: nil, function: name, arguments: arguments), at: start)
    case .symbol("("):
      position += 1
      let inner = parseConditional()
      expect(")")
      return inner
    case .symbol("["):
      position += 1
      let elements = parseElements(closing: "]")
      return node(.list(elements), at: start)
    default:
      fail("expected a value, found \(found)")
    }
    return Expression(.bool(false), at: start)
  }

  private mutating func parseElements(closing: String) -> [Expression] {
    if accept(closing) { return [] }
    var elements: [Expression] = []
    repeat {
      elements.append(parseConditional())
    } while !gaveUp && accept(",")
    expect(closing)
    return elements
  }
}

/// Every problem of a text or of a set of files at once.
public struct Diagnostics: Error, Hashable, Sendable, CustomStringConvertible {
  public var list: [Diagnostic]
  public init(_ list: [Diagnostic]) { self.list = list }
  public var description: String { list.map(\.description).joined(separator: "\n") }
}
