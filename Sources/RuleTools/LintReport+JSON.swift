internal import Rules
internal import Topics

extension LintReport {
  /// One object: `rules`, the numbers, and `findings` with file, line, column, severity, code, message, hint, rules.
  public var json: String {
    var json = JSONWriter()
    json.beginObject()
    json.name("rules")
    json.integer(Int64(ruleCount))
    for (name, severity) in [("errors", Diagnostic.Severity.error), ("warnings", .warning), ("notes", .note)]
    {
      json.name(utf8: name)
      json.integer(Int64(count(severity)))
    }
    json.name("findings")
    json.beginArray()
    for finding in findings { LintReport.write(finding, into: &json) }
    json.endArray()
    json.endObject()
    json.endLine()
    return String(decoding: json.bytes, as: UTF8.self)
  }

  private static func write(_ finding: Finding, into json: inout JSONWriter) {
    let diagnostic = finding.diagnostic
    json.beginObject()
    for (name, text) in [
      ("file", diagnostic.file), ("severity", diagnostic.severity.rawValue), ("code", finding.code),
      ("message", diagnostic.message), ("hint", diagnostic.hint ?? ""),
    ] where !text.isEmpty {
      json.name(utf8: name)
      json.string(text)
    }
    json.name("line")
    json.integer(Int64(diagnostic.line))
    json.name("column")
    json.integer(Int64(diagnostic.column))
    json.name("rules")
    json.strings(finding.rules)
    json.endObject()
  }
}
