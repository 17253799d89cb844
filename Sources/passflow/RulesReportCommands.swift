import EvaluateStage
import Files
import Pipeline
import RuleVersions
import Rules
import Stage
import Topics

/// `passflow rules backtest|shadow`: what other rules would do, without doing it.
enum RulesReportCommands {
  /// Nil: the command is another one's.
  static func main(_ arguments: [String]) -> ExitCode? {
    let rest = Array(arguments.dropFirst())
    switch arguments.first {
    case "backtest": return backtest(rest)
    case "shadow": return shadow(rest)
    default: return nil
    }
  }

  private static let timeOptions = [
    CommandOption("from", value: "TIME", "2026-10-01 or 2026-10-01T09:00:00+09:00"),
    CommandOption("to", value: "TIME", "up to this time, exclusive"),
  ]
  private static let rulesOption = CommandOption(
    "rules", value: "PATH", mayRepeat: true,
    "the rule files of the configuration, where no version is active; without it the shipped ones")

  /// Milliseconds since 1970; a date is its midnight in Seoul.
  private static func time(_ parsed: CommandArguments, _ name: String) throws -> Int64? {
    guard let text = parsed.value(name) else { return nil }
    guard let ms = BacktestTime.milliseconds(text) else {
      throw UserError("--\(name) takes a date or a time such as 2026-10-01T09:00:00+09:00, not \(text)")
    }
    return ms
  }

  /// Published versions; none when the broker has no topic for them.
  private static func registry(_ broker: BrokerAccess) throws -> RuleRegistry {
    guard let reader = try RuleRegistryReader.open(broker, topic: TopicNames().rules) else {
      return RuleRegistry()
    }
    defer { reader.close() }
    try reader.catchUp()
    return reader.registry
  }

  private static func backtest(_ arguments: [String]) -> ExitCode {
    let parser = CommandLineParser(
      [
        CommandOption(
          "orders", value: "FILE", "order events to decide; without it the broker's orders.enriched"),
        CommandOption("reference", value: "DIR", "with --orders: folder of reference files"),
        CommandOption(
          "mall", value: "ID", "the rules take the place of this mall's own, and only its orders count"),
        CommandOption("shop", value: "NUMBER", "with --mall: of that shop alone"),
        CommandOption(
          "against", value: "active|HASH|PATH", mayRepeat: true,
          "what they are compared with (active: what is in force)"),
        rulesOption,
      ] + timeOptions + BrokerOptions.all, positionalsMax: 100)
    let (parsed, code) = parse(
      arguments, parser, command: "rules backtest active|HASH|PATH…",
      about:
        "Decides recorded orders by other rules and shows what would differ from the live ones. Never acts.")
    guard let parsed else { return code }
    return guarded("rules backtest") {
      guard !parsed.positionals.isEmpty else {
        throw UserError("which rules? Give files, folders or the hash of a published version")
      }
      let base = try RuleFiles.book(parsed.values("rules"))
      let usesBroker = parsed.value("bootstrap") != nil || parsed.value("orders") == nil
      let broker = usesBroker ? try BrokerOptions.access(parsed) : nil
      let choice = RuleChoice(try broker.map { try registry($0) } ?? RuleRegistry(), base: base)
      let shop = try BrokerOptions.number(parsed, "shop", 1...Int(Int32.max), 0)
      if shop != 0, parsed.value("mall") == nil { throw UserError("--shop needs --mall") }
      let scope =
        parsed.value("mall").map { RegistryScope(mallId: $0, shopNo: Int32(clamping: shop)) } ?? .shared
      let against = parsed.values("against")
      let live = try choice.layers(against.isEmpty ? ["active"] : against, in: scope)
      let candidate = try choice.layers(parsed.positionals, in: scope)
      let (from, until) = (try time(parsed, "from"), try time(parsed, "to"))
      let backtest = Backtest(live: live, candidate: candidate, mall: scope)
      if let file = parsed.value("orders") {
        backtest.placed = (from ?? .min)..<max(until ?? .max, from ?? .min)
        let (reference, problems) = try ReferenceFiles.load(directory: parsed.value("reference"))
        for problem in problems { StandardStream.error.write("warning: \(problem)\n") }
        try BacktestSources.read(
          file: file, reference: reference, rules: candidate.sets + live.sets, into: backtest)
      } else if let broker {
        try BacktestSources.read(broker, topic: TopicNames().enriched, from: from, until: until) {
          key, value in
          if !RuleSwitchValue.isControl(key) { try backtest.add(value) }
        }
        try backtest.flush()
      }
      StandardStream.output.write(BacktestReport(backtest).text)
      return .success
    }
  }

  private static func shadow(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, CommandLineParser([rulesOption] + timeOptions + BrokerOptions.all), command: "rules shadow",
      about: "Shows what rules in state shadow would have done, from the recorded decisions.")
    guard let parsed else { return code }
    return guarded("rules shadow") {
      let broker = try BrokerOptions.access(parsed)
      let report = ShadowReport(try registry(broker), base: try RuleFiles.book(parsed.values("rules")))
      try BacktestSources.read(
        broker, topic: TopicNames().decisions, from: try time(parsed, "from"), until: try time(parsed, "to")
      ) { _, value in report.add(value) }
      StandardStream.output.write(report.text)
      return .success
    }
  }
}
