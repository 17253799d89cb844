import Files
import Glibc
import Orders
import RuleTools
import Stage

/// `passflow rules lint|test|explain|new|fmt`. Other words after `rules` are not taken.
enum RuleToolCommands {
  static func main(_ arguments: [String]) -> ExitCode? {
    let rest = Array(arguments.dropFirst())
    switch arguments.first {
    case "lint": return LintCommand.main(rest)
    case "explain": return ExplainCommand.main(rest)
    case "test": return RuleTestCommand.main(rest)
    case "new": return NewRuleCommand.main(rest)
    case "fmt": return FormatRulesCommand.main(rest)
    default: return nil
    }
  }
}

enum LintCommand {
  static let parser = CommandLineParser(
    [
      CommandOption("reference", value: "DIR", "reference data: lists that rules name must be there"),
      CommandOption(
        "capabilities", value: "FILE", "what the mall supplies: capabilities: {ip: false, stock: false}"),
      CommandOption(
        "without", value: "FACT", mayRepeat: true, "a fact, or a group, that the mall does not supply"),
      CommandOption("now", value: "TIME", "the time to judge effective dates by (the clock's)"),
      CommandOption("strict", "exit code 1 when there are warnings"),
      CommandOption("json", "findings as one JSON object"),
      CommandOption("help", "print this"),
    ], positionalsMax: 100)

  static func main(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, parser, command: "rules lint [PATH…]",
      about: """
        Says what is wrong with rules or will surprise; without a path, of the shipped ones.
        Exit code 0: nothing but notes (and warnings without --strict); 1: warnings, with --strict; 2: errors.
        """)
    guard let parsed else { return code }
    do {
      var surroundings = LintSurroundings()
      if let reference = parsed.value("reference") {
        surroundings.lists = try LintSurroundings.listNames(directory: reference)
      }
      if let file = parsed.value("capabilities") {
        surroundings.unavailable = try MallCapabilities.unavailable(path: file)
      }
      for name in parsed.values("without") {
        surroundings.unavailable.insert(try MallCapabilities.fact(name, place: "--without"))
      }
      surroundings.now = try now(parsed.value("now"))
      let report = Linter.report(files: try RuleFiles.texts(parsed.positionals), surroundings)
      StandardStream.output.write(parsed.has("json") ? report.json : report.text)
      return ExitCode(rawValue: report.exitCode(strict: parsed.has("strict"))) ?? .failure
    } catch {
      StandardStream.error.write("passflow rules lint: \(error)\n")
      return .usage
    }
  }

  private static func now(_ text: String?) throws -> Instant {
    guard let text else { return Instant(microseconds: Int64(time(nil)) * 1_000_000) }
    guard let instant = Instant(rfc3339: text) else {
      throw UserError("--now takes a time with offset such as 2026-10-10T00:00:00+09:00, not \(text)")
    }
    return instant
  }
}
