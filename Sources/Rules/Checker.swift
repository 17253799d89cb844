import Orders

/// Gives a condition its types. Reports every problem, not only the first, each at its place with a hint.
struct Checker {
  /// Lists that one condition may name, of one plan: a bit each.
  static let listNameBytesMax = 100

  private(set) var problems: [Problem] = []
  /// The name that stands for the line at hand: the variable of `exists` and the like, or `item` in `match`.
  private var variable: (name: String, level: RowLevel)?

  typealias Typed = (value: TypedExpression, type: RuleType)
  static let invalid: Typed = (.truth(false), .invalid)

  /// `itemVariable`: set for the `match` of an item-scope rule, whose facts are those of one item.
  init(itemVariable: String? = nil) {
    variable = itemVariable.map { ($0, .item) }
  }

  /// The typed condition, which must be a bool, or every problem in it.
  static func check(_ expression: Expression, itemVariable: String? = nil) -> Result<
    TypedExpression, Parser.Problems
  > {
    var checker = Checker(itemVariable: itemVariable)
    let value = checker.condition(expression)
    return checker.problems.isEmpty ? .success(value) : .failure(Parser.Problems(list: checker.problems))
  }

  mutating func report(_ expression: Expression, _ message: String, hint: String? = nil) {
    if problems.count < Expression.problemsMax {
      problems.append(Problem(offset: expression.offset, message: message, hint: hint))
    }
  }

  mutating func failure(_ expression: Expression, _ message: String, hint: String? = nil) -> Typed {
    report(expression, message, hint: hint)
    return Checker.invalid
  }

  /// A part that has to be true or false.
  mutating func condition(_ expression: Expression) -> TypedExpression {
    let (value, type) = check(expression)
    guard type != .bool, type != .invalid else { return value }
    report(
      expression, "expected a condition, found \(type)",
      hint: type.isNumber ? "compare it: … >= 1" : "compare it with == or ask isMissing(…)")
    return .truth(false)
  }

  mutating func check(_ expression: Expression) -> Typed {
    switch expression.kind {
    case .int(let value): (.number(value), .int)
    case .decimal(let value): (.number(value), .decimal)
    case .string(let value): (.text(Array(value.text.utf8)), .string)
    case .bool(let value): (.truth(value), .bool)
    case .list: failure(expression, "a list stands only to the right of in")
    case .name, .member: checkPath(expression)
    case .call(let receiver, let function, let arguments):
      checkCall(expression, receiver: receiver, function: function, arguments: arguments)
    case .not(let operand): (.not(condition(operand)), .bool)
    case .negate(let operand): checkNegation(expression, operand)
    case .binary(let op, let left, let right): checkBinary(expression, op, left, right)
    case .and(let terms): (.and(terms.map { condition($0) }), .bool)
    case .or(let terms): (.or(terms.map { condition($0) }), .bool)
    case .conditional(let condition, let then, let otherwise):
      checkConditional(expression, condition, then, otherwise)
    }
  }

  mutating func withLineVariable<Result>(
    _ name: String, _ level: RowLevel, _ body: (inout Checker) -> Result
  ) -> Result {
    let before = variable
    variable = (name, level)
    defer { variable = before }
    return body(&self)
  }

  var isInsideQuantifier: Bool { variable != nil }
  func isItemVariable(_ name: String) -> Bool { variable?.name == name && variable?.level == .item }

  // MARK: Names

  private mutating func checkPath(_ expression: Expression) -> Typed {
    guard let path = expression.dottedPath else {
      return failure(expression, "only facts have members", hint: "facts are names such as amount.items")
    }
    let first = String(path.prefix { $0 != "." })
    if let variable, first == variable.name {
      return checkLinePath(expression, variable.level, path.dropFirst(first.count + 1))
    }
    if path == "ip.foreign" {
      return (.compareText(.notEqual, .fact(.ipCountry), .text(Array("KR".utf8))), .bool)
    }
    if let entry = FactCatalog.entry(named: path), let fact = entry.fact, fact.level == .order {
      return (.fact(fact), entry.type)
    }
    if let instant = Checker.historyInstant(path) { return instant }
    return failure(expression, "unknown fact: \(path)", hint: hint(forUnknown: path))
  }

  private mutating func checkLinePath(
    _ expression: Expression, _ level: RowLevel, _ member: Substring
  ) -> Typed {
    if let entry = FactCatalog.entry(named: level.prefix + member), let fact = entry.fact {
      return (.fact(fact), entry.type)
    }
    let known = FactCatalog.entries.filter { $0.fact?.level == level }
      .map { String($0.name.dropFirst(level.prefix.utf8.count)) }
    let guess = closest(to: String(member), among: known)
    let all = "\(level.article) has \(known.joined(separator: ", "))"
    return failure(
      expression, "unknown fact of \(level.article): \(member)",
      hint: guess.map { "did you mean \($0)?" } ?? all)
  }

  private func hint(forUnknown path: String) -> String? {
    if isRange(Expression(.name(path))) {
      return "ask \(path).exists(x, …), \(path).all(x, …) or size(\(path))"
    }
    if path.hasPrefix("params.") || path == "params" { return "parameters exist only in templates" }
    if path == "now" { return "a decision does not depend on the clock: use order.placed_at" }
    if path.hasPrefix("item.") || path.hasPrefix("i.") {
      return "facts of an item stand inside items.exists(i, i.sku == …)"
    }
    if ["history.returns", "history.claims"].contains(path) { return "say of how many months: \(path)(3)" }
    if path.hasPrefix("history."), let measure = HistoryAggregate.Measure(word: String(path.dropFirst(8))) {
      return
        "say \(measure.takesCode ? "of which product" : "of which window"): \(Checker.example(of: measure))"
    }
    if path == "duplicate.partners" { return "say within which time: \(path)(duration(\"10m\"))" }
    let names = FactCatalog.entries.filter { ($0.fact?.level ?? .order) == .order }.map(\.name)
    return closest(to: path, among: names + FactCatalog.functions.map(\.name)).map { "did you mean \($0)?" }
  }

  // MARK: Operators

  private mutating func checkNegation(_ expression: Expression, _ operand: Expression) -> Typed {
    let (value, type) = check(operand)
    guard type.isNumber || type == .duration else {
      return type == .invalid ? Checker.invalid : failure(expression, "- needs a number, found \(type)")
    }
    return (.arithmetic(.subtract, .number(0), value), type)
  }

  private mutating func checkConditional(
    _ expression: Expression, _ test: Expression, _ then: Expression, _ otherwise: Expression
  ) -> Typed {
    let testValue = condition(test)
    let left = check(then)
    let right = check(otherwise)
    guard left.type != .invalid, right.type != .invalid else { return Checker.invalid }
    guard let (a, b, type) = unify(left, right), type.isLane || type == .bool else {
      return failure(
        expression, "both sides of ? : need the same type, found \(left.type) and \(right.type)",
        hint: left.type == .string ? "texts cannot be chosen; compare inside each branch" : nil)
    }
    return (.conditional(testValue, a, b), type)
  }

  /// Brings two values to one type: int to decimal, text literals to times and dates.
  mutating func unify(_ left: Typed, _ right: Typed) -> (TypedExpression, TypedExpression, RuleType)? {
    if left.type == right.type { return (left.value, right.value, left.type) }
    switch (left.type, right.type) {
    case (.int, .decimal): return (Checker.decimal(left.value), right.value, .decimal)
    case (.decimal, .int): return (left.value, Checker.decimal(right.value), .decimal)
    case (_, .string):
      guard case .text(let text) = right.value,
        let value = Checker.literal(String(decoding: text, as: UTF8.self), as: left.type)
      else { return nil }
      return (left.value, .number(value), left.type)
    case (.string, _):
      guard case .text(let text) = left.value,
        let value = Checker.literal(String(decoding: text, as: UTF8.self), as: right.type)
      else { return nil }
      return (.number(value), right.value, right.type)
    default: return nil
    }
  }

  /// int → ten-thousandths; what would not fit saturates, far beyond any amount there is.
  static func decimal(_ value: TypedExpression) -> TypedExpression {
    guard case .number(let number) = value else { return .toDecimal(value) }
    let (product, overflow) = number.multipliedReportingOverflow(by: 10_000)
    return .number(overflow ? (number < 0 ? .min : .max) : product)
  }

  private mutating func checkBinary(
    _ expression: Expression, _ op: Expression.BinaryOperator, _ left: Expression, _ right: Expression
  ) -> Typed {
    switch op {
    case .in: return checkMembership(expression, left, right)
    case .add, .subtract, .multiply, .divide:
      let a = check(left)
      let b = check(right)
      return checkArithmetic(expression, op, a, b)
    default:
      let a = check(left)
      let b = check(right)
      guard a.type != .invalid, b.type != .invalid else { return Checker.invalid }
      return checkComparison(expression, op, a, b, left, right)
    }
  }

  private mutating func checkArithmetic(
    _ expression: Expression, _ op: Expression.BinaryOperator, _ a: Typed, _ b: Typed
  ) -> Typed {
    guard a.type != .invalid, b.type != .invalid else { return Checker.invalid }
    let additive = op == .add || op == .subtract
    let kind: TypedExpression.Arithmetic = op == .add ? .add : .subtract
    if a.type.isNumber, b.type.isNumber {
      guard let (x, y, type) = unify(a, b) else { return Checker.invalid }
      if additive { return (.arithmetic(kind, x, y), type) }
      let exact = type == .int
      if op == .multiply { return (.arithmetic(exact ? .multiply : .multiplyDecimal, x, y), type) }
      return (.arithmetic(exact ? .divide : .divideDecimal, x, y), type)
    }
    switch (a.type, b.type, op) {
    case (.timestamp, .timestamp, .subtract): return (.arithmetic(kind, a.value, b.value), .duration)
    case (.timestamp, .duration, _) where additive: return (.arithmetic(kind, a.value, b.value), .timestamp)
    case (.duration, .timestamp, .add): return (.arithmetic(.add, a.value, b.value), .timestamp)
    case (.duration, .duration, _) where additive: return (.arithmetic(kind, a.value, b.value), .duration)
    default:
      return failure(expression, "\(op.rawValue) does not go with \(a.type) and \(b.type)")
    }
  }

  private mutating func checkComparison(
    _ expression: Expression, _ op: Expression.BinaryOperator, _ a: Typed, _ b: Typed, _ left: Expression,
    _ right: Expression
  ) -> Typed {
    guard let comparison = TypedExpression.Comparison(op), let (x, y, type) = unify(a, b) else {
      return failure(
        expression, "cannot compare \(a.type) with \(b.type)", hint: comparisonHint(a.type, b.type))
    }
    switch type {
    case .bool:
      guard comparison == .equal || comparison == .notEqual else {
        return failure(expression, "true and false have no order", hint: "use == or !=")
      }
      return (.compareTruth(equal: comparison == .equal, x, y), .bool)
    case .string:
      if case .text(let value) = y { checkValue(right, value, of: x) }
      if case .text(let value) = x { checkValue(left, value, of: y) }
      return checkTextComparison(expression, comparison, x, y)
    case .stringList:
      return failure(expression, "lists are not compared", hint: "ask \"cash\" in payment.methods")
    default: return (.compare(comparison, x, y), .bool)
    }
  }

  private mutating func checkTextComparison(
    _ expression: Expression, _ comparison: TypedExpression.Comparison, _ x: TypedExpression,
    _ y: TypedExpression
  ) -> Typed {
    switch (x, y) {
    case (.text, .text): return failure(expression, "both sides are constant")
    case (.text, _): return (.compareText(comparison.mirrored, y, x), .bool)
    case (_, .text): return (.compareText(comparison, x, y), .bool)
    default:
      guard comparison == .equal || comparison == .notEqual else {
        return failure(expression, "two text facts have no order", hint: "compare each with a constant")
      }
      return (.compareText(comparison, x, y), .bool)
    }
  }

  private func comparisonHint(_ left: RuleType, _ right: RuleType) -> String? {
    let types: Set<RuleType> = [left, right]
    if types.contains(.timeOfDay) { return "write a time of day as \"11:00\"" }
    if types.contains(.date) { return "write a date as \"2026-10-10\"" }
    if types == [.timestamp, .string] {
      return "write timestamp(\"2026-10-10T09:30:00+09:00\"), or compare timeOfDay(…) or date(…)"
    }
    if types.contains(.duration) { return "write a duration as duration(\"60m\")" }
    if types.contains(.stringList) { return "ask whether a text is in the list: \"cash\" in payment.methods" }
    if types.contains(.string), !types.isDisjoint(with: [.int, .decimal]) {
      return "numbers stand without quotes"
    }
    return nil
  }

  /// A text that a fact with a fixed set of values can never have is a slip of the hand.
  mutating func checkValue(_ expression: Expression, _ bytes: [UInt8], of operand: TypedExpression) {
    guard case .fact(let fact) = operand, let entry = FactCatalog.entry(named: FactCatalog.name(of: fact)),
      !entry.values.isEmpty, !entry.values.contains(where: { Array($0.utf8) == bytes })
    else { return }
    let value = String(decoding: bytes, as: UTF8.self)
    let guess = closest(to: value, among: entry.values)
    report(
      expression, "\(entry.name) is never \(Expression.quoted(value))",
      hint: guess.map { "did you mean \"\($0)\"?" }
        ?? "it is one of \(entry.values.map { "\"\($0)\"" }.joined(separator: ", "))")
  }
}

extension TypedExpression.Comparison {
  init?(_ op: Expression.BinaryOperator) {
    switch op {
    case .equal: self = .equal
    case .notEqual: self = .notEqual
    case .less: self = .less
    case .lessOrEqual: self = .lessOrEqual
    case .greater: self = .greater
    case .greaterOrEqual: self = .greaterOrEqual
    default: return nil
    }
  }

  /// The same with the sides swapped.
  var mirrored: Self {
    switch self {
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    default: self
    }
  }
}
