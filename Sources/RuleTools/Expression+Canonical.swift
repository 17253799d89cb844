internal import Rules

/// One way of writing for terms that say the same, so that they are taken for one.
extension Expression {
  /// Lists of lines, and what a line of each is called.
  static let lineNames = [
    "items": "item", "allItems": "item", "receivers": "receiver", "claims": "claim", "coupons": "coupon",
  ]

  /// `i.price` of `exists(i, …)` becomes `item.price`, `all` an `exists`, `filter` a part of the condition, `count` and
  /// `x.size()` become `size(x)`, CEL's accessors ours, spans of time are written in their largest unit.
  var canonical: Expression {
    switch kind {
    case .call(let receiver, let function, let arguments):
      return canonicalCall(receiver, function, arguments)
    case .binary(.in, let left, let right):
      // A text in what map makes: some line has it.
      guard let lines = WrittenLines(right), let element = lines.element else { break }
      let same = Expression(.binary(.equal, element, left.canonical))
      return lines.exists(same, at: offset)
    default: break
    }
    return replacingChildren { $0.canonical }
  }

  private func canonicalCall(_ receiver: Expression?, _ function: String, _ arguments: [Expression])
    -> Expression
  {
    if let receiver, let lines = WrittenLines(receiver) {
      if function == "size", arguments.isEmpty { return lines.folded("size", at: offset) }
      if ["exists", "all", "exists_one"].contains(function), arguments.count == 2,
        case .name(let variable) = arguments[0].kind
      {
        let body = arguments[1].renaming(variable, to: lines.lineName).canonical
        if function == "exists_one" { return lines.exists(body, "exists_one", at: offset) }
        guard function == "all" else { return lines.exists(body, at: offset) }
        return Expression(.not(lines.exists(body.opposite, at: offset)), at: offset)
      }
    }
    if receiver == nil, arguments.count == 1 {
      if ["size", "count", "sum", "min", "max"].contains(function), let lines = WrittenLines(arguments[0]) {
        return lines.folded(function == "count" ? "size" : function, at: offset)
      }
      if function == "duration", case .string(let text) = arguments[0].kind {
        return canonicalDuration(text.text)
      }
    }
    if let receiver, arguments.isEmpty, let own = Expression.accessors[function] {
      return Expression(.call(receiver: nil, function: own, arguments: [receiver.canonical]), at: offset)
    }
    if function == "partners", receiver?.path == "bundle" {
      return Expression(.member(Expression(.name("bundle")), "partners"), at: offset)
    }
    return replacingChildren { $0.canonical }
  }

  private static let accessors = ["getHours": "hour", "getDayOfWeek": "dayOfWeek", "size": "size"]

  private func canonicalDuration(_ text: String) -> Expression {
    guard let span = Expression.literal(text, as: .duration), span % 1_000_000 == 0 else { return self }
    let seconds = span / 1_000_000
    let (count, unit) =
      seconds % 3_600 == 0 ? (seconds / 3_600, "h") : seconds % 60 == 0 ? (seconds / 60, "m") : (seconds, "s")
    let literal = Expression(.string(.init("\(count)\(unit)")), at: offset)
    return Expression(.call(receiver: nil, function: "duration", arguments: [literal]), at: offset)
  }

  /// True where this is false, false where it is true, unknown where it is.
  var opposite: Expression {
    switch kind {
    case .bool(let value): return Expression(.bool(!value), at: offset)
    case .not(let operand): return operand
    case .and(let terms): return Expression(.or(terms.map(\.opposite)), at: offset)
    case .or(let terms): return Expression(.and(terms.map(\.opposite)), at: offset)
    case .binary(let op, let left, let right):
      let other: BinaryOperator? =
        switch op {
        case .equal: .notEqual
        case .notEqual: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        default: nil
        }
      guard let other else { break }
      return Expression(.binary(other, left, right), at: offset)
    default: break
    }
    return Expression(.not(self), at: offset)
  }
}

/// A list of lines with what `filter` and `map` do to it, the line called by its own name.
struct WrittenLines {
  let list: String
  let lineName: String
  var filters: [Expression] = []
  var element: Expression?

  /// Nil when it is no list of lines.
  init?(_ expression: Expression) {
    if let path = expression.path {
      guard let name = Expression.lineNames[path] else { return nil }
      (list, lineName) = (path, name)
      return
    }
    guard case .call(let receiver?, let function, var arguments) = expression.kind,
      function == "filter" || function == "map", let before = WrittenLines(receiver), before.element == nil,
      arguments.count >= 2, case .name(let variable) = arguments.removeFirst().kind
    else { return nil }
    self = before
    arguments = arguments.map { $0.renaming(variable, to: before.lineName).canonical }
    switch (function, arguments.count) {
    case ("filter", 1): filters += arguments[0].conjuncts
    case ("map", 1): element = arguments[0]
    case ("map", 2):
      filters += arguments[0].conjuncts
      element = arguments[1]
    default: return nil
    }
  }

  /// The condition of `filter`; nil without one.
  var filter: Expression? {
    filters.count > 1 ? Expression(.and(filters)) : filters.first
  }

  func exists(_ body: Expression, _ function: String = "exists", at offset: Int) -> Expression {
    let terms = filters + body.conjuncts
    let condition = terms.count > 1 ? Expression(.and(terms)) : body
    return Expression(
      .call(
        receiver: Expression(.name(list)), function: function,
        arguments: [Expression(.name(lineName)), condition]), at: offset)
  }

  /// `sum(items.filter(item, …).map(item, …))`; the size does not look at what `map` makes.
  func folded(_ function: String, at offset: Int) -> Expression {
    var range = Expression(.name(list))
    for (method, body) in [("filter", filter), ("map", function == "size" ? nil : element)] {
      guard let body else { continue }
      range = Expression(
        .call(receiver: range, function: method, arguments: [Expression(.name(lineName)), body]))
    }
    return Expression(.call(receiver: nil, function: function, arguments: [range]), at: offset)
  }
}
