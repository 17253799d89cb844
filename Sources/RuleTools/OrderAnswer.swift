public import Rules
public import Topics

/// What was decided of an order, and why: every rule with every part of its condition.
public struct OrderAnswer {
  public let decision: DecisionValue
  /// In the order of the set; without drafts and retired rules.
  public let rules: [RuleAnswer]
}

/// What one rule says of an order.
public struct RuleAnswer {
  public var rule: Rule
  public var outcome: Outcome
  /// The rule is false and does what its `otherwise` says.
  public var isOtherwise: Bool
  public var terms: [ConditionAnswer]
  /// Index of the first false or unknown term; nil when the rule is true.
  public var decisive: Int?

  /// Labels and effects of a true rule, or of its `otherwise`.
  public var actions: Rule.Actions? {
    outcome == .true ? rule.actions : isOtherwise ? rule.otherwise : nil
  }
}

/// What a condition, or a part of one, says of an order.
public struct ConditionAnswer {
  public enum Kind: Sendable, Equatable { case all, any, not, items, single }

  public var kind = Kind.single
  public var text: String
  public var outcome: Outcome
  /// Each datum read with its value as text; nil when missing.
  public var values: [(name: String, value: String?)] = []
  /// What it is made of; of `items` one per item line of the order that counts.
  public var parts: [ConditionAnswer] = []
  /// Ids of rules that keep this one from acting.
  public var blockers: [String] = []
  var expression: Expression?
  /// Of an item: its index within the order.
  var line: Int?
}

extension RuleAnswer {
  /// Item lines shown of one condition on items.
  static let linesMax = 20

  static func all(of set: RuleSet, batch: FactBatch, row: Int, plan: Plan) -> [RuleAnswer] {
    let explanation = Explanation(batch: batch, row: row, plan: plan)
    guard let probe = ConditionProbe(batch: batch, row: row, zone: plan.zone) else { return [] }
    let rules = Dictionary(set.rules.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let acting = Set(explanation.rules.filter { $0.outcome == .true }.map(\.id))
    return explanation.rules.compactMap { line in
      guard let rule = rules[line.id] else { return nil }
      let terms = line.terms.map { term in
        answer(term, rule: rule, set: set, acting: acting, probe: probe)
      }
      return RuleAnswer(
        rule: rule, outcome: line.outcome, isOtherwise: line.isOtherwise, terms: terms,
        decisive: line.decisiveTerm > 0 ? line.decisiveTerm - 1 : nil)
    }
  }

  private static func answer(
    _ term: Explanation.Term, rule: Rule, set: RuleSet, acting: Set<String>, probe: ConditionProbe
  ) -> ConditionAnswer {
    var answer = ConditionAnswer(text: term.text, outcome: term.outcome, values: term.values)
    if term.text.hasPrefix("noneActs(") {
      let before = rule.stoppedBy + rule.groupBefore.filter { !rule.stoppedBy.contains($0) }
      answer.blockers = before.filter { set.rules.indices.contains($0) }.map { set.rules[$0].id }
        .filter(acting.contains)
      return answer
    }
    if let match = rule.match, term.text == "match(\(match.description))" {
      answer.kind = .items
      answer.parts = probe.lines(of: match, variable: "item", countsEvery: true)
      return answer
    }
    guard case .success(let expression) = Parser.parse(term.text), let tree = probe.tree(expression) else {
      return answer
    }
    return tree
  }
}

extension ConditionProbe {
  /// A condition taken apart; nil when it says nothing by itself.
  func tree(_ expression: Expression, variable: String? = nil, line: Int? = nil) -> ConditionAnswer? {
    guard let answer = answer(expression, itemVariable: variable, line: line) else { return nil }
    var result = ConditionAnswer(
      text: expression.description, outcome: answer.outcome, values: answer.values, expression: expression)
    switch expression.kind {
    case .and(let terms):
      result.kind = .all
      result.parts = terms.compactMap { tree($0, variable: variable, line: line) }
    case .or(let terms):
      result.kind = .any
      result.parts = terms.compactMap { tree($0, variable: variable, line: line) }
    case .not(let operand):
      result.kind = .not
      result.parts = [tree(operand, variable: variable, line: line)].compactMap(\.self)
    case .call(let list?, "exists", let arguments), .call(let list?, "all", let arguments):
      // Lines of other kinds, and those that filter leaves, are answered as one.
      guard arguments.count == 2, case .name(let name) = arguments[0].kind,
        ["items", "allItems"].contains(list.path)
      else { break }
      result.kind = .items
      result.parts = lines(of: arguments[1], variable: name, countsEvery: list.path == "allItems")
    default: break
    }
    return result
  }

  /// What a condition on one item says of each line that counts.
  func lines(of condition: Expression, variable: String, countsEvery: Bool) -> [ConditionAnswer] {
    var answers: [ConditionAnswer] = []
    for line in 0..<lineCount where answers.count < RuleAnswer.linesMax {
      if !countsEvery, !isCounted(line) { continue }
      if var answer = tree(condition, variable: variable, line: line) {
        answer.line = line
        answers.append(answer)
      }
    }
    return answers
  }

  /// Live, and no gift.
  private func isCounted(_ line: Int) -> Bool {
    let live = Expression(.member(Expression(.name("i")), "live"))
    let gift = Expression(.not(Expression(.member(Expression(.name("i")), "gift"))))
    return [live, gift].allSatisfy { answer($0, itemVariable: "i", line: line)?.outcome == .true }
  }
}
