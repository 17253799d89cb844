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

  static let commands = ["run", "help"]
  static let usage = """
    Usage: passflow COMMAND [OPTIONS]

      run      the whole pipeline over a file of orders, to completion

    'passflow COMMAND --help' explains a command.

    """
}
