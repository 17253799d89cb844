/// What is asked of the lines of an order: `items`, `allItems`, `receivers`, `claims`, `coupons`, `heldCoupons`, `cart`, the whole of them or
/// what `filter` leaves, and what `map` makes of them.
extension Checker {
  struct LineRange {
    var lines: TypedExpression.Lines
    var filters: [TypedExpression] = []
    var element: Typed?
  }

  private static let ranges: [String: TypedExpression.Lines] = [
    "items": .init(level: .item, everyLine: false), "allItems": .init(level: .item, everyLine: true),
    "receivers": .init(level: .receiver, everyLine: true), "claims": .init(level: .claim, everyLine: true),
    "coupons": .init(level: .coupon, everyLine: true),
    "heldCoupons": .init(level: .heldCoupon, everyLine: true),
    "cart": .init(level: .cartLine, everyLine: true),
  ]
  private static let quantifiers: [String: TypedExpression.Quantifier.Kind] = [
    "exists": .exists, "all": .all, "exists_one": .one,
  ]
  static let folds: [String: TypedExpression.Fold] = [
    "size": .count, "count": .count, "sum": .sum, "min": .minimum, "max": .maximum,
  ]

  func isRange(_ expression: Expression) -> Bool {
    if let path = expression.dottedPath { return Checker.ranges[path] != nil }
    guard case .call(let receiver?, let function, _) = expression.kind else { return false }
    return (function == "filter" || function == "map") && isRange(receiver)
  }

  /// `items.exists(i, …)` and what else follows a dot; `receiver` is a range.
  mutating func checkLineMethod(
    _ expression: Expression, _ receiver: Expression, _ function: String, _ arguments: [Expression]
  ) -> Typed {
    if function == "size", arguments.isEmpty { return checkFold(expression, .count, [receiver]) }
    if function == "filter" || function == "map" {
      // Looked through for what is wrong in it first.
      guard checkRange(expression) != nil else { return Checker.invalid }
      return failure(
        expression, "a list by itself says nothing",
        hint: "ask size(…), sum(…), min(…), max(…) of it, or exists and all")
    }
    guard let kind = Checker.quantifiers[function] else {
      let path = receiver.dottedPath.map { "\($0).\(function)" } ?? function
      let guess = closest(to: function, among: ["exists", "all", "exists_one", "filter", "map", "size"])
      return failure(
        expression, "unknown function: \(path)",
        hint: guess.map { "did you mean \($0)?" } ?? "lists have exists, all, exists_one, filter and map")
    }
    guard let range = checkRange(receiver) else { return Checker.invalid }
    guard range.element == nil else {
      return failure(expression, "map stands last", hint: "ask \(function) of the list itself")
    }
    guard let body = checkBody(expression, range.lines.level, function, arguments, { $0.condition($1) })
    else { return Checker.invalid }
    let condition: TypedExpression
    switch (range.filters.isEmpty, kind) {
    case (true, _): condition = body
    case (false, .all): condition = .or(range.filters.map { .not($0) } + [body])
    case (false, _): condition = .and(range.filters + [body])
    }
    return (whereKnown(range, .quantified(.init(kind: kind, lines: range.lines), condition)), .bool)
  }

  /// Unknown where nobody knows what lines there are.
  private func whereKnown(_ range: LineRange, _ value: TypedExpression) -> TypedExpression {
    guard let count = range.lines.level.count else { return value }
    return .conditional(.compare(.greaterOrEqual, .fact(count), .number(0)), value, value)
  }

  /// `size(items)`, `sum(items.map(i, …))`.
  mutating func checkFold(
    _ expression: Expression, _ fold: TypedExpression.Fold, _ arguments: [Expression]
  ) -> Typed {
    guard arguments.count == 1, isRange(arguments[0]) else {
      return failure(
        expression, "expected a list of lines", hint: "for example sum(items.map(i, i.price * i.quantity))")
    }
    guard let range = checkRange(arguments[0]) else { return Checker.invalid }
    let filter: TypedExpression =
      range.filters.count == 1
      ? range.filters[0] : range.filters.isEmpty ? .truth(true) : .and(range.filters)
    if fold == .count { return (whereKnown(range, .fold(.count, range.lines, filter, .number(1))), .int) }
    guard let element = range.element else {
      return failure(expression, "say of which number", hint: "for example max(items.map(i, i.price))")
    }
    let isAllowed = fold == .sum ? element.type.isNumber || element.type == .duration : element.type.isLane
    guard isAllowed else {
      return element.type == .invalid
        ? Checker.invalid
        : failure(arguments[0], "expected numbers, found \(element.type)")
    }
    return (whereKnown(range, .fold(fold, range.lines, filter, element.value)), element.type)
  }

  /// A text or number among those that `map` makes: as `exists`.
  mutating func checkMembership(_ expression: Expression, _ left: Expression, inRange right: Expression)
    -> Typed
  {
    let operand = check(left)
    guard let range = checkRange(right), operand.type != .invalid else { return Checker.invalid }
    guard let element = range.element, element.type != .invalid else {
      return range.element == nil
        ? failure(right, "say what of each line", hint: "for example \"A-1\" in items.map(i, i.sku)")
        : Checker.invalid
    }
    guard let (x, y, type) = unify(element, operand), type == .string || type.isLane else {
      return failure(expression, "cannot compare \(operand.type) with \(element.type)")
    }
    let same: TypedExpression
    switch (x, y) {
    case (_, .text(let text)):
      checkValue(left, text, of: x)
      same = .compareText(.equal, x, y)
    case (_, .number) where type.isLane: same = .compare(.equal, x, y)
    default: return failure(left, "expected a constant to the left of in")
    }
    let condition: TypedExpression = range.filters.isEmpty ? same : .and(range.filters + [same])
    return (whereKnown(range, .quantified(.init(kind: .exists, lines: range.lines), condition)), .bool)
  }

  /// Nil: something is wrong with it that is reported.
  private mutating func checkRange(_ expression: Expression) -> LineRange? {
    if let path = expression.dottedPath, let lines = Checker.ranges[path] {
      guard !isInsideQuantifier else {
        report(expression, "lists are not asked about inside a condition on one line")
        return nil
      }
      return LineRange(lines: lines)
    }
    guard case .call(let receiver?, let function, var arguments) = expression.kind,
      var range = checkRange(receiver)
    else { return nil }
    guard range.element == nil else {
      report(expression, "map stands last", hint: "write filter before map")
      return nil
    }
    let level = range.lines.level
    if function == "map", arguments.count == 3 {
      // CEL's map(i, condition, value).
      guard
        let filter = checkBody(
          expression, level, "filter", Array(arguments[..<2]), { $0.condition($1) })
      else { return nil }
      range.filters.append(filter)
      arguments.remove(at: 1)
    }
    if function == "filter" {
      guard let filter = checkBody(expression, level, function, arguments, { $0.condition($1) }) else {
        return nil
      }
      range.filters.append(filter)
    } else {
      guard let element = checkBody(expression, level, function, arguments, { $0.check($1) }) else {
        return nil
      }
      range.element = element
    }
    return range
  }

  private mutating func checkBody<Result>(
    _ expression: Expression, _ level: RowLevel, _ function: String, _ arguments: [Expression],
    _ body: (inout Checker, Expression) -> Result
  ) -> Result? {
    guard arguments.count == 2, case .name(let variable) = arguments[0].kind else {
      report(
        expression, "expected a variable and \(function == "map" ? "a value" : "a condition")",
        hint: function == "map" ? "items.map(i, i.price)" : "items.\(function)(i, i.quantity >= 2)")
      return nil
    }
    return withLineVariable(variable, level) { body(&$0, arguments[1]) }
  }
}
