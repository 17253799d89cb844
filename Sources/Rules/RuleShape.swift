/// A rule without the constants that its numbers are compared with: rules of many malls that were made from one
/// template differ in nothing else, and are decided together.
struct RuleShape {
  /// Equal for rules that differ in `constants` alone.
  private(set) var key: [UInt8] = []
  /// The constants left out of `key`, in the order of `abstracted`.
  private(set) var constants: [Int64] = []

  init(_ rule: Rule) {
    key.reserveCapacity(96)
    number(rule.guardCount)
    number(rule.otherwise == nil ? 0 : 1)
    for term in rule.terms { term.typed.encode(into: &self) }
    byte(0xFF)
    rule.typedMatch?.encode(into: &self)
  }

  /// Of the decided rules of a set, with their positions.
  static func shapes(_ set: RuleSet) -> [(position: Int, shape: RuleShape)] {
    set.rules.indices.filter { set.rules[$0].isDecided }.map { ($0, RuleShape(set.rules[$0])) }
  }

  /// Sets from which on two threads look at them, and sets whose shapes are there at one time.
  static let sharedMin = 64
  static let sharedMax = 4_096

  /// The same of many sets, one after the other.
  static func forEachSet(_ sets: [RuleSet], _ body: ([(position: Int, shape: RuleShape)]) -> Void) {
    for start in stride(from: 0, to: sets.count, by: sharedMax) {
      let some = sets[start..<min(start + sharedMax, sets.count)]
      let halves = TwoThreads.values(some.count, sharedMin) { range in
        some[(start + range.lowerBound)..<(start + range.upperBound)].map { shapes($0) }
      }
      for half in halves { for shapes in half { body(shapes) } }
    }
  }

  mutating func byte(_ value: UInt8) { key.append(value) }

  mutating func number(_ value: Int) {
    var rest = UInt64(bitPattern: Int64(value))
    repeat {
      key.append(UInt8(truncatingIfNeeded: rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
      rest >>= 7
    } while rest != 0
  }

  mutating func text(_ value: [UInt8]) {
    number(value.count)
    key += value
  }

  mutating func constant(_ value: Int64) { constants.append(value) }
}

extension TypedExpression {
  /// Whether a comparison is one with a constant, which a shape leaves out.
  private static func comparedConstant(_ a: TypedExpression, _ b: TypedExpression) -> Bool {
    if case .number = a { return false }
    if case .number = b { return true }
    return false
  }

  func encode(into shape: inout RuleShape) {
    switch self {
    case .number(let value):
      shape.byte(1)
      shape.number(Int(value))
    case .parameter(let column):
      shape.byte(2)
      shape.number(column)
    case .text(let text):
      shape.byte(3)
      shape.text(text)
    case .truth(let value): shape.byte(value ? 4 : 5)
    case .fact(let fact):
      shape.byte(6)
      shape.byte(fact.rawValue)
    case .claims(let window):
      shape.byte(7)
      shape.number(window.scope.rawValue)
      shape.number(window.months)
    case .timed(let fact):
      shape.byte(29)
      shape.number(fact.kind.rawValue)
      shape.number(Int(fact.span))
      shape.text(fact.code)
    case .aggregate(let aggregate):
      shape.byte(34)
      shape.number(aggregate.measure.rawValue)
      shape.number(aggregate.window.monthCount)
      shape.number(Int(aggregate.window.spanUs))
      shape.text(aggregate.code)
    case .inList(let name, let item):
      shape.byte(item ? 8 : 9)
      shape.text(name)
    case .listContains(let fact, let text):
      shape.byte(10)
      shape.byte(fact.rawValue)
      shape.text(text)
    case .compare(let comparison, let a, let b):
      if TypedExpression.comparedConstant(a, b), case .number(let value) = b {
        shape.byte(11)
        shape.byte(comparison.rawValue)
        a.encode(into: &shape)
        shape.constant(value)
      } else {
        shape.byte(12)
        shape.byte(comparison.rawValue)
        a.encode(into: &shape)
        b.encode(into: &shape)
      }
    default: encodeRest(into: &shape)
    }
  }

  private func encodeRest(into shape: inout RuleShape) {
    switch self {
    case .compareText(let comparison, _, _):
      shape.byte(13)
      shape.byte(comparison.rawValue)
    case .compareTruth(let equal, _, _): shape.byte(equal ? 14 : 15)
    case .numberIn(_, let values):
      shape.byte(16)
      shape.number(values.count)
      for value in values { shape.number(Int(value)) }
    case .textIn(_, let texts):
      shape.byte(17)
      shape.number(texts.count)
      for text in texts { shape.text(text) }
    case .textTest(let test, _, let text):
      shape.byte(18)
      shape.byte(test.rawValue)
      shape.text(text)
    case .arithmetic(let op, _, _):
      shape.byte(19)
      shape.byte(op.rawValue)
    case .toDecimal: shape.byte(20)
    case .civil(let part, _):
      shape.byte(21)
      shape.byte(part.rawValue)
    case .isMissing: shape.byte(22)
    case .and: shape.byte(23)
    case .or: shape.byte(24)
    case .not: shape.byte(25)
    case .conditional: shape.byte(26)
    case .quantified(let quantifier, _):
      shape.byte(27)
      shape.byte(quantifier.kind.rawValue)
      shape.byte(quantifier.lines.level.rawValue << 1 | (quantifier.lines.everyLine ? 1 : 0))
    case .fold(let fold, let lines, _, _):
      shape.byte(33)
      shape.byte(fold.rawValue)
      shape.byte(lines.level.rawValue << 1 | (lines.everyLine ? 1 : 0))
    case .textMatches(_, let pattern):
      shape.byte(29)
      shape.text(pattern.bytes)
    case .textSize: shape.byte(30)
    case .listSize(let fact):
      shape.byte(31)
      shape.byte(fact.rawValue)
    case .addMonths(_, let months):
      shape.byte(32)
      shape.number(months)
    case .noneActs(let rules):
      shape.byte(28)
      shape.number(rules.count)
      for rule in rules { shape.number(rule) }
    default: break
    }
    let children = children
    shape.number(children.count)
    for child in children { child.encode(into: &shape) }
  }

  /// The same with each constant that a shape leaves out replaced, in the order of `RuleShape.constants`.
  func replacingConstants(_ next: inout ArraySlice<TypedExpression>) -> TypedExpression {
    func replaced(_ a: TypedExpression) -> TypedExpression { a.replacingConstants(&next) }
    switch self {
    case .compare(let comparison, let a, let b):
      if TypedExpression.comparedConstant(a, b) {
        return .compare(comparison, replaced(a), next.popFirst() ?? b)
      }
      let left = replaced(a)
      return .compare(comparison, left, replaced(b))
    case .compareText, .number, .parameter, .text, .truth, .fact, .claims, .timed, .aggregate, .inList,
      .listContains, .noneActs, .textIn, .textTest, .textMatches, .textSize, .listSize:
      return self
    case .compareTruth(let equal, let a, let b):
      let left = replaced(a)
      return .compareTruth(equal: equal, left, replaced(b))
    case .numberIn(let a, let values): return .numberIn(replaced(a), values)
    case .arithmetic(let op, let a, let b):
      let left = replaced(a)
      return .arithmetic(op, left, replaced(b))
    case .toDecimal(let a): return .toDecimal(replaced(a))
    case .addMonths(let a, let months): return .addMonths(replaced(a), months)
    case .civil(let part, let a): return .civil(part, replaced(a))
    case .isMissing(let a): return .isMissing(replaced(a))
    case .and(let terms): return .and(terms.map { replaced($0) })
    case .or(let terms): return .or(terms.map { replaced($0) })
    case .not(let a): return .not(replaced(a))
    case .conditional(let a, let b, let c):
      let test = replaced(a)
      let then = replaced(b)
      return .conditional(test, then, replaced(c))
    case .fold(let fold, let lines, let a, let b):
      let filter = replaced(a)
      return .fold(fold, lines, filter, replaced(b))
    case .quantified(let quantifier, let body): return .quantified(quantifier, replaced(body))
    }
  }
}
