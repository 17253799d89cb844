public import Rules

/// One thing that lint has to say.
public struct Finding: Sendable {
  /// What kind of thing, for people who look it up and for programs: `never-true`, `duplicate`, …
  public var code: String
  /// The rules it is about, the one where it is shown first.
  public var rules: [String]
  /// Severity, place, words and hint.
  public var diagnostic: Diagnostic

  public var severity: Diagnostic.Severity { diagnostic.severity }

  /// As `rules check` shows problems, with the code behind the message.
  public var text: String {
    var shown = diagnostic
    shown.message += " [\(code)]"
    return shown.description
  }
}

/// All that lint has to say about some files.
public struct LintReport: Sendable {
  public var findings: [Finding]
  public var ruleCount: Int

  public func count(_ severity: Diagnostic.Severity) -> Int {
    findings.reduce(0) { $0 + ($1.severity == severity ? 1 : 0) }
  }

  /// 0: nothing but notes; 1: warnings, when `strict`; 2: errors.
  public func exitCode(strict: Bool) -> Int32 {
    if count(.error) > 0 { return 2 }
    return strict && count(.warning) > 0 ? 1 : 0
  }

  /// Findings with their source lines, then one line of numbers.
  public var text: String {
    findings.map { $0.text + "\n" }.joined() + summary + "\n"
  }

  private var summary: String {
    func words(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
    let parts = [(Diagnostic.Severity.error, "error"), (.warning, "warning"), (.note, "note")]
      .filter { count($0.0) > 0 }.map { words(count($0.0), $0.1) }
    return "\(words(ruleCount, "rule")): "
      + (parts.isEmpty ? "nothing to say" : parts.joined(separator: ", "))
  }
}
