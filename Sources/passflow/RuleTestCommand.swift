import RuleTools
import Stage

/// `passflow rules test`: the tests that are written beside rules.
enum RuleTestCommand {
  static let parser = CommandLineParser(
    [
      CommandOption("verbose", "name every test"),
      CommandOption("lang", value: "ko|en", "language of the explanations (ko)"),
      CommandOption("help", "print this"),
    ], positionalsMax: 100)

  static func main(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, parser, command: "rules test [PATH…]",
      about: """
        Runs the tests in rule files (tests:) and beside them (name.test.yaml); without a path, of the shipped rules.
        Exit code 0: all passed; 1: some failed; 2: something cannot be read.
        """)
    guard let parsed else { return code }
    guard let language = Language(rawValue: parsed.value("lang") ?? "ko") else {
      StandardStream.error.write("passflow rules test: --lang takes ko or en\n")
      return .usage
    }
    var run = RuleTestRun(language: language, verbose: parsed.has("verbose"))
    do {
      for path in try RuleTestRun.paths(parsed.positionals) { try run.run(path: path) }
    } catch {
      StandardStream.output.write(run.text)
      StandardStream.error.write("passflow rules test: \(error)\n")
      return .usage
    }
    StandardStream.output.write(run.text + run.summary)
    return run.failed == 0 ? .success : .failure
  }
}
