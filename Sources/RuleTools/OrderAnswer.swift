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
  /// `lines`: a condition on lines, with an answer for each. `fold`: a number or text made of lines. `line`: one line,
  /// of which `filter` and the condition or value are the parts.
  public enum Kind: String, Sendable { case all, any, not, single, lines, fold, line }

  public var kind = Kind.single
  public var text: String
  public var outcome: Outcome
  /// Each datum read with its value as text; nil when missing.
  public var values: [(name: String, value: String?)] = []
  /// What it is made of; of `lines` and `fold` one per line of the order that counts.
  public var parts: [ConditionAnswer] = []
  /// Of `lines` and `fold`: the list as the rule names it (`items`), what is asked of it (`exists`, `sum`), and how many
  /// lines count, of which `linesMax` are shown.
  public var list = ""
  public var question = ""
  public var lineCount = 0
  /// Of a line: `filter` leaves it out.
  public var isLeftOut = false
  /// Ids of rules that keep this one from acting.
  public var blockers: [String] = []
  var expression: Expression?
  /// Of a line: its index within the order.
  public var line: Int?
}

extension RuleAnswer {
  /// Lines shown of one condition on lines.
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
      let lines = LineQuestion(matching: match)
      answer.fill(with: lines, probe)
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
  func tree(_ expression: Expression, at line: Line? = nil) -> ConditionAnswer? {
    guard let answer = answer(expression, at: line) else { return nil }
    var result = ConditionAnswer(
      text: expression.description, outcome: answer.outcome, values: answer.values, expression: expression)
    result.line = line?.index
    switch expression.kind {
    case .and(let terms):
      result.kind = .all
      result.parts = terms.compactMap { tree($0, at: line) }
    case .or(let terms):
      result.kind = .any
      result.parts = terms.compactMap { tree($0, at: line) }
    case .not(let operand):
      result.kind = .not
      result.parts = [tree(operand, at: line)].compactMap(\.self)
    default:
      guard line == nil else { break }
      if let question = LineQuestion(expression) {
        result.fill(with: question, self)
      } else {
        result.showFolds(self)
      }
    }
    return result
  }
}
