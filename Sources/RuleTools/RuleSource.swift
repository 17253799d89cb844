internal import Rules
internal import YAML

/// Rule files as they were written, to say where a rule and its parts stand.
struct RuleSource {
  /// Path and text of each file.
  let files: [(path: String, text: String)]
  /// By mall or shop; nil: for all.
  private var rules: [RuleScope?: [String: YAMLNode]] = [:]
  private var templates: [String: YAMLNode] = [:]
  /// Every rule's id in the order of the files.
  private(set) var places: [String: (file: Int, position: Int)] = [:]
  /// Whose rules are looked at.
  var scope: RuleScope?

  init(files: [(path: String, text: String)]) {
    self.files = files
    for (number, file) in files.enumerated() {
      guard let root = try? YAMLDocument.parse(file.text, file: file.path).root else { continue }
      if let name = try? root["template"]?.asString(), root["rules"] == nil {
        templates[name] = root
        places[name] = (number, 0)
        continue
      }
      let scope = (try? root["mall"]?.asString()).map {
        RuleScope(mall: $0, shop: (try? root["shop"]?.asInt()))
      }
      for (position, node) in ((try? root["rules"]?.asSequence()) ?? []).enumerated() {
        guard let id = try? node["id"]?.asString(), rules[scope]?[id] == nil else { continue }
        rules[scope, default: [:]][id] = node
        if places[id] == nil { places[id] = (number, position) }
      }
    }
  }

  /// The node of a rule, or of the template whose own rule it is.
  func node(_ rule: Rule) -> YAMLNode? {
    var narrow: [RuleScope?] = [nil]
    if let scope { narrow = [scope, RuleScope(mall: scope.mall), nil] }
    for scope in narrow { if let node = rules[scope]?[rule.id] { return node } }
    return templates[rule.id]
  }

  /// The rule is one of the scope's own.
  func isOwnOrShared(_ rule: Rule) -> Bool { scope == nil || rules[scope]?[rule.id] != nil }

  /// A rule that has its condition from a template, or from a wider scope.
  private func isInstance(_ rule: Rule, _ key: String) -> Bool {
    node(rule)?["template"] != nil && node(rule)?["id"] != nil || node(rule)?[key] == nil
  }

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
    guard !isInstance(rule, key), let value = node(rule)?[key],
      case .scalar(let text, let style) = value.content
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
