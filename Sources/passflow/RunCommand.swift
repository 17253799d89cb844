import ApplyStage
import Glibc
import Pipeline
import Stage

/// Ends the process; output was written unbuffered.
func exitProcess(_ code: ExitCode) -> Never { exit(code.rawValue) }

/// Parses, or prints what is wrong or asked for and gives the exit code.
func parse(_ arguments: [String], _ parser: CommandLineParser, command: String, about: String)
  -> (CommandArguments?, ExitCode)
{
  do {
    let parsed = try parser.parse(arguments)
    if parsed.has("help") {
      StandardStream.output.write("Usage: passflow \(command) [OPTIONS]\n\n\(about)\n\n\(parser.help)")
      return (nil, .success)
    }
    return (parsed, .success)
  } catch {
    StandardStream.error.write("passflow \(command): \(error)\nTry 'passflow \(command) --help'.\n")
    return (nil, .usage)
  }
}

enum RunCommand {
  static let parser = CommandLineParser([
    CommandOption(
      "orders", value: "FILE", "order events, one JSON object a line (docs/orders.md); - for standard input"),
    CommandOption(
      "rules", value: "PATH", mayRepeat: true,
      "a rule file or a folder of them; without it the ten templates and the nine examples"),
    CommandOption(
      "reference", value: "DIR", "folder with any of zones.csv, lists.csv, stock.csv, holidays.csv, geo.csv"),
    CommandOption("geo", value: "FILE", "an IP table in place of the folder's geo.csv"),
    CommandOption(
      "out", value: "DIR",
      "where labels.csv, decisions.ndjson, actions.ndjson, dead-letters.ndjson and summary.json go"),
    CommandOption(
      "first-seen-shipped", value: "label|skip",
      "orders that had left before the first snapshot: label them (default) or not"),
    CommandOption("quiet", "no progress on standard error"),
    CommandOption("help", "print this"),
  ])

  static func main(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, parser, command: "run",
      about: "Runs the whole pipeline over a file of orders on the embedded broker, to completion.")
    guard let parsed else { return code }
    for name in ["orders", "out"] where parsed.value(name) == nil {
      StandardStream.error.write("passflow run: option missing: --\(name)\nTry 'passflow run --help'.\n")
      return .usage
    }
    var settings = TrialRunSettings(orders: parsed.value("orders") ?? "", out: parsed.value("out") ?? "")
    settings.rules = parsed.values("rules")
    settings.reference = parsed.value("reference")
    settings.geo = parsed.value("geo")
    settings.showsProgress = !parsed.has("quiet")
    if let text = parsed.value("first-seen-shipped") {
      guard let choice = Reconciler.FirstSeenShipped(rawValue: text) else {
        StandardStream.error.write("passflow run: --first-seen-shipped takes label or skip, not \(text)\n")
        return .usage
      }
      settings.firstSeenShipped = choice
    }
    do {
      show(try TrialRun(settings).run(), out: settings.out)
      return .success
    } catch {
      StandardStream.error.write("passflow run: \(error)\n")
      return .failure
    }
  }

  private static func show(_ summary: TrialRunSummary, out: String) {
    var text = "\(summary.read) snapshots read, \(summary.decided) decided, "
    text +=
      "\(summary.deadLettered) dead letters\(summary.deadLettered > 0 ? " (\(out)/dead-letters.ndjson)" : "")\n"
    text += "\(summary.labelRows) labels on items in \(out)/labels.csv:\n"
    for label in summary.labels { text += "  \(label.name): \(label.orders) orders, \(label.rows) items\n" }
    let seconds = Double(Int(summary.seconds * 100)) / 100
    text += "\(seconds) s, \(Int(summary.ordersPerSecond)) snapshots/s\n"
    StandardStream.output.write(text)
  }
}
