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

  /// Nil when the text is no condition by itself. `line`: index of an item line of the order, for a condition about
  /// the item called `itemVariable`.
  package func answer(_ condition: Expression, itemVariable: String? = nil, line: Int? = nil) -> Answer? {
    guard case .success(let typed) = Checker.check(condition, itemVariable: itemVariable) else { return nil }
    var evaluator = evaluator
    if let line {
      let lines = evaluator.lines
      guard line >= 0, line < lines.count else { return nil }
      evaluator.line = lines.lowerBound + line
    }
    var references: Set<FactReference> = []
    typed.collectReferences(into: &references)
    let values = references.sorted { bytesPrecede($0.name, $1.name) }.map { reference in
      (name: reference.name, value: evaluator.shown(reference))
    }
    return Answer(outcome: evaluator.outcome(typed), values: values)
  }

  /// Item lines of the order.
  package var lineCount: Int { evaluator.lines.count }

  /// The value of a fact of the order as text; nil when it is missing or there is no such fact.
  package func value(ofFact name: String) -> String? {
    guard let entry = FactCatalog.entry(named: name), let fact = entry.fact else { return nil }
    return evaluator.text(of: .fact(fact))
  }
}

extension ScalarEvaluator {
  fileprivate var lines: Range<Int> { range(.item) }

  /// As `text(of:)`, but at an item line only the value of that line.
  fileprivate func shown(_ reference: FactReference) -> String? {
    guard line != nil else { return text(of: reference) }
    switch reference {
    case .fact(let fact) where fact.level == .item: return lineText(of: fact)
    case .list(let name):
      if case .truth(let truth) = value(.inList(Array(name.utf8), item: true)) {
        return truth ? "true" : "false"
      }
      return nil
    default: return text(of: reference)
    }
  }
}
