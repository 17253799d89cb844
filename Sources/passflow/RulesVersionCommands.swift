import EvaluateStage
import Files
import Kafka
import Pipeline
import RuleVersions
import Rules
import Stage
import Topics

/// `passflow rules publish|activate|rollback|history|diff`: versions of rule sets on topic `rules`.
enum RulesVersionCommands {
  /// Nil: the command is another one's.
  static func main(_ arguments: [String]) -> ExitCode? {
    let rest = Array(arguments.dropFirst())
    switch arguments.first {
    case "publish": return publish(rest)
    case "activate": return activate(rest)
    case "rollback": return rollback(rest)
    case "history": return history(rest)
    case "diff": return diff(rest)
    default: return nil
    }
  }

  private static let scopeOptions = [
    CommandOption("mall", value: "ID", "the mall whose rules these are"),
    CommandOption("shop", value: "NUMBER", "only that shop of the mall"),
    CommandOption("shared", "the rules that all malls share"),
  ]
  private static let whoOptions = [
    CommandOption("author", value: "NAME", "who does it; without it the environment's USER"),
    CommandOption("note", value: "TEXT", "why"),
  ]

  private static func scope(_ parsed: CommandArguments, isNeeded: Bool = true) throws -> RegistryScope? {
    let shop = try BrokerOptions.number(parsed, "shop", 1...Int(Int32.max), 0)
    if parsed.has("shared") {
      guard parsed.value("mall") == nil, shop == 0 else {
        throw UserError("--shared goes without --mall and --shop")
      }
      return .shared
    }
    guard let mall = parsed.value("mall"), !mall.isEmpty else {
      if shop != 0 { throw UserError("--shop needs --mall") }
      if isNeeded { throw UserError("whose rules? Say --shared or --mall ID") }
      return nil
    }
    return RegistryScope(mallId: mall, shopNo: Int32(clamping: shop))
  }

  private static func author(_ parsed: CommandArguments) throws -> String {
    let name = parsed.value("author") ?? ProcessEnvironment.current()["USER"] ?? ""
    guard !name.isEmpty else { throw UserError("who are you? Say --author NAME") }
    return name
  }

  private static func withPublisher(_ parsed: CommandArguments, _ body: (RulePublisher) throws -> Void) throws
    -> ExitCode
  {
    let publisher = try RulePublisher(try BrokerOptions.access(parsed))
    defer { publisher.close() }
    try body(publisher)
    return .success
  }

  private static func say(_ text: String) { StandardStream.output.write(text + "\n") }

  // MARK: Commands

  private static func publish(_ arguments: [String]) -> ExitCode {
    let parser = CommandLineParser(
      scopeOptions + whoOptions + [
        CommandOption("activate", "put it in force as well"),
        CommandOption(
          "enrich-rules", value: "PATH", mayRepeat: true,
          "rule files that enrich runs with (its enrich.rules); without it the shipped ones"),
        CommandOption(
          "replaces", value: "HASH", "with --activate: only if this is in force now; none: only if nothing is"
        ),
      ] + BrokerOptions.all, positionalsMax: 100)
    let (parsed, code) = parse(
      arguments, parser, command: "rules publish PATH…",
      about: "Checks rule files and publishes them as a version, which never changes again.")
    guard let parsed else { return code }
    return guarded("rules publish") {
      guard !parsed.positionals.isEmpty else { throw UserError("which rules? Give files or folders") }
      let author = try author(parsed)
      let scope = try scope(parsed, isNeeded: parsed.has("activate"))
      // Everything wrong is told before the broker is asked for anything.
      let set = try RuleFiles.load(parsed.positionals)
      try warnOfUnknown(set, enrich: parsed.values("enrich-rules"), try BrokerOptions.access(parsed))
      let files = try RuleFiles.texts(parsed.positionals)
      return try withPublisher(parsed) { publisher in
        let (version, wasThere) = try publisher.publish(
          files, author: author, note: parsed.value("note") ?? "")
        say("\(version.hash)\(wasThere ? " (was there already, by \(version.author))" : " published")")
        guard parsed.has("activate"), let scope else { return }
        try activate(version.hash, scope, author, parsed, publisher)
      }
    }
  }

  /// An enrich that does not follow published rules computes what its own files ask for: what else a version asks for
  /// would be unknown for every order.
  private static func warnOfUnknown(_ set: RuleSet, enrich paths: [String], _ broker: BrokerAccess) throws {
    let unknown = set.demand.beyond(try RuleFiles.book(paths).demand)
    guard !unknown.isEmpty else { return }
    if let progress = try DemandProgress.read(broker), !progress.isEmpty { return }
    if try hasNoOrders(broker) {
      return say(
        "whether enrich follows published rules it says with its first orders: `passflow rules history` shows it"
      )
    }
    StandardStream.error.write(
      """
      warning: no enrich has said that it follows published rules (enrich.rules_source: topic), and its files do not \
      ask for \(unknown.joined(separator: ", ")): rules that need it stay unknown for every order until it does, or \
      until files that name it are in enrich.rules and enrich was started again\
      \(paths.isEmpty ? " (--enrich-rules PATH says which files those are; these are the shipped ones)" : "")

      """)
  }

  /// Nothing has ever come: no enrich has had anything to say.
  private static func hasNoOrders(_ broker: BrokerAccess) throws -> Bool {
    let admin = try Admin(settings: broker.client)
    defer { admin.close() }
    let orders = TopicNames().orders
    for partition in 0..<(try admin.topics()[orders] ?? 0) {
      let place = TopicPartition(orders, Int32(truncatingIfNeeded: partition))
      if try admin.watermarks(place, isolation: .readUncommitted).high > 0 { return false }
    }
    return true
  }

  private static func activate(
    _ hash: String, _ scope: RegistryScope, _ author: String, _ parsed: CommandArguments,
    _ publisher: RulePublisher
  ) throws {
    let done = try publisher.activate(
      hash, in: scope, author: author, note: parsed.value("note") ?? "", replacing: parsed.value("replaces"))
    say(
      "no \(done.number) in \(scope): \(RulePublisher.short(hash)) in place of \(RulePublisher.short(done.replaces))"
    )
  }

  private static func activate(_ arguments: [String]) -> ExitCode {
    let parser = CommandLineParser(
      scopeOptions + whoOptions + [
        CommandOption("replaces", value: "HASH", "only if this is in force now; none: only if nothing is")
      ] + BrokerOptions.all, positionalsMax: 1)
    let (parsed, code) = parse(
      arguments, parser, command: "rules activate HASH|none",
      about: "Puts a published version in force. Every partition switches at a recorded position.")
    guard let parsed else { return code }
    return guarded("rules activate") {
      guard let prefix = parsed.positionals.first else { throw UserError("which version? Give its hash") }
      guard let scope = try scope(parsed) else { return .usage }
      let author = try author(parsed)
      return try withPublisher(parsed) { publisher in
        try activate(try publisher.hash(beginning: prefix), scope, author, parsed, publisher)
      }
    }
  }

  private static func rollback(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, CommandLineParser(scopeOptions + whoOptions + BrokerOptions.all), command: "rules rollback",
      about: "Puts back what was in force before the version that is now.")
    guard let parsed else { return code }
    return guarded("rules rollback") {
      guard let scope = try scope(parsed) else { return .usage }
      let author = try author(parsed)
      return try withPublisher(parsed) { publisher in
        let done = try publisher.rollback(scope, author: author, note: parsed.value("note") ?? "")
        say(
          "no \(done.number) in \(scope): \(RulePublisher.short(done.hash)) is back in place of "
            + RulePublisher.short(done.replaces))
      }
    }
  }

  private static func history(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, CommandLineParser(scopeOptions + BrokerOptions.all), command: "rules history",
      about: "Lists which version was in force from when to when, and by whom.")
    guard let parsed else { return code }
    return guarded("rules history") {
      let scope = try scope(parsed, isNeeded: false)
      return try withPublisher(parsed) { publisher in
        StandardStream.output.write(RuleHistory.text(publisher.registry, scope: scope))
        let end = publisher.registry.activationsEnd
        if end > 0, let progress = try DemandProgress.read(try BrokerOptions.access(parsed)) {
          say(progress.text(end))
        }
      }
    }
  }

  private static func diff(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, CommandLineParser(BrokerOptions.all, positionalsMax: 2),
      command: "rules diff HASH|PATH HASH|PATH",
      about: "Shows what differs between two versions, published or in files, rule by rule.")
    guard let parsed else { return code }
    return guarded("rules diff") {
      guard parsed.positionals.count == 2 else { throw UserError("give two versions, each by hash or path") }
      let sets = try parsed.positionals.map { try ruleSet($0, parsed) }
      let text = RuleDiff.text(sets[0], sets[1])
      StandardStream.output.write(text.isEmpty ? "no difference\n" : text)
      return .success
    }
  }

  /// Of a path, else of a published version.
  private static func ruleSet(_ name: String, _ parsed: CommandArguments) throws -> RuleSet {
    if Files.exists(name) { return try RuleFiles.load([name]) }
    let publisher = try RulePublisher(try BrokerOptions.access(parsed))
    defer { publisher.close() }
    let hash = try publisher.hash(beginning: name)
    guard let version = publisher.registry.versions[hash] else {
      throw UserError("which version? Give its hash")
    }
    switch RuleCatalogue.compiled(version) {
    case .success(let set): return set
    case .failure(let refusal): throw UserError("\(RulePublisher.short(hash)): \(refusal)")
    }
  }
}
