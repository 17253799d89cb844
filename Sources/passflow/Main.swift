import Pipeline
import Stage

@main
struct Main {
  static func main() {
    ProcessMemory.tune()
    let arguments = Array(CommandLine.arguments.dropFirst())
    let code: ExitCode
    switch arguments.first {
    case "run": code = RunCommand.main(Array(arguments.dropFirst()))
    case "demo": code = DemoCommand.main(Array(arguments.dropFirst()))
    case "topics": code = TopicsCommand.main(Array(arguments.dropFirst()))
    case "wait": code = WaitCommand.main(Array(arguments.dropFirst()))
    case "labels": code = LabelsCommand.main(Array(arguments.dropFirst()))
    case "rules":
      let rest = Array(arguments.dropFirst())
      code = RuleToolCommands.main(rest) ?? RulesCommand.main(rest)
    case "reference": code = ReferenceCommands.main(Array(arguments.dropFirst()))
    case "tap": code = TapCommand.main(Array(arguments.dropFirst()))
    case "--version":
      StandardStream.output.write("passflow \(Version.text)\n")
      code = .success
    case "--help", "help", nil:
      StandardStream.output.write(usage)
      code = arguments.isEmpty ? .usage : .success
    case .some(let name):
      let hint = Suggestion.nearest(to: name, among: commands).map { ", did you mean \($0)?" } ?? ""
      StandardStream.error.write("passflow: unknown command: \(name)\(hint)\nTry 'passflow help'.\n")
      code = .usage
    }
    exitProcess(code)
  }

  static let commands = ["run", "demo", "topics", "wait", "labels", "tap", "rules", "reference", "help"]
  static let usage = """
    Usage: passflow COMMAND [OPTIONS]

      run      the whole pipeline over a file of orders, to completion
      demo     the four executables on the embedded broker, with sample orders
      topics   create or list PassFlow's topics on a Kafka cluster
      wait     wait until everything in the pipeline has come through
      labels   the labels that are on the orders now, as a file
      rules    check, lint, test, explain, new, fmt; publish, activate, rollback, history, diff, backtest, shadow
      reference  import, activate, history, show, export: editions of zones, lists, stock, holidays, IP ranges
      tap      the records of a topic, as JSON lines without personal data

    'passflow COMMAND --help' explains a command.

    """
}
