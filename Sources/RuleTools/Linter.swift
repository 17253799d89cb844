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
  private(set) var source: RuleSource
  let surroundings: LintSurroundings
  private(set) var findings: [Finding] = []

  /// Findings reported at most.
  public static let findingsMax = 500

  /// Looks at everything in some files. Rules without mistakes are looked at even where others have some.
  public static func report(files: [(path: String, text: String)], _ surroundings: LintSurroundings)
    -> LintReport
  {
    let (book, templates, problems) = RuleBook.examine(files: files)
    var linter = Linter(source: RuleSource(files: files), surroundings: surroundings)
    for problem in problems { linter.add(Finding(code: "invalid", rules: [], diagnostic: problem)) }
    linter.look(at: book.shared)
    for scope in book.scopes {
      linter.source.scope = scope
      linter.look(at: book.ruleSet(of: scope))
    }
    for template in templates { linter.lookAtParameters(template) }
    let count = book.shared.rules.count + book.own.values.reduce(0) { $0 + $1.count }
    return LintReport(findings: linter.sorted, ruleCount: count)
  }

  private init(source: RuleSource, surroundings: LintSurroundings) {
    self.source = source
    self.surroundings = surroundings
  }

  /// Of a mall's or shop's set, what its own rules bring in.
  private mutating func look(at set: RuleSet) {
    for rule in set.rules where isWhole(rule) && rule.state != .retired && source.isOwnOrShared(rule) {
      lookAtCondition(rule)
      lookAround(rule)
      lookAtOutcomes(rule)
    }
    lookAtOrder(set)
    lookAtPairs(set.rules.filter { isWhole($0) && $0.isDecided })
  }

  /// Its condition could be read.
  func isWhole(_ rule: Rule) -> Bool { rule.condition != nil || rule.match != nil }

  mutating func add(_ finding: Finding) {
    if findings.count < Linter.findingsMax { findings.append(finding) }
  }

  mutating func say(
    _ severity: Diagnostic.Severity, _ code: String, _ rules: [Rule], at expression: Expression? = nil,
    key: String = "if", _ message: String, hint: String? = nil
  ) {
    guard let rule = rules.first, rules.contains(where: source.isOwnOrShared) else { return }
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
