import Orders

/// Why each rule of a set says what it says about one order: every term with the values it read.
///
/// Decided by the scalar evaluator. Holds no personal data: facts are amounts, counts, codes and regions.
public struct Explanation: Sendable {
  public struct Term: Sendable {
    public var text: String
    public var outcome: Outcome
    /// Each datum read with its value as text; nil when missing.
    public var values: [(name: String, value: String?)]
  }

  public struct RuleLine: Sendable {
    public var id: String
    public var name: String
    public var labels: [String]
    public var outcome: Outcome
    public var terms: [Term]
    /// 1 + index of the first false or unknown term; 0 when the rule is true.
    public var decisiveTerm: Int
    /// The rule is false and does what its `otherwise` says.
    public var isOtherwise = false
  }

  public var rules: [RuleLine]

  /// Explains a row of a batch made with `plan.layout` by rule set `ruleSet` of the plan; no rules when there is no
  /// such row or set.
  public init(batch: FactBatch, row: Int, plan: Plan, ruleSet: Int = 0) {
    guard row >= 0, row < batch.count, plan.ruleSets.indices.contains(ruleSet) else {
      rules = []
      return
    }
    var evaluator = ScalarEvaluator(batch: batch, row: row, zone: plan.zone)
    let answers = evaluator.decide(plan.ruleSets[ruleSet].rules)
    rules = zip(plan.ruleSets[ruleSet].rules, answers).compactMap { rule, answer in
      guard let answer else { return nil }
      let terms = zip(rule.terms, answer.terms).map { term, outcome in
        Term(
          text: term.text, outcome: outcome,
          values: term.references.map { ($0.name, evaluator.text(of: $0)) })
      }
      return RuleLine(
        id: rule.id, name: rule.name, labels: rule.actions.labels, outcome: answer.outcome, terms: terms,
        decisiveTerm: answer.decisiveTerm, isOtherwise: answer.isOtherwise && rule.otherwise != nil)
    }
  }

  /// `HIGH_VALUE: 아님 – amount.items >= 100000 (45000)`
  public var korean: [String] {
    rules.map { Explanation.line($0, ["아님", "해당", "모름"], missing: "없음") }
  }

  /// `HIGH_VALUE: no – amount.items >= 100000 (45000)`
  public var english: [String] {
    rules.map { Explanation.line($0, ["no", "yes", "unknown"], missing: "missing") }
  }

  private static func line(_ rule: RuleLine, _ words: [String], missing: String) -> String {
    let shown = rule.decisiveTerm > 0 ? [rule.terms[rule.decisiveTerm - 1]] : rule.terms
    let texts = shown.map { term in
      let values = term.values.map { value in
        term.values.count == 1 ? value.value ?? missing : "\(value.name) = \(value.value ?? missing)"
      }
      return values.isEmpty ? term.text : "\(term.text) (\(values.joined(separator: ", ")))"
    }
    return "\(rule.id): \(words[Int(rule.outcome.rawValue)]) – \(texts.joined(separator: "; "))"
  }
}

extension ScalarEvaluator {
  /// The value of a datum as text; nil when missing. Facts of items are shown line by line.
  func text(of reference: FactReference) -> String? {
    switch reference {
    case .claims(let window): return text(value(.claims(window)), .int)
    case .timed(let fact):
      let value = value(.timed(fact))
      if fact.isTruth, case .number(let number) = value { return number == 0 ? "false" : "true" }
      return text(value, .int)
    case .aggregate(let aggregate): return text(value(.aggregate(aggregate)), aggregate.measure.type)
    case .list(let name): return text(value(.inList(Array(name.utf8), item: false)), .bool)
    case .fact(let fact):
      let type = FactCatalog.entry(named: FactCatalog.name(of: fact))?.type ?? .int
      if fact.storage == .textList, fact.level == .order {
        let elements = elements(fact).map { String(decoding: $0, as: UTF8.self) }
        if elements.isEmpty, value(.isMissing(.fact(fact))) == .truth(true) { return nil }
        return "[\(elements.joined(separator: ", "))]"
      }
      guard fact.level != .order else { return text(self.fact(fact), type) }
      let lines = range(fact.level)
      let shown = lines.prefix(8).map { line in
        var inner = self
        inner.line = line
        return inner.lineText(of: fact) ?? "?"
      }
      return "[\(shown.joined(separator: ", "))\(lines.count > 8 ? ", …" : "")]"
    }
  }

  /// Of a fact of the line at hand; nil when missing.
  func lineText(of fact: Fact) -> String? {
    guard fact.storage == .textList else {
      return text(self.fact(fact), FactCatalog.entry(named: FactCatalog.name(of: fact))?.type ?? .int)
    }
    return "[\(elements(fact).map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", "))]"
  }

  private func text(_ value: Value, _ type: RuleType) -> String? {
    switch value {
    case .unknown: return nil
    case .truth(let truth): return truth ? "true" : "false"
    case .text(let bytes): return "\"\(String(decoding: bytes, as: UTF8.self))\""
    case .number(let number):
      switch type {
      case .decimal:
        let text = Expression.decimalText(number)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
      case .timestamp: return Instant(microseconds: number).rfc3339(in: zone)
      default: return String(number)
      }
    }
  }
}
