import Files
import RuleTools
import Stage

/// `passflow rules new`: a ready rule of a template.
enum NewRuleCommand {
  static let parser = CommandLineParser([
    CommandOption("template", value: "NAME", "the template; without it all are listed"),
    CommandOption("id", value: "ID", "id of the new rule"),
    CommandOption("set", value: "NAME=VALUE", mayRepeat: true, "a parameter"),
    CommandOption("label", value: "LABEL", mayRepeat: true, "labels in place of the template's"),
    CommandOption(
      "rules", value: "PATH", mayRepeat: true, "where templates are; without it the shipped ones"),
    CommandOption("help", "print this"),
  ])

  static func main(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, parser, command: "rules new",
      about: "Prints a rule file with a rule of a template, or lists the templates with their parameters.")
    guard let parsed else { return code }
    return guarded("rules new") {
      let draft = try RuleDraft(files: try RuleFiles.texts(parsed.values("rules")))
      guard let template = parsed.value("template") else {
        StandardStream.output.write(draft.list)
        return .success
      }
      let parameters = try parsed.values("set").map { text in
        guard let equals = text.firstIndex(of: "=") else {
          throw UserError("--set takes NAME=VALUE, not \(text)")
        }
        return (name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
      }
      StandardStream.output.write(
        try draft.rule(
          template: template, id: parsed.value("id"), parameters: parameters, labels: parsed.values("label")))
      return .success
    }
  }
}
