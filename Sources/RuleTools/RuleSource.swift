internal import Rules
internal import YAML

/// Rule files as they were written, to say where a rule and its parts stand.
struct RuleSource {
  /// Path and text of each file.
  let files: [(path: String, text: String)]
  private var rules: [String: YAMLNode] = [:]
  private var templates: [String: YAMLNode] = [:]
  /// Every rule's id in the order of the files.
  private(set) var places: [String: (file: Int, position: Int)] = [:]

  init(files: [(path: String, text: String)]) {
    self.files = files
    for (number, file) in files.enumerated() {
      guard let root = try? YAMLDocument.parse(file.text, file: file.path).root else { continue }
      if let name = try? root["template"]?.asString(), root["rules"] == nil {
        templates[name] = root
        places[name] = (number, 0)
        continue
      }
      for (position, node) in ((try? root["rules"]?.asSequence()) ?? []).enumerated() {
        guard let id = try? node["id"]?.asString(), rules[id] == nil else { continue }
        rules[id] = node
        places[id] = (number, position)
      }
    }
  }

  /// The node of a rule, or of the template whose own rule it is.
  func node(_ rule: Rule) -> YAMLNode? { rules[rule.id] ?? templates[rule.id] }

  /// A rule that has its condition from a template.
  func isInstance(_ rule: Rule) -> Bool { rules[rule.id]?["template"] != nil }

  func template(_ name: String) -> YAMLNode? { templates[name] }

  /// A finding at a key of a rule, or at its id.
  func diagnostic(
    _ severity: Diagnostic.Severity, _ rule: Rule, key: String, _ message: String, hint: String?
  )
    -> Diagnostic
  {
    guard let node = node(rule) else {
      return Diagnostic(severity: severity, line: 1, column: 1, message: message, hint: hint)
    }
    let place = (node[key] ?? node["params"] ?? node["id"] ?? node["template"] ?? node).location
    let line = line(place.line, of: place.file)
    return Diagnostic(
      severity: severity, file: place.file, line: place.line, column: place.column, message: message,
      hint: hint,
      sourceLine: line)
  }

  /// A finding at a place of a rule's own condition; at its parameters when the condition is a template's.
  func diagnostic(
    _ severity: Diagnostic.Severity, _ rule: Rule, at expression: Expression, in key: String,
    _ message: String,
    hint: String?
  ) -> Diagnostic {
    guard !isInstance(rule), let value = node(rule)?[key], case .scalar(let text, let style) = value.content
    else {
      return diagnostic(severity, rule, key: key, message, hint: hint)
    }
    let shift = style == .plain ? 0 : 1
    return Diagnostic(
      severity, offset: expression.offset, of: text, file: value.file, line: value.line,
      column: value.column + shift, message: message, hint: hint)
  }

  private func line(_ number: Int, of path: String) -> String? {
    guard let file = files.first(where: { $0.path == path }) else { return nil }
    let lines = file.text.split(separator: "\n", maxSplits: number, omittingEmptySubsequences: false)
    guard number >= 1, number <= lines.count else { return nil }
    let line = String(lines[number - 1])
    return line.utf8.count <= 400 ? line : nil
  }
}
