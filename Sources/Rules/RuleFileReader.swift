import Orders
import YAML

/// Reads rule and template files. Everything wrong in all of them comes back at once.
struct RuleFileReader {
  private(set) var diagnostics: [Diagnostic] = []
  private(set) var templates: [String: Template] = [:]
  private(set) var rules: [Rule] = []
  private var ids: [String: YAMLLocation] = [:]
  private var templateIds: [(id: String, node: YAMLNode)] = []

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
    var roots: [YAMLNode] = []
    for file in files {
      do throws(YAMLError) {
        roots.append(try YAMLDocument.parse(file.text, file: file.path).root)
      } catch {
        report(error.location, error.message)
      }
    }
    for root in roots where root["template"] != nil && root["rules"] == nil { readTemplate(root) }
    for root in roots where !(root["template"] != nil && root["rules"] == nil) { readRules(root) }
    guard installsTemplates else { return }
    for (id, node) in templateIds { install(templates[id], node) }
  }

  private mutating func install(_ template: Template?, _ node: YAMLNode) {
    guard let template else { return }
    var filled: [String: Expression] = [:]
    for parameter in template.parameters { filled[parameter.name] = parameter.value }
    finish(id: template.id, body: template.body, parameters: filled, template: template.id, at: node.location)
  }

  private mutating func readRules(_ root: YAMLNode) {
    guard let list = root["rules"] else {
      report(root.location, "expected rules: with a list, or a template", hint: "begin the file with rules:")
      return
    }
    checkKeys(root, ["rules", "version", "note", "author"], within: "a rule file")
    guard case .sequence(let nodes) = list.content else {
      report(list.location, "expected a list of rules, found \(list.kindName)")
      return
    }
    for node in nodes {
      if rules.count >= RuleSet.rulesMax {
        report(node.location, "more than \(RuleSet.rulesMax) rules")
        return
      }
      readRule(node)
    }
  }

  // MARK: One rule

  static let bodyKeys = [
    "name", "description", "owner", "when", "if", "match", "scope", "then", "on_cancel", "priority", "state",
    "effective_from", "effective_until",
  ]

  private mutating func readRule(_ node: YAMLNode) {
    guard case .mapping = node.content else {
      report(node.location, "expected a rule, found \(node.kindName)")
      return
    }
    guard let id = readId(node) else { return }
    if let templateNode = node["template"] {
      checkKeys(node, RuleFileReader.bodyKeys + ["id", "template", "params"], within: "a rule of a template")
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
      finish(
        id: id, body: body, parameters: readParameters(node, of: template), template: name, at: node.location)
    } else {
      checkKeys(node, RuleFileReader.bodyKeys + ["id"], within: "a rule")
      var body = RuleBody()
      readBody(node, into: &body)
      if body.condition == nil, body.match == nil, node["if"] == nil, node["match"] == nil {
        report(node.location, "the rule has no condition", hint: "write if: or, for item scope, match:")
      }
      finish(id: id, body: body, parameters: nil, template: nil, at: node.location)
    }
  }

  private mutating func readId(_ node: YAMLNode) -> String? {
    guard let idNode = node["id"] else {
      report(node.location, "the rule has no id", hint: "ids are letters, digits, - _ .")
      return nil
    }
    return identifier(idNode)
  }

  /// The id of a rule or of a template, which gives its name to a rule.
  private mutating func identifier(_ node: YAMLNode) -> String? {
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

  private mutating func readBody(_ node: YAMLNode, into body: inout RuleBody) {
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

  private mutating func finish(
    id: String, body: RuleBody, parameters: [String: Expression]?, template: String?,
    at location: YAMLLocation
  ) {
    if let first = ids[id] {
      report(location, "the id is taken: \(id)", hint: "first used at \(first.file):\(first.line)")
      return
    }
    ids[id] = location
    let condition = check(body.condition, body.conditionNode, parameters, itemVariable: nil)
    let match = check(body.match, body.matchNode, parameters, itemVariable: "item")
    var rule = Rule(
      id: id, name: body.name.isEmpty ? id : body.name, condition: condition?.expression,
      match: match?.expression, typedMatch: match?.typed)
    rule.description = body.description
    rule.owner = body.owner
    rule.template = template
    rule.when = body.when.sorted(by: bytesPrecede)
    rule.actions = body.actions
    rule.keepsOnCancel = body.keepsOnCancel
    rule.priority = body.priority
    rule.state = body.state
    rule.effectiveFrom = body.effectiveFrom
    rule.effectiveUntil = body.effectiveUntil
    rule.buildTerms(
      typedConjuncts: condition.map { $0.expression.typedConjuncts($0.typed) } ?? [])
    if rule.terms.count > Rule.termsMax {
      report(location, "the conjunction has more than \(Rule.termsMax) terms")
    }
    if body.actions == Rule.Actions(), !body.hasActions {
      report(location, "the rule does nothing", hint: "write then: {labels: […]}")
    }
    rules.append(rule)
  }

  private mutating func check(
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
    switch Checker.check(expression, itemVariable: itemVariable) {
    case .success(let typed): return (expression, typed)
    case .failure(let problems):
      report(problems.list, in: source)
      return nil
    }
  }

  private mutating func parse(_ source: SourceText) -> Expression? {
    switch Parser.parseProblems(source.text) {
    case .success(let expression): return expression
    case .failure(let problems):
      report(problems.list, in: source)
      return nil
    }
  }

  // MARK: Templates

  private mutating func readTemplate(_ root: YAMLNode) {
    checkKeys(
      root, RuleFileReader.bodyKeys + ["template", "parameters", "sample"], within: "a template")
    guard let idNode = root["template"], let id = identifier(idNode) else { return }
    if templates[id] != nil {
      report(idNode.location, "the template is there already: \(id)")
      return
    }
    var body = RuleBody()
    readBody(root, into: &body)
    var parameters: [Template.Parameter] = []
    if let node = root["parameters"] {
      if case .mapping(let mapping) = node.content {
        for entry in mapping.entries.prefix(Template.parametersMax) {
          if let parameter = readParameter(entry) { parameters.append(parameter) }
        }
      } else {
        report(node.location, "expected parameters by name, found \(node.kindName)")
      }
    }
    templates[id] = Template(id: id, description: body.description, parameters: parameters, body: body)
    templateIds.append((id, root))
  }

  private mutating func readParameter(_ entry: YAMLEntry) -> Template.Parameter? {
    let node = entry.value
    checkKeys(node, ["type", "default", "description"], within: "a parameter")
    guard let typeNode = node["type"],
      let typeName = choice(typeNode, Template.ParameterType.allCases.map(\.rawValue), of: "type"),
      let type = Template.ParameterType(rawValue: typeName), let valueNode = node["default"]
    else {
      report(entry.keyLocation, "a parameter needs a type and a default")
      return nil
    }
    guard let value = parameterValue(valueNode, type) else { return nil }
    return Template.Parameter(
      name: entry.key, type: type, korean: optionalText(node["description"]) ?? "", value: value)
  }

  private mutating func readParameters(_ node: YAMLNode, of template: Template) -> [String: Expression] {
    var filled: [String: Expression] = [:]
    for parameter in template.parameters { filled[parameter.name] = parameter.value }
    guard let params = node["params"] else { return filled }
    checkKeys(params, template.parameters.map(\.name), within: "the parameters of \(template.id)")
    for parameter in template.parameters {
      if let own = params[parameter.name], let value = parameterValue(own, parameter.type) {
        filled[parameter.name] = value
      }
    }
    return filled
  }

  private mutating func parameterValue(_ node: YAMLNode, _ type: Template.ParameterType) -> Expression? {
    guard case .scalar(let text, _) = node.content else {
      report(node.location, "expected one value, found \(node.kindName)")
      return nil
    }
    switch type {
    case .int, .decimal:
      if case .success(let expression) = Parser.parseProblems(text) {
        switch expression.kind {
        case .int: return expression
        case .decimal where type == .decimal: return expression
        default: break
        }
      }
    case .bool: if let value = try? node.asBool() { return Expression(.bool(value)) }
    case .string: return Expression(.string(.init(text)))
    case .time: if Checker.timeOfDay(text) != nil { return Expression(.string(.init(text))) }
    case .duration:
      if Checker.duration(text) != nil {
        return Expression(
          .call(receiver: nil, function: "duration", arguments: [Expression(.string(.init(text)))]))
      }
    }
    report(node.location, "expected a value of type \(type.rawValue)", hint: "found \(node.kindName)")
    return nil
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
