public import Orders
internal import Rules

/// What lint may know besides the rules.
public struct LintSurroundings: Sendable {
  /// Names of the lists in the reference data; nil: not looked at.
  public var lists: Set<String>?
  /// What the mall never supplies: facts or groups of facts (`ip`, `item.stock`, `amount.paid`).
  public var unavailable: Set<String> = []
  /// For rules whose time is over; nil: not looked at.
  public var now: Instant?
  public var zone = ShopZone.seoul

  public init() {}
}

/// Reads rule files and says what is wrong with them or will surprise.
public struct Linter {
  let source: RuleSource
  let rules: [Rule]
  let templates: [Template]
  let surroundings: LintSurroundings
  private(set) var findings: [Finding] = []

  /// Findings reported at most.
  public static let findingsMax = 500

  /// Looks at everything in some files. Shared conditions of rules are looked at even where others have mistakes.
  public static func report(files: [(path: String, text: String)], _ surroundings: LintSurroundings)
    -> LintReport
  {
    let (rules, templates, problems) = RuleSet.examine(files: files)
    var linter = Linter(
      source: RuleSource(files: files), rules: rules, templates: templates, surroundings: surroundings)
    for problem in problems { linter.add(Finding(code: "invalid", rules: [], diagnostic: problem)) }
    linter.look()
    return LintReport(findings: linter.sorted, ruleCount: rules.count)
  }

  private init(source: RuleSource, rules: [Rule], templates: [Template], surroundings: LintSurroundings) {
    self.source = source
    self.rules = rules.sorted { bytesPrecede($0.id, $1.id) }
    self.templates = templates
    self.surroundings = surroundings
  }

  private mutating func look() {
    let whole = rules.filter { $0.condition != nil || $0.match != nil }
    for rule in whole where rule.state != .retired {
      lookAtCondition(rule)
      lookAround(rule)
    }
    for template in templates { lookAtParameters(template) }
    lookAtPairs(whole.filter(\.isDecided))
  }

  mutating func add(_ finding: Finding) {
    if findings.count < Linter.findingsMax { findings.append(finding) }
  }

  mutating func say(
    _ severity: Diagnostic.Severity, _ code: String, _ rules: [Rule], at expression: Expression? = nil,
    key: String = "if", _ message: String, hint: String? = nil
  ) {
    guard let rule = rules.first else { return }
    let key = key == "if" && rule.condition == nil ? "match" : key
    let diagnostic =
      if let expression {
        source.diagnostic(severity, rule, at: expression, in: key, message, hint: hint)
      } else {
        source.diagnostic(severity, rule, key: key, message, hint: hint)
      }
    add(Finding(code: code, rules: rules.map(\.id), diagnostic: diagnostic))
  }

  /// By file as given, then by place.
  private var sorted: [Finding] {
    var order: [String: Int] = [:]
    for (number, file) in source.files.enumerated() { order[file.path] = order[file.path] ?? number }
    return findings.enumerated().sorted { left, right in
      let (a, b) = (left.element.diagnostic, right.element.diagnostic)
      let (x, y) = (order[a.file] ?? 0, order[b.file] ?? 0)
      return (x, a.line, a.column, left.offset) < (y, b.line, b.column, right.offset)
    }.map(\.element)
  }
}
