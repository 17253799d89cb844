/// What is asked of texts: their beginnings, patterns and lengths.
extension Checker {
  private static let textTests: [String: TypedExpression.TextTest] = [
    "startsWith": .startsWith, "endsWith": .endsWith, "contains": .contains,
  ]

  mutating func checkMethod(
    _ expression: Expression, _ receiver: Expression, _ function: String, _ arguments: [Expression]
  ) -> Typed {
    if function == "size" {
      guard arguments.isEmpty else { return failure(expression, "size takes nothing in brackets here") }
      return checkSize(expression, [receiver])
    }
    if let part = Checker.civilMethods[function] {
      return checkCivilMethod(expression, part, receiver, arguments)
    }
    guard function == "matches" || Checker.textTests[function] != nil else {
      let path = receiver.dottedPath.map { "\($0).\(function)" } ?? function
      let known = FactCatalog.functions.map(\.name)
      let guess = closest(to: path, among: known) ?? closest(to: function, among: known)
      return failure(expression, "unknown function: \(path)", hint: guess.map { "did you mean \($0)?" })
    }
    let (value, type) = check(receiver)
    guard type != .invalid else { return Checker.invalid }
    guard type == .string else {
      return failure(
        expression, "\(function) needs a text, found \(type)",
        hint: type == .stringList ? "ask \"…\" in \(receiver)" : nil)
    }
    if case .text = value { return failure(expression, "both sides are constant") }
    guard arguments.count == 1, case .string(let literal) = arguments[0].kind else {
      return failure(expression, "\(function) needs one text in quotes")
    }
    let bytes = Array(literal.text.utf8)
    if let test = Checker.textTests[function] { return (.textTest(test, value, bytes), .bool) }
    do {
      return (.textMatches(value, try TextPattern.compiling(bytes)), .bool)
    } catch {
      return failure(
        arguments[0], "the pattern cannot be used: \(error.reason)",
        hint: "patterns are those of RE2, at most \(TextPattern.bytesMax) bytes, repetitions at most 1000")
    }
  }

  /// `size(x)` and `x.size()`.
  mutating func checkSize(_ expression: Expression, _ arguments: [Expression]) -> Typed {
    guard arguments.count == 1 else { return failure(expression, "size needs one text or list") }
    let (value, type) = check(arguments[0])
    switch (value, type) {
    case (_, .invalid): return Checker.invalid
    case (.text(let text), .string):
      return (.number(Int64(text.count(where: { $0 & 0xC0 != 0x80 }))), .int)
    case (_, .string): return (.textSize(value), .int)
    case (.fact(let fact), .stringList): return (.listSize(fact), .int)
    default: return failure(expression, "size needs a text or a list, found \(type)")
    }
  }
}
