internal import Orders
internal import Rules

/// Conditions by themselves: never true, always true, parts that change nothing.
extension Linter {
  /// Parts of a conjunction that are compared with each other.
  static let conjunctsMax = 60

  mutating func lookAtCondition(_ rule: Rule) {
    var translator = Translator(unavailable: [], zone: surroundings.zone)
    let parts = conditionParts(rule)
    let formulas = parts.map { translator.formula($0.expression, .isTrue) }
    let window = windowFormulas(rule, &translator)
    guard Solver.excludes(formulas + window, translator.naturals) else {
      lookForNeedlessParts(rule, parts, &translator)
      return
    }
    if let index = formulas.firstIndex(where: { Solver.excludes([$0], translator.naturals) }) {
      let part = parts[index]
      say(
        .warning, "never-true", [rule], at: part.expression, key: part.key,
        "the rule is never true: \(quoted(part.expression)) cannot be",
        hint: hint(whyNever: part.expression))
      return
    }
    if let (a, b) = excludingPair(formulas, translator.naturals) {
      say(
        .warning, "never-true", [rule], at: parts[b].expression, key: parts[b].key,
        "the rule is never true: \(quoted(parts[a].expression)) and \(quoted(parts[b].expression)) exclude each other",
        hint: "one of them is enough with ||, or one has its sign the wrong way round")
    } else if !window.isEmpty, !Solver.excludes(formulas, translator.naturals) {
      say(
        .warning, "never-true", [rule], "the rule is never true within its effective dates",
        hint: "compare effective_from and effective_until with the condition")
    } else {
      say(.warning, "never-true", [rule], "the rule is never true: its parts exclude each other")
    }
  }

  struct Part {
    var expression: Expression
    var key: String
  }

  func conditionParts(_ rule: Rule) -> [Part] {
    let own = (rule.condition?.conjuncts ?? []).map { Part(expression: $0, key: "if") }
    return own + (rule.match?.conjuncts ?? []).map { Part(expression: $0, key: "match") }
  }

  /// What the effective dates say of the time of the order.
  func windowFormulas(_ rule: Rule, _ translator: inout Translator) -> [Formula] {
    var formulas: [Formula] = []
    translator.register("order.placed_at")
    if let from = rule.effectiveFrom {
      formulas.append(
        .limit(key: "order.placed_at", values: .numbers([from.microseconds ... .max]), missing: false))
    }
    if let until = rule.effectiveUntil, until.microseconds > .min {
      formulas.append(
        .limit(key: "order.placed_at", values: .numbers([.min...(until.microseconds - 1)]), missing: false))
    }
    if !rule.when.isEmpty {
      translator.register("event")
      let events = TextSet(values: Set(rule.when.map { Array($0.utf8) }), isComplement: false)
      formulas.append(.limit(key: "event", values: .texts(events), missing: false))
    }
    return formulas
  }

  private func excludingPair(_ formulas: [Formula], _ naturals: Naturals) -> (Int, Int)? {
    let count = min(formulas.count, Linter.conjunctsMax)
    for b in 0..<count {
      for a in 0..<b where Solver.excludes([formulas[a], formulas[b]], naturals) { return (a, b) }
    }
    return nil
  }

  // MARK: What changes nothing

  private mutating func lookForNeedlessParts(_ rule: Rule, _ parts: [Part], _ translator: inout Translator) {
    for part in parts.prefix(Linter.conjunctsMax) {
      lookForDeadAlternatives(rule, part, &translator)
      let notTrue = translator.formula(part.expression, .isNotTrue)
      if Solver.excludes([notTrue], translator.naturals) {
        sayAlways(rule, part, alone: parts.count == 1, "always true")
        continue
      }
      let isFalse = translator.formula(part.expression, .isFalse)
      if Solver.excludes([isFalse], translator.naturals) {
        sayAlways(rule, part, alone: parts.count == 1, "never false: true of every order that has the facts")
        continue
      }
    }
    lookForImpliedParts(rule, parts, &translator)
  }

  private mutating func sayAlways(_ rule: Rule, _ part: Part, alone: Bool, _ words: String) {
    if case .bool(true) = part.expression.kind {
      // Written on purpose: a rule for every order.
      if !alone { say(.note, "always-true", [rule], at: part.expression, key: part.key, "true adds nothing") }
      return
    }
    say(
      .warning, "always-true", [rule], at: part.expression, key: part.key,
      "\(quoted(part.expression)) is \(words)",
      hint: alone ? "for a rule of every order write if: true" : "leave it out")
  }

  /// An alternative of `||` that never holds.
  private mutating func lookForDeadAlternatives(_ rule: Rule, _ part: Part, _ translator: inout Translator) {
    guard case .or(let ways) = part.expression.kind else { return }
    for way in ways.prefix(Linter.conjunctsMax) {
      let formula = translator.formula(way, .isTrue)
      guard Solver.excludes([formula], translator.naturals) else { continue }
      say(
        .warning, "never-true", [rule], at: way, key: part.key,
        "this alternative is never true: \(quoted(way))", hint: hint(whyNever: way))
    }
  }

  /// A part of a conjunction that the others already say.
  private mutating func lookForImpliedParts(_ rule: Rule, _ parts: [Part], _ translator: inout Translator) {
    let parts = Array(parts.prefix(Linter.conjunctsMax))
    guard parts.count > 1 else { return }
    let trues = parts.map { translator.formula($0.expression, .isTrue) }
    let notTrues = parts.map { translator.formula($0.expression, .isNotTrue) }
    for a in parts.indices {
      for b in parts.indices where a != b {
        guard Solver.excludes([trues[b], notTrues[a]], translator.naturals) else { continue }
        // Each says the other: only the later one is too much.
        if a < b, Solver.excludes([trues[a], notTrues[b]], translator.naturals) { continue }
        if Solver.excludes([notTrues[a]], translator.naturals) { continue }
        say(
          .note, "needless", [rule], at: parts[a].expression, key: parts[a].key,
          "\(quoted(parts[a].expression)) adds nothing beside \(quoted(parts[b].expression))")
        break
      }
    }
  }

  func quoted(_ expression: Expression) -> String {
    let text = expression.description
    return text.utf8.count <= 120 ? "`\(text)`" : "this part"
  }

  private func hint(whyNever expression: Expression) -> String? {
    if case .and = expression.kind { return "its parts exclude each other" }
    guard case .binary(let op, let left, _) = expression.kind, let operand = Operand(left) else { return nil }
    switch FactRange.values(of: operand.key, FactCatalog.entries.first { $0.name == operand.key }) {
    case .numbers(let ranges) where ranges == [0 ... .max] && op != .in:
      return "\(operand.key) is never below 0"
    default: return nil
    }
  }
}
