internal import Files
internal import Orders
internal import Rules

/// Ready rules made from templates, for `rules new`.
public struct RuleDraft {
  private let templates: [Template]
  private let files: [(path: String, text: String)]

  /// Templates of some files and folders. Throws when they cannot be read.
  public init(files: [(path: String, text: String)]) throws {
    self.files = files
    let (_, templates, problems) = RuleBook.examine(files: files)
    if let first = problems.first { throw UserError(first.description) }
    self.templates = templates
  }

  /// Every template with what it says and its parameters.
  public var list: String {
    templates.map { template in
      var text = "\(template.id)  \(template.korean)\n    \(template.description)\n"
      for parameter in template.parameters {
        text +=
          "    \(parameter.name): \(parameter.type.rawValue) = \(RuleDraft.shown(parameter.value, parameter.type))"
        text += parameter.korean.isEmpty ? "\n" : "  \(parameter.korean)\n"
      }
      return text
    }.joined()
  }

  /// A rule file with one rule of a template. `parameters`: name and value as typed; `labels`: none takes the
  /// template's. Throws for what does not fit, with the names that would.
  public func rule(
    template name: String, id: String?, parameters: [(name: String, value: String)], labels: [String] = []
  ) throws -> String {
    guard let template = templates.first(where: { $0.id == name }) else {
      let guess = closestName(to: name, among: templates.map(\.id))
      throw UserError(
        "unknown template: \(name)\n  hint: "
          + (guess.map { "did you mean \($0)?" } ?? "there are \(templates.map(\.id).joined(separator: ", "))")
      )
    }
    let known = template.parameters.map(\.name)
    for parameter in parameters where !known.contains(parameter.name) {
      let guess = closestName(to: parameter.name, among: known)
      throw UserError(
        "\(name) has no parameter \(parameter.name)\n  hint: "
          + (guess.map { "did you mean \($0)?" }
            ?? (known.isEmpty ? "it has none" : "it has \(known.joined(separator: ", "))")))
    }
    let text = RuleDraft.text(template, id: id ?? RuleDraft.id(of: name), parameters, labels)
    try check(text)
    return text
  }

  /// What is printed can be used: the same reader reads it.
  private func check(_ text: String) throws {
    let (_, _, problems) = RuleBook.examine(files: files + [("new.yaml", text)])
    if let problem = problems.first { throw UserError(problem.description) }
  }

  private static func id(of template: String) -> String {
    String(template.lowercased().map { $0 == "_" ? "-" : $0 }) + "-own"
  }

  private static func text(
    _ template: Template, id: String, _ parameters: [(name: String, value: String)], _ labels: [String]
  ) -> String {
    var text = "# \(template.id): \(oneLine(template.description))\n"
    if let condition = template.conditionText { text += "#   \(oneLine(condition))\n" }
    text += "rules:\n  - id: \(id)\n    template: \(template.id)\n"
    text += "    name: \(YAMLText.scalar(template.korean.isEmpty ? id : template.korean))\n"
    text += "    state: active  # draft, shadow (decides, does nothing), active, retired\n"
    if !template.parameters.isEmpty {
      text += "    params:\n"
      for parameter in template.parameters {
        let standard = shown(parameter.value, parameter.type)
        let given = parameters.last { $0.name == parameter.name }.map { value($0.value, parameter.type) }
        text += "      \(parameter.name): \(given ?? standard)  # \(parameter.type.rawValue)"
        text += parameter.korean.isEmpty ? "" : ", \(oneLine(parameter.korean))"
        text += given == nil ? "\n" : "; default \(standard)\n"
      }
    }
    var actions = template.actions
    if !labels.isEmpty { actions.labels = labels }
    text += "    then:\n      labels: [\(actions.labels.map(YAMLText.flowScalar).joined(separator: ", "))]\n"
    if actions.alertChannel != nil || actions.alertText != nil {
      text += "      alert: {channel: \(YAMLText.flowScalar(actions.alertChannel ?? "default"))"
      text += ", text: \(YAMLText.flowScalar(actions.alertText ?? ""))}\n"
    }
    if actions.gift { text += "      gift: true\n" }
    if let mark = actions.mark {
      let team = actions.markTeam.map { ", team: \(YAMLText.flowScalar($0))" }
      text += "      mark: "
      text +=
        team.map { "{name: \(YAMLText.flowScalar(mark))\($0)}\n" } ?? "\(YAMLText.scalar(mark))\n"
    }
    if let hold = actions.hold { text += "      hold: \(YAMLText.scalar(hold))\n" }
    if let memo = actions.memo { text += "      memo: \(YAMLText.scalar(memo))\n" }
    if actions.surcharge { text += "      surcharge: true\n" }
    if actions.stockAlert { text += "      stock_alert: true\n" }
    text +=
      "    on_cancel: \(template.keepsOnCancel ? "keep" : "withdraw")  # withdraw or keep, when the order is cancelled\n"
    return text
  }

  private static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: { $0 == "\n" || $0 == "\r" }).joined(separator: " ")
  }

  private static func value(_ text: String, _ type: Template.ParameterType) -> String {
    switch type {
    case .int, .decimal, .bool, .duration: YAMLText.scalar(text)
    case .string, .time: YAMLText.quoted(text)
    }
  }

  private static func shown(_ value: Expression, _ type: Template.ParameterType) -> String {
    switch value.kind {
    case .string(let text): YAMLText.quoted(text.text)
    case .call(_, _, let arguments):
      if case .string(let text)? = arguments.first?.kind { text.text } else { value.description }
    default: value.description
    }
  }
}

/// Texts as YAML writes them.
enum YAMLText {
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        let isPrintable =
          scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) && scalar.value != 0xFEFF
          && scalar.value != 0x2028 && scalar.value != 0x2029
        if isPrintable {
          result.unicodeScalars.append(scalar)
        } else {
          let digits = String(scalar.value, radix: 16, uppercase: true)
          result += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
      }
    }
    return result + "\""
  }

  /// Plain where YAML reads it back as the same text, else in quotes.
  static func scalar(_ text: String) -> String { isPlain(text) ? text : quoted(text) }
  static func flowScalar(_ text: String) -> String {
    isPlain(text) && !text.contains(where: { ",[]{}".contains($0) }) ? text : quoted(text)
  }

  /// Cautious: not everything that YAML would allow.
  static func isPlain(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last, text.utf8.count <= 400
    else {
      return false
    }
    if first == " " || last == " " || last == ":" || "-?:,[]{}#&*!|>'\"%@`=~".unicodeScalars.contains(first) {
      return false
    }
    if text.contains(": ") || text.contains(" #") || text == "---" || text == "..." { return false }
    return text.unicodeScalars.allSatisfy { scalar in
      scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) && scalar.value != 0xFEFF
        && scalar.value != 0x2028 && scalar.value != 0x2029 && scalar.value != 0x85
    }
  }
}
