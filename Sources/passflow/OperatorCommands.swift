import Files
import Kafka
import Pipeline
import Stage
import Topics

/// Options that every command with a broker has.
enum BrokerOptions {
  static let all = [
    CommandOption(
      "bootstrap", value: "HOST:PORT", "the Kafka brokers; without it the environment's KAFKA_BOOTSTRAP"),
    CommandOption("help", "print this"),
  ]

  static func access(_ parsed: CommandArguments) throws -> BrokerAccess {
    let text = parsed.value("bootstrap") ?? ProcessEnvironment.current()["KAFKA_BOOTSTRAP"]
    guard let text, !text.isEmpty else {
      throw UserError("no broker: give --bootstrap HOST:PORT or set KAFKA_BOOTSTRAP")
    }
    let isEmbedded = text.hasPrefix("embedded@")
    let servers = isEmbedded ? String(text.dropFirst("embedded@".count)) : text
    return BrokerAccess(
      client: ClientSettings(bootstrap: servers, clientId: "passflow"), isEmbedded: isEmbedded)
  }

  /// A whole number of an option.
  static func number(_ parsed: CommandArguments, _ name: String, _ range: ClosedRange<Int>, _ standard: Int)
    throws
    -> Int
  {
    guard let text = parsed.value(name) else { return standard }
    guard let value = Int(text), range.contains(value) else {
      throw UserError(
        "--\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound), not \(text)")
    }
    return value
  }
}

/// Runs a command's body and turns what it throws into a message and an exit code.
func guarded(_ command: String, _ body: () throws -> ExitCode) -> ExitCode {
  do { return try body() } catch {
    StandardStream.error.write("passflow \(command): \(error)\n")
    return .failure
  }
}

enum TopicsCommand {
  static let parser = CommandLineParser(
    [
      CommandOption("partitions", value: "N", "of orders, orders.enriched and decisions (12)"),
      CommandOption("replication", value: "N", "copies of each partition (-1: the broker's default)"),
    ] + BrokerOptions.all, positionalsMax: 1)

  static func main(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, parser, command: "topics create|list",
      about: "Creates PassFlow's topics, or lists those there are.")
    guard let parsed else { return code }
    return guarded("topics") {
      let broker = try BrokerOptions.access(parsed)
      let admin = try Admin(settings: broker.client)
      defer { admin.close() }
      switch parsed.positionals.first {
      case "create":
        let plans = TopicPlans.all(
          partitions: try BrokerOptions.number(parsed, "partitions", 1...10_000, 12),
          replication: try BrokerOptions.number(parsed, "replication", -1...100, -1))
        let known = Set(try admin.createTopics(plans))
        for plan in plans {
          let note = known.contains(plan.name) ? "was there" : "created, \(plan.partitions) partitions"
          StandardStream.output.write("\(plan.name): \(note)\n")
        }
        return .success
      case "list":
        for (name, count) in try admin.topics().sorted(by: { $0.key < $1.key }) where !name.hasPrefix("__") {
          StandardStream.output.write("\(name): \(count) partitions\n")
        }
        return .success
      default:
        throw UserError("say 'topics create' or 'topics list'")
      }
    }
  }
}

enum WaitCommand {
  static let parser = CommandLineParser(
    [CommandOption("timeout", value: "SECONDS", "give up after so long (60)")] + BrokerOptions.all)

  static func main(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, parser, command: "wait",
      about: "Waits until every record that is in the pipeline now has come through to the ledger.")
    guard let parsed else { return code }
    return guarded("wait") {
      let broker = try BrokerOptions.access(parsed)
      let topics = TopicNames()
      let progress = try PipelineProgress(
        broker: broker,
        hops: [
          .init(topic: topics.orders, group: GroupNames.enrich),
          .init(topic: topics.enriched, group: GroupNames.evaluate),
          .init(topic: topics.decisions, group: GroupNames.apply),
        ])
      defer { progress.close() }
      let deadline = monotonicMs() + Int64(try BrokerOptions.number(parsed, "timeout", 1...86_400, 60)) * 1000
      var last: [PipelineProgress.Lag] = []
      let drained = try progress.waitUntilDrained(pollMs: 200) { lags in
        last = lags
        return monotonicMs() < deadline
      }
      for lag in last { StandardStream.output.write("\(lag.hop.topic): \(lag.done) of \(lag.end)\n") }
      if !drained { throw UserError("not drained in time") }
      return .success
    }
  }
}

enum LabelsCommand {
  static let parser = CommandLineParser(
    [CommandOption("out", value: "FILE", "where labels.csv goes")] + BrokerOptions.all)

  static func main(_ arguments: [String]) -> ExitCode {
    if arguments.first == "veto" { return LabelVetoCommand.main(Array(arguments.dropFirst())) }
    let (parsed, code) = parse(
      arguments, parser, command: "labels",
      about: "Writes the labels that are on the orders now, from apply's ledger, as 'passflow run' does.")
    guard let parsed else { return code }
    guard let out = parsed.value("out") else {
      StandardStream.error.write("passflow labels: option missing: --out\n")
      return .usage
    }
    return guarded("labels") {
      let count = try LedgerExport.write(broker: try BrokerOptions.access(parsed), to: out)
      StandardStream.output.write("\(count) labels on items in \(out)\n")
      return .success
    }
  }
}

enum DemoCommand {
  static let parser = CommandLineParser([
    CommandOption("orders", value: "FILE", "order events to feed"),
    CommandOption("reference", value: "DIR", "folder of reference files"),
    CommandOption("geo", value: "FILE", "an IP table in place of the folder's own, used if it is there"),
    CommandOption("work", value: "DIR", "where state and logs go (.build/demo)"),
    CommandOption("help", "print this"),
  ])

  static func main(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, parser, command: "demo",
      about: "Starts the four executables on the embedded broker, feeds orders, shows what came of it.")
    guard let parsed else { return code }
    guard let orders = parsed.value("orders"), let reference = parsed.value("reference") else {
      StandardStream.error.write(
        "passflow demo: --orders and --reference are needed; 'make demo' gives them\n")
      return .usage
    }
    var settings = DemonstrationSettings(
      orders: orders, reference: reference, work: parsed.value("work") ?? ".build/demo")
    settings.geo = parsed.value("geo")
    return guarded("demo") {
      try Demonstration(settings) { StandardStream.output.write($0) }.run()
      return .success
    }
  }
}

enum RulesCommand {
  static let parser = CommandLineParser(
    [CommandOption("help", "print this")], positionalsMax: 100)

  static func main(_ arguments: [String]) -> ExitCode {
    if let code = RulesVersionCommands.main(arguments) ?? RulesReportCommands.main(arguments) { return code }
    let (parsed, code) = parse(
      arguments, parser, command: "rules check [PATH…]",
      about: "Checks rule files and lists the rules; without a path, the shipped ones.")
    guard let parsed else { return code }
    return guarded("rules") {
      guard parsed.positionals.first == "check" else { throw UserError("say 'rules check [PATH…]'") }
      StandardStream.output.write(try RuleListing.text(Array(parsed.positionals.dropFirst())))
      return .success
    }
  }
}
