package import Orders

// What the tools around the rules (module RuleTools) see of the language's inside.

extension RuleBook {
  /// What can be read of files that may have mistakes in them: every rule and template that came through, and
  /// every problem. A rule whose condition has a problem comes without it.
  package static func examine(files: [(path: String, text: String)]) -> (
    book: RuleBook, templates: [Template], problems: [Diagnostic]
  ) {
    var reader = RuleFileReader()
    reader.read(files, installsTemplates: true)
    let templates = reader.templates.values.sorted { bytesPrecede($0.id, $1.id) }
    return (
      RuleBook(shared: RuleSet(reader.sharedRules), own: reader.ownRules), templates, reader.diagnostics
    )
  }
}

extension Diagnostic {
  /// A problem at a byte of a text that begins at a place of a file.
  package init(
    _ severity: Severity, offset: Int, of text: String, file: String, line: Int, column: Int, message: String,
    hint: String? = nil
  ) {
    let source = SourceText(text: text, file: file, line: line, column: column)
    self = source.diagnostic(Problem(offset: offset, message: message, hint: hint))
    self.severity = severity
  }
}

extension Template {
  package var korean: String { body.name }
  /// The condition with its `params.x` as written in the file; nil when it has none.
  package var conditionText: String? { body.conditionNode?.text }
  package var matchText: String? { body.matchNode?.text }
  package var actions: Rule.Actions { body.actions }
  package var keepsOnCancel: Bool { body.keepsOnCancel }
}

extension Expression {
  package var path: String? { dottedPath }
  package func replacingChildren(_ transform: (Expression) -> Expression) -> Expression {
    mapChildren(transform)
  }
  package static func quote(_ text: String) -> String { quoted(text) }

  /// What stands in quotes, read as another type: time of day, date, duration or timestamp; in µs or days.
  package static func literal(_ text: String, as type: RuleType) -> Int64? {
    Checker.literal(text, as: type, explicit: true)
  }
}

/// Some part of the text matches the pattern of a rule; false for a pattern that is none.
package func patternMatches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
  guard let compiled = try? TextPattern.compiling(pattern) else { return false }
  return text.withUnsafeBufferPointer { compiled.matches($0) }
}

extension FactCatalog {
  package static func type(_ name: String) -> RuleType? { entry(named: name)?.type }
  package static func isNeverMissing(_ name: String) -> Bool {
    entry(named: name)?.missingWhen.isEmpty ?? false
  }
}

/// Near misses of a name, for messages.
package func closestName(to word: String, among names: [String]) -> String? {
  closest(to: word, among: names)
}

/// Asks single conditions of one row of a batch: what an explanation of an order is made of.
package struct ConditionProbe {
  package struct Answer {
    package var outcome: Outcome
    /// Each datum read with its value as text; nil when missing.
    package var values: [(name: String, value: String?)]
  }

  private let evaluator: ScalarEvaluator

  /// Nil when there is no such row.
  package init?(batch: FactBatch, row: Int, zone: ShopZone) {
    guard row >= 0, row < batch.count else { return nil }
    evaluator = ScalarEvaluator(batch: batch, row: row, zone: zone)
  }

  /// A line of an order, and the name by which it is spoken of.
  package struct Line {
    package var level: RowLevel
    package var variable: String
    /// Within the order.
    package var index: Int

    package init(level: RowLevel, variable: String, index: Int) {
      (self.level, self.variable, self.index) = (level, variable, index)
    }
  }

  /// Nil when it is no condition by itself, or the order has no such line.
  package func answer(_ condition: Expression, at line: Line? = nil) -> Answer? {
    var checker = Checker()
    let typed = checker.typed(condition, at: line) { $0.condition($1) }
    guard checker.problems.isEmpty, let evaluator = evaluator(at: line) else { return nil }
    var references: Set<FactReference> = []
    typed.collectReferences(into: &references)
    let values = references.filter { !$0.name.isEmpty }.sorted { bytesPrecede($0.name, $1.name) }.map {
      (name: $0.name, value: evaluator.shown($0, line?.level ?? .order))
    }
    return Answer(outcome: evaluator.outcome(typed), values: values)
  }

  /// The value of a number, text or time as text, nil inside when it is missing; nil when it is none of these, or the
  /// order has no such line.
  package func value(of expression: Expression, at line: Line? = nil) -> String?? {
    var checker = Checker()
    let (typed, type) = checker.typed(expression, at: line) { $0.check($1) }
    guard checker.problems.isEmpty, type != .invalid, let evaluator = evaluator(at: line) else { return nil }
    return .some(evaluator.text(evaluator.value(typed), type))
  }

  private func evaluator(at line: Line?) -> ScalarEvaluator? {
    guard let line else { return evaluator }
    let lines = evaluator.range(line.level)
    guard line.index >= 0, line.index < lines.count else { return nil }
    var evaluator = evaluator
    evaluator.line = lines.lowerBound + line.index
    return evaluator
  }

  /// Lines of the order.
  package func lineCount(_ level: RowLevel) -> Int { evaluator.range(level).count }

  /// The value of a fact of the order as text; nil when it is missing or there is no such fact.
  package func value(ofFact name: String) -> String? {
    guard let entry = FactCatalog.entry(named: name), let fact = entry.fact else { return nil }
    return evaluator.text(of: .fact(fact))
  }
}

extension Checker {
  fileprivate mutating func typed<Result>(
    _ expression: Expression, at line: ConditionProbe.Line?, _ check: (inout Checker, Expression) -> Result
  ) -> Result {
    guard let line else { return check(&self, expression) }
    return withLineVariable(line.variable, line.level) { check(&$0, expression) }
  }
}

extension ScalarEvaluator {
  /// As `text(of:)`, but at a line only the value of that line.
  fileprivate func shown(_ reference: FactReference, _ level: RowLevel) -> String? {
    guard line != nil else { return text(of: reference) }
    switch reference {
    case .fact(let fact) where fact.level != .order && fact.level == level: return lineText(of: fact)
    case .list(let name) where level == .item:
      if case .truth(let truth) = value(.inList(Array(name.utf8), item: true)) {
        return truth ? "true" : "false"
      }
      return nil
    default: return text(of: reference)
    }
  }
}
