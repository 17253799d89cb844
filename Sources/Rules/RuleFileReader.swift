import Orders
import YAML

/// Reads rule and template files. Everything wrong in all of them comes back at once.
struct RuleFileReader {
  var diagnostics: [Diagnostic] = []
  var templates: [String: Template] = [:]
  /// What was read for each scope; nil: for all malls.
  var scopes: [RuleScope?: Scoped] = [:]
  /// What is being read.
  private var current = Scoped()
  /// False: every file must speak of all malls.
  var allowsScopes = true
  var conditions = NamedConditions()
  var templateIds: [(id: String, node: YAMLNode)] = []

  /// Where a rule stands and what it was made of, for a narrower scope that changes parts of it.
  final class Source: Sendable {
    let location: YAMLLocation
    let body: RuleBody
    let parameters: [String: Expression]?
    let template: String?

    init(location: YAMLLocation, body: RuleBody, parameters: [String: Expression]?, template: String?) {
      self.location = location
      self.body = body
      self.parameters = parameters
      self.template = template
    }
  }

  /// The rules of one scope, in the order of the files, and what they were made of.
  struct Scoped {
    var rules: [Rule] = []
    var ids: [String: Source] = [:]
  }

  /// The rules that all malls share.
  var sharedRules: [Rule] { scopes[nil]?.rules ?? [] }

  /// The rules of malls and shops that have any.
  var ownRules: [RuleScope: [Rule]] {
    var own: [RuleScope: [Rule]] = [:]
    own.reserveCapacity(scopes.count)
    for (scope, read) in scopes { if let scope, !read.rules.isEmpty { own[scope] = read.rules } }
    return own
  }

  mutating func within(_ scope: RuleScope?, _ body: (inout RuleFileReader) -> Void) {
    current = scopes.removeValue(forKey: scope) ?? Scoped()
    body(&self)
    scopes[scope] = current
    current = Scoped()
  }

  /// Problems reported at most.
  static let diagnosticsMax = 200

  mutating func report(_ location: YAMLLocation, _ message: String, hint: String? = nil) {
    guard diagnostics.count < RuleFileReader.diagnosticsMax else { return }
    diagnostics.append(
      Diagnostic(
        file: location.file, line: location.line, column: location.column, message: message, hint: hint))
  }

  mutating func report(_ problems: [Problem], in source: SourceText) {
    for problem in problems where diagnostics.count < RuleFileReader.diagnosticsMax {
      diagnostics.append(source.diagnostic(problem))
    }
  }

  /// Templates first, whatever the order of the files, since any rule may name any template.
  mutating func read(_ files: [(path: String, text: String)], installsTemplates: Bool) {
    let roots = RuleFileReader.parse(files).compactMap { result -> YAMLNode? in
      switch result {
      case .success(let root): return root
      case .failure(let error):
        report(error.location, error.message)
        return nil
      }
    }
    func isTemplate(_ root: YAMLNode) -> Bool { root["template"] != nil && root["rules"] == nil }
    for root in roots where !isTemplate(root) { readConditions(root) }
    finishConditions()
    for root in roots where isTemplate(root) { readTemplate(root) }
    var scoped: [ScopedFile] = []
    for root in roots where !isTemplate(root) {
      switch readScope(root) {
      case .some(.some(let scope)): scoped.append(ScopedFile(scope: scope, root: root))
      case .some(.none): within(nil) { $0.readRules(root, of: nil) }
      case .none: break
      }
    }
    if installsTemplates {
      for (id, node) in templateIds { within(nil) { $0.install($0.templates[id], node) } }
    }
    // Malls before their shops, since a shop may change a rule of its mall.
    read(scoped.filter { $0.scope.shop == nil } + scoped.filter { $0.scope.shop != nil })
  }

  private mutating func install(_ template: Template?, _ node: YAMLNode) {
    guard let template, template.isInstalled else { return }
    var filled: [String: Expression] = [:]
    for parameter in template.parameters { filled[parameter.name] = parameter.value }
    let source = Source(
      location: node.location, body: template.body, parameters: filled, template: template.id)
    finish(id: template.id, source)
  }

  static let fileKeys = ["rules", "conditions", "segments", "mall", "shop", "version", "note", "author"]

  mutating func readRules(_ root: YAMLNode, of scope: RuleScope?) {
    guard let list = root["rules"] else {
      if scope == nil, root["conditions"] != nil || root["segments"] != nil {
        checkKeys(root, RuleFileReader.fileKeys, within: "a rule file")
        return
      }
      report(root.location, "expected rules: with a list, or a template", hint: "begin the file with rules:")
      return
    }
    checkKeys(root, RuleFileReader.fileKeys, within: "a rule file")
    guard case .sequence(let nodes) = list.content else {
      report(list.location, "expected a list of rules, found \(list.kindName)")
      return
    }
    for node in nodes {
      if current.rules.count >= RuleSet.rulesMax {
        report(node.location, "more than \(RuleSet.rulesMax) rules")
        return
      }
      readRule(node, of: scope)
    }
  }

  // MARK: One rule

  static let bodyKeys = [
    "name", "description", "owner", "when", "if", "match", "scope", "then", "on_cancel", "priority", "state",
    "effective_from", "effective_until", "otherwise", "stop", "group",
  ]

  private static let ruleKeys = bodyKeys + ["id"]
  private static let templateRuleKeys = bodyKeys + ["id", "template", "params"]

  private mutating func readRule(_ node: YAMLNode, of scope: RuleScope?) {
    guard case .mapping = node.content else {
      report(node.location, "expected a rule, found \(node.kindName)")
      return
    }
    guard let id = readId(node) else { return }
    if let templateNode = node["template"] {
      checkKeys(node, RuleFileReader.templateRuleKeys, within: "a rule of a template")
      guard let name = text(templateNode) else { return }
      guard let template = templates[name] else {
        let guess = closest(to: name, among: templates.keys.sorted())
        report(
          templateNode.location, "unknown template: \(name)", hint: guess.map { "did you mean \($0)?" })
        return
      }
      for key in ["if", "match", "scope"] {
        if let own = node[key] { report(own.location, "a rule of a template has no \(key) of its own") }
      }
      var body = template.body
      readBody(node, into: &body)
      let parameters = readParameters(node, of: template, from: nil)
      finish(
        id: id, Source(location: node.location, body: body, parameters: parameters, template: name))
    } else if node["if"] == nil, node["match"] == nil, let base = wider(scope, id) {
      readChange(node, id, of: base)
    } else {
      checkKeys(node, RuleFileReader.ruleKeys, within: "a rule")
      var body = RuleBody()
      readBody(node, into: &body)
      if body.condition == nil, body.match == nil, node["if"] == nil, node["match"] == nil {
        report(node.location, "the rule has no condition", hint: "write if: or, for item scope, match:")
      }
      finish(
        id: id, Source(location: node.location, body: body, parameters: nil, template: nil))
    }
  }

  /// The rule with this id of the mall, else of all malls, that a narrower scope may change.
  private func wider(_ scope: RuleScope?, _ id: String) -> Source? {
    guard let scope else { return nil }
    let mall = scope.shop == nil ? nil : scopes[RuleScope(mall: scope.mall)]?.ids[id]
    return mall ?? scopes[nil]?.ids[id]
  }

  /// A rule of a wider scope with some keys and parameters changed.
  private mutating func readChange(_ node: YAMLNode, _ id: String, of base: Source) {
    var body = base.body
    var parameters = base.parameters
    var keys = RuleFileReader.bodyKeys.filter { !["if", "match", "scope"].contains($0) } + ["id"]
    if base.template != nil { keys.append("params") }
    checkKeys(node, keys, within: "a change of \(id)")
    readBody(node, into: &body)
    if let name = base.template, let template = templates[name] {
      parameters = readParameters(node, of: template, from: base.parameters)
    }
    finish(
      id: id,
      Source(location: node.location, body: body, parameters: parameters, template: base.template))
  }

  private mutating func readId(_ node: YAMLNode) -> String? {
    guard let idNode = node["id"] else {
      report(node.location, "the rule has no id", hint: "ids are letters, digits, - _ .")
      return nil
    }
    return identifier(idNode)
  }

  /// The id of a rule or of a template, which gives its name to a rule.
  mutating func identifier(_ node: YAMLNode) -> String? {
    guard let id = text(node) else { return nil }
    let allowed = id.utf8.allSatisfy { byte in
      (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
        || byte == 45 || byte == 46 || byte == 95
    }
    guard !id.isEmpty, allowed, id.utf8.count <= Rule.idBytesMax else {
      report(node.location, "an id has 1 to \(Rule.idBytesMax) letters, digits, - _ .")
      return nil
    }
    return id
  }

  mutating func readBody(_ node: YAMLNode, into body: inout RuleBody) {
    if let name = optionalText(node["name"]) { body.name = name }
    if let description = optionalText(node["description"]) { body.description = description }
    if let owner = optionalText(node["owner"]) { body.owner = owner }
    if let whenNode = node["when"] { body.when = readWhen(whenNode) }
    if let source = sourceText(node["if"]) {
      body.conditionNode = source
      body.condition = parse(source)
    }
    if let source = sourceText(node["match"]) {
      body.matchNode = source
      body.match = parse(source)
    }
    if let scopeNode = node["scope"], let scope = choice(scopeNode, ["order", "item"], of: "scope") {
      if scope == "item", node["match"] == nil {
        report(scopeNode.location, "item scope needs a match", hint: "match: item.sku == \"…\"")
      }
      if scope == "order", let match = node["match"] {
        report(match.location, "order scope has no match", hint: "write scope: item")
      }
    } else if let match = node["match"], node["scope"] == nil {
      report(match.location, "match needs scope: item")
    }
    if let then = node["then"] {
      readActions(then, into: &body.actions)
      body.hasActions = true
    }
    if let otherwise = node["otherwise"] {
      var actions = Rule.Actions()
      readActions(otherwise, into: &actions)
      body.otherwise = actions
      body.hasActions = true
    }
    readLife(node, into: &body)
  }

  private mutating func readLife(_ node: YAMLNode, into body: inout RuleBody) {
    if let cancel = node["on_cancel"], let value = choice(cancel, ["withdraw", "keep"], of: "on_cancel") {
      body.keepsOnCancel = value == "keep"
    }
    if let priority = node["priority"] {
      if let value = try? priority.asInt() {
        body.priority = value
      } else {
        report(priority.location, "expected a whole number, found \(priority.kindName)")
      }
    }
    if let stop = node["stop"] {
      if let value = try? stop.asBool() {
        body.stops = value
      } else {
        report(stop.location, "expected true or false, found \(stop.kindName)")
      }
    }
    if let group = node["group"], let name = identifier(group) { body.group = name }
    if let stateNode = node["state"],
      let state = choice(stateNode, Rule.State.allCases.map(\.rawValue), of: "state")
    {
      body.state = Rule.State(rawValue: state) ?? .active
    }
    if let from = node["effective_from"] { body.effectiveFrom = instant(from) }
    if let until = node["effective_until"] { body.effectiveUntil = instant(until) }
    if let from = body.effectiveFrom, let until = body.effectiveUntil, from >= until {
      report(node.location, "effective_from is not before effective_until")
    }
  }

  static let events = [
    "order.placed", "order.paid", "order.changed", "order.canceled", "address.entered", "address.changed",
    "address.refused", "address.expired", "claim.requested", "claim.completed", "claim.refused",
    "shipment.registered", "shipment.delivered", "status.reverted",
  ]

  private mutating func readWhen(_ node: YAMLNode) -> [String] {
    guard case .sequence(let nodes) = node.content else {
      report(node.location, "expected a list of events, found \(node.kindName)")
      return []
    }
    return nodes.compactMap { choice($0, RuleFileReader.events, of: "event") }
  }

  // MARK: Checking and finishing

  private mutating func finish(id: String, _ source: Source) {
    let body = source.body
    if let first = current.ids[id]?.location {
      report(source.location, "the id is taken: \(id)", hint: "first used at \(first.file):\(first.line)")
      return
    }
    current.ids[id] = source
    let parameters = source.parameters
    let condition = check(body.condition, body.conditionNode, parameters, itemVariable: nil)
    let match = check(body.match, body.matchNode, parameters, itemVariable: "item")
    var rule = Rule(
      id: id, name: body.name.isEmpty ? id : body.name, condition: condition?.expression,
      match: match?.expression, typedMatch: match?.typed)
    rule.description = body.description
    rule.owner = body.owner
    rule.template = source.template
    rule.when = body.when.sorted(by: bytesPrecede)
    rule.actions = body.actions
    rule.keepsOnCancel = body.keepsOnCancel
    rule.priority = body.priority
    rule.state = body.state
    rule.effectiveFrom = body.effectiveFrom
    rule.effectiveUntil = body.effectiveUntil
    rule.otherwise = body.otherwise
    rule.stops = body.stops
    rule.group = body.group
    rule.buildTerms(
      typedConjuncts: condition.map { $0.expression.typedConjuncts($0.typed) } ?? [])
    if rule.terms.count > Rule.termsMax {
      report(source.location, "the conjunction has more than \(Rule.termsMax) terms")
    }
    if body.actions == Rule.Actions(), !body.hasActions {
      report(source.location, "the rule does nothing", hint: "write then: {labels: […]}")
    }
    current.rules.append(rule)
  }

  mutating func check(
    _ expression: Expression?, _ source: SourceText?, _ parameters: [String: Expression]?,
    itemVariable: String?
  ) -> (expression: Expression, typed: TypedExpression)? {
    guard var expression, let source else { return nil }
    if let parameters {
      var unknown: [Problem] = []
      expression = expression.filling(parameters, unknown: &unknown)
      report(unknown, in: source)
      if !unknown.isEmpty { return nil }
    }
    var problems: [Problem] = []
    guard let filled = conditions.filling(expression, &problems) else {
      report(problems, in: source)
      return nil
    }
    expression = filled
    switch Checker.check(expression, itemVariable: itemVariable) {
    case .success(let typed): return (expression, typed)
    case .failure(let problems):
      report(problems.list, in: source)
      return nil
    }
  }

  mutating func parse(_ source: SourceText) -> Expression? {
    switch Parser.parseProblems(source.text) {
    case .success(let expression): return expression
    case .failure(let problems):
      report(problems.list, in: source)
      return nil
    }
  }
}

extension Expression {
  /// The typed terms parallel to `conjuncts`: only an `&&` that was written is taken apart.
  func typedConjuncts(_ typed: TypedExpression) -> [TypedExpression] {
    guard case .and(let terms) = kind, case .and(let typedTerms) = typed, terms.count == typedTerms.count
    else { return [typed] }
    return zip(terms, typedTerms).flatMap { $0.typedConjuncts($1) }
  }
}
