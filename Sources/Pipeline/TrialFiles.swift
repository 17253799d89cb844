import ApplyStage
import Rules
import Topics

/// Decisions and actions as they happen; used on apply's thread only.
final class TrialFiles: @unchecked Sendable {
  private let decisions: OutputFile
  private let actions: OutputFile
  private var line: DecisionLine
  private var labelLines = LabelLines()
  /// Lines not yet written.
  private var decisionLines = JSONWriter(capacity: OutputFile.bufferBytes + (1 << 16))
  private var actionLines = JSONWriter(capacity: OutputFile.bufferBytes + (1 << 16))
  private var failure: (any Error)?

  init(_ decisions: OutputFile, _ actions: OutputFile, _ rules: RuleBook) {
    self.decisions = decisions
    self.actions = actions
    line = DecisionLine(
      texts: TrialFiles.texts(of: rules.shared),
      others: Dictionary(
        rules.effective.values.map { ($0.hash, TrialFiles.texts(of: $0)) }, uniquingKeysWith: { $1 }))
  }

  private static func texts(of ruleSet: RuleSet) -> DecisionRuleTexts {
    DecisionRuleTexts(
      ruleIds: ruleSet.rules.map(\.id), termTexts: ruleSet.rules.map { $0.terms.map(\.text) })
  }

  func attach(to processor: ApplyProcessor) {
    processor.sendsActions = false
    processor.onDecision = { [self] decision in
      let start = decisionLines.count
      if !line.write(decision, into: &decisionLines) { decisionLines.truncate(to: start) }
      if decisionLines.count >= OutputFile.bufferBytes { writeDecisions() }
    }
    processor.onAction = { [self] action in
      action.writeJSON(into: &actionLines)
      if actionLines.count >= OutputFile.bufferBytes { writeActions() }
    }
    processor.onLabels = { [self] change, header, desire, places, at in
      labelLines.write(change, header, desire, places, at: at, into: &actionLines)
      if actionLines.count >= OutputFile.bufferBytes { writeActions() }
    }
  }

  private func writeDecisions() {
    keep { try decisionLines.withBytes { try decisions.write($0) } }
    decisionLines.removeAll()
  }

  private func writeActions() {
    keep { try actionLines.withBytes { try actions.write($0) } }
    actionLines.removeAll()
  }

  private func keep(_ body: () throws -> Void) {
    do { try body() } catch { failure = failure ?? error }
  }

  func finish() throws {
    writeDecisions()
    writeActions()
    try decisions.flush()
    try actions.flush()
    if let failure { throw failure }
  }
}
