import Orders
import YAML

extension RuleFileReader {
  mutating func readTemplate(_ root: YAMLNode) {
    checkKeys(
      root, RuleFileReader.bodyKeys + ["template", "parameters", "sample", "installed"], within: "a template")
    guard let idNode = root["template"], let id = identifier(idNode) else { return }
    if templates[id] != nil {
      report(idNode.location, "the template is there already: \(id)")
      return
    }
    var body = RuleBody()
    readBody(root, into: &body)
    if root["if"] == nil, root["match"] == nil {
      report(root.location, "the template has no condition", hint: "write if: or, for item scope, match:")
    }
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
    var template = Template(id: id, description: body.description, parameters: parameters, body: body)
    if let node = root["installed"], let value = choice(node, ["true", "false"], of: "installed") {
      template.isInstalled = value == "true"
    }
    templates[id] = template
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

  /// `from`: what a wider scope gave; nil: the defaults.
  mutating func readParameters(
    _ node: YAMLNode, of template: Template, from given: [String: Expression]?
  ) -> [String: Expression] {
    var filled = given ?? [:]
    if given == nil { for parameter in template.parameters { filled[parameter.name] = parameter.value } }
    guard let params = node["params"] else { return filled }
    checkKeys(params, template.parameters.map(\.name), within: "the parameters of \(template.id)")
    for parameter in template.parameters {
      if let own = params[parameter.name], let value = parameterValue(own, parameter.type) {
        filled[parameter.name] = value
      }
    }
    return filled
  }

  /// A whole number as the language has it, without asking its parser: ten thousand malls give each a few.
  private static func digits(_ text: String) -> Int64? {
    guard (1...15).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
      text.utf8.first != 48
    else { return nil }
    return Int64(text)
  }

  private mutating func parameterValue(_ node: YAMLNode, _ type: Template.ParameterType) -> Expression? {
    guard case .scalar(let text, _) = node.content else {
      report(node.location, "expected one value, found \(node.kindName)")
      return nil
    }
    switch type {
    case .int, .decimal:
      if let value = RuleFileReader.digits(text) { return Expression(.int(value)) }
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
