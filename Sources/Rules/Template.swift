import Orders

/// A parameterised rule: a shop fills in the parameters, or takes the defaults.
public struct Template: Sendable {
  public enum ParameterType: String, Sendable, CaseIterable {
    case int, decimal, string, bool, duration, time
  }

  public struct Parameter: Sendable {
    public var name: String
    public var type: ParameterType
    public var korean: String
    /// What stands for `params.name` in a condition.
    public var value: Expression
  }

  public var id: String
  public var description: String
  public var parameters: [Parameter]
  let body: RuleBody
  /// The template is a rule of its own name when templates are installed.
  var isInstalled = true

  public static let parametersMax = 32
}

/// The fields a rule and a template share, checked for form but not yet for types.
struct RuleBody: Sendable {
  var name = ""
  var description = ""
  var owner = ""
  var when: [String] = []
  var condition: Expression?
  var conditionNode: SourceText?
  var match: Expression?
  var matchNode: SourceText?
  var actions = Rule.Actions()
  /// There is a `then`, whatever is wrong within it.
  var hasActions = false
  var otherwise: Rule.Actions?
  var stops = false
  var group = ""
  var keepsOnCancel = false
  var priority = 0
  var state = Rule.State.active
  var effectiveFrom: Instant?
  var effectiveUntil: Instant?
}

/// A text within a YAML file and where it begins.
struct SourceText: Sendable {
  var text: String
  var file: String
  var line: Int
  var column: Int

  func diagnostic(_ problem: Problem) -> Diagnostic {
    var diagnostic = Diagnostic(problem, in: text, file: file)
    diagnostic.caret = diagnostic.column
    if diagnostic.line == 1 { diagnostic.column += column - 1 }
    diagnostic.line += line - 1
    return diagnostic
  }
}

extension Expression {
  /// Every `params.x` replaced by its value; names that are no parameters come back in `unknown`.
  func filling(_ parameters: [String: Expression], unknown: inout [Problem]) -> Expression {
    if case .member(let base, let name) = kind, case .name("params") = base.kind {
      if let value = parameters[name] { return Expression(value.kind, at: offset) }
      let guess = closest(to: name, among: parameters.keys.sorted())
      unknown.append(
        Problem(
          offset: offset, message: "unknown parameter: \(name)", hint: guess.map { "did you mean \($0)?" }))
      return Expression(.bool(false), at: offset)
    }
    var found: [Problem] = []
    let result = mapChildren { $0.filling(parameters, unknown: &found) }
    unknown += found
    return result
  }
}
