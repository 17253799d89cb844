/// Comparisons of numbers and texts, brought to the few forms that have a kernel.
extension GraphBuilder {
  mutating func compare(
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
      let same = truth(.textEqualsText(x, y), item: x.isItemLevel)
      return comparison == .equal ? same : same.negated
    }
    let item = left.isItemLevel
    switch comparison {
    case .equal: return truth(.textEquals(left, text), item: item)
    case .notEqual: return truth(.textEquals(left, text), item: item).negated
    case .less: return truth(.textTest(left, .less(text)), item: item)
    case .greaterOrEqual: return truth(.textTest(left, .less(text)), item: item).negated
    case .lessOrEqual: return truth(.textTest(left, .lessOrEqual(text)), item: item)
    case .greater: return truth(.textTest(left, .lessOrEqual(text)), item: item).negated
    }
  }

  mutating func numberIn(_ a: TypedExpression, _ values: [Int64]) -> NodeReference {
    let x = number(a)
    let item = graph.isItemLevel[x]
    if values.isEmpty { return truth(.never(x), item: item) }
    return or(values.map { truth(.equals(x, $0), item: item) })
  }

  mutating func textIn(_ a: TypedExpression, _ values: [[UInt8]]) -> NodeReference {
    let left = column(a)
    if values.count == 1 { return truth(.textEquals(left, values[0]), item: left.isItemLevel) }
    return truth(.textTest(left, .oneOf(Set(values))), item: left.isItemLevel)
  }

  mutating func textMatches(_ a: TypedExpression, _ pattern: TextPattern) -> NodeReference {
    let left = column(a)
    return truth(.textTest(left, .matches(pattern)), item: left.isItemLevel)
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
    return truth(.textTest(left, predicate), item: left.isItemLevel)
  }
}
