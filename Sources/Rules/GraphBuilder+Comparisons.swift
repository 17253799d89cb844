/// Comparisons of numbers and texts, brought to the few forms that have a kernel.
extension GraphBuilder {
  mutating func compare(
    _ comparison: TypedExpression.Comparison, _ a: TypedExpression, _ b: TypedExpression
  ) -> NodeReference {
    if case .number(let constant) = b { return compare(comparison, number(a), constant) }
    if case .number(let constant) = a { return compare(comparison.mirrored, number(b), constant) }
    let (x, y, level) = leveled(numbers: number(a), number(b))
    switch comparison {
    case .equal: return truth(.equalsNumber(min(x, y), max(x, y)), level: level)
    case .notEqual: return truth(.equalsNumber(min(x, y), max(x, y)), level: level).negated
    case .greaterOrEqual: return truth(.atLeastNumber(x, y), level: level)
    case .less: return truth(.atLeastNumber(x, y), level: level).negated
    case .lessOrEqual: return truth(.atLeastNumber(y, x), level: level)
    case .greater: return truth(.atLeastNumber(y, x), level: level).negated
    }
  }

  /// Every ordering with a constant becomes `>=`, so that equal thresholds are one node.
  private mutating func compare(_ comparison: TypedExpression.Comparison, _ a: Int, _ constant: Int64)
    -> NodeReference
  {
    let level = graph.levels[a]
    switch comparison {
    case .equal: return truth(.equals(a, constant), level: level)
    case .notEqual: return truth(.equals(a, constant), level: level).negated
    case .greaterOrEqual: return truth(.atLeast(a, constant), level: level)
    case .less: return truth(.atLeast(a, constant), level: level).negated
    case .greater, .lessOrEqual:
      let (next, overflow) = constant.addingReportingOverflow(1)
      let above = truth(overflow ? .never(a) : .atLeast(a, next), level: level)
      return comparison == .greater ? above : above.negated
    }
  }

  mutating func column(_ typed: TypedExpression) -> TextColumn {
    guard case .fact(let fact) = typed else { return TextColumn(fact: .event) }
    use(fact)
    return TextColumn(fact: fact)
  }

  mutating func compareText(
    _ comparison: TypedExpression.Comparison, _ a: TypedExpression, _ b: TypedExpression
  ) -> NodeReference {
    let left = column(a)
    guard case .text(let text) = b else {
      let right = column(b)
      let (x, y) = left.fact < right.fact ? (right, left) : (left, right)
      let same = truth(.textEqualsText(x, y), level: x.level)
      return comparison == .equal ? same : same.negated
    }
    let level = left.level
    switch comparison {
    case .equal: return truth(.textEquals(left, text), level: level)
    case .notEqual: return truth(.textEquals(left, text), level: level).negated
    case .less: return truth(.textTest(left, .less(text)), level: level)
    case .greaterOrEqual: return truth(.textTest(left, .less(text)), level: level).negated
    case .lessOrEqual: return truth(.textTest(left, .lessOrEqual(text)), level: level)
    case .greater: return truth(.textTest(left, .lessOrEqual(text)), level: level).negated
    }
  }

  mutating func numberIn(_ a: TypedExpression, _ values: [Int64]) -> NodeReference {
    let x = number(a)
    let level = graph.levels[x]
    if values.isEmpty { return truth(.never(x), level: level) }
    return or(values.map { truth(.equals(x, $0), level: level) })
  }

  mutating func textIn(_ a: TypedExpression, _ values: [[UInt8]]) -> NodeReference {
    let left = column(a)
    if values.count == 1 { return truth(.textEquals(left, values[0]), level: left.level) }
    return truth(.textTest(left, .oneOf(Set(values))), level: left.level)
  }

  mutating func textMatches(_ a: TypedExpression, _ pattern: TextPattern) -> NodeReference {
    let left = column(a)
    return truth(.textTest(left, .matches(pattern)), level: left.level)
  }

  mutating func textTest(_ test: TypedExpression.TextTest, _ a: TypedExpression, _ bytes: [UInt8])
    -> NodeReference
  {
    let left = column(a)
    let predicate: Graph.TextPredicate =
      switch test {
      case .startsWith: .startsWith(bytes)
      case .endsWith: .endsWith(bytes)
      case .contains: .contains(bytes)
      }
    return truth(.textTest(left, predicate), level: left.level)
  }
}
