import Files
import History
import Kafka
import Orders
import ReferenceEditions
import Stage
import Topics

/// `passflow reference import|history|show|activate|export`: editions of reference data on topic `reference`.
enum ReferenceCommands {
  static func main(_ arguments: [String]) -> ExitCode {
    let rest = Array(arguments.dropFirst())
    switch arguments.first {
    case "import": return importFiles(rest)
    case "history": return history(rest)
    case "show": return show(rest)
    case "activate": return activate(rest)
    case "export": return export(rest)
    case "--help", nil:
      StandardStream.output.write(usage)
      return arguments.isEmpty ? .usage : .success
    case .some(let name):
      StandardStream.error.write("passflow reference: unknown command: \(name)\n" + usage)
      return .usage
    }
  }

  private static let usage = """
    Usage: passflow reference COMMAND [OPTIONS]

      passflow reference import    check files and bring them to the broker as an edition, which never changes again
      passflow reference activate  put an edition in force: each partition of orders goes over at a recorded position
      passflow reference history   which edition was in force from when on, and by whom
      passflow reference show      what an edition consists of
      passflow reference export    the files of an edition, for 'passflow run --reference'

    """

  private static let whoOptions = [
    CommandOption("author", value: "NAME", "who does it; without it the environment's USER"),
    CommandOption("note", value: "TEXT", "why"),
  ]

  private static func author(_ parsed: CommandArguments) throws -> String {
    let name = parsed.value("author") ?? ProcessEnvironment.current()["USER"] ?? ""
    guard !name.isEmpty else { throw UserError("who are you? Say --author NAME") }
    return name
  }

  private static func say(_ text: String) { StandardStream.output.write(text + "\n") }

  private static func short(_ hash: String) -> String {
    hash.isEmpty ? "none (the files of enrich's configuration)" : String(hash.prefix(12))
  }

  private static func withPublisher(_ parsed: CommandArguments, _ body: (ReferencePublisher) throws -> Void)
    throws -> ExitCode
  {
    let publisher = try ReferencePublisher(try BrokerOptions.access(parsed))
    defer { publisher.close() }
    try body(publisher)
    return .success
  }

  // MARK: Files

  /// A folder's files by their names, a file by its name, or KIND=FILE.
  static func files(_ paths: [String]) throws -> [ReferencePublisher.File] {
    let names = ReferenceKind.allCases.map(\.fileName).joined(separator: ", ")
    var files: [ReferencePublisher.File] = []
    func add(_ kind: ReferenceKind, _ path: String) throws {
      guard let bytes = Files.read(path) else { throw UserError("cannot read \(path)") }
      files.append(ReferencePublisher.File(kind, name: path, bytes: bytes))
    }
    for path in paths {
      if Files.isDirectory(path) {
        let found = ReferenceKind.allCases.filter { Files.exists("\(path)/\($0.fileName)") }
        guard !found.isEmpty else {
          throw UserError("no reference file in \(path): expected some of \(names)")
        }
        for kind in found { try add(kind, "\(path)/\(kind.fileName)") }
      } else if let sign = path.firstIndex(of: "="), let kind = ReferenceKind(named: path[..<sign]) {
        try add(kind, String(path[path.index(after: sign)...]))
      } else if let kind = ReferenceKind.allCases.first(where: {
        path.split(separator: "/").last.map(String.init) == $0.fileName
      }) {
        try add(kind, path)
      } else {
        throw UserError("what is \(path)? Its name is none of \(names): say for example geo=\(path)")
      }
    }
    guard !files.isEmpty else { throw UserError("which files? Give files, folders or KIND=FILE") }
    return files
  }

  // MARK: Commands

  private static func importFiles(_ arguments: [String]) -> ExitCode {
    let parser = CommandLineParser(
      whoOptions + [
        CommandOption("activate", "put it in force as well"),
        CommandOption(
          "base", value: "HASH", "the edition whose other files it keeps; without it the one in force"),
        CommandOption(
          "keep-days", value: "N", "levels of stock older than the newest by more days are left out (31)"),
        CommandOption("leave-out", "leave wrong lines out; without it a single one refuses the import"),
        CommandOption("check", "only say what is wrong; asks no broker"),
      ] + BrokerOptions.all, positionalsMax: 100)
    let (parsed, code) = parse(
      arguments, parser, command: "reference import FILE|FOLDER|KIND=FILE…",
      about: "Checks reference files and brings them to the broker as an edition.")
    guard let parsed else { return code }
    return guarded("reference import") {
      let files = try files(parsed.positionals)
      // Everything wrong is told before the broker is asked for anything.
      let problems = ReferencePublisher.problems(files)
      guard problems.isEmpty || parsed.has("leave-out") else { throw ReferenceProblems(problems) }
      if parsed.has("check") {
        for problem in problems { say("left out: \(problem)") }
        say("\(files.count) files can be imported")
        return .success
      }
      let author = try author(parsed)
      let keptDays = try BrokerOptions.number(parsed, "keep-days", 1...3_650, 31)
      return try withPublisher(parsed) { publisher in
        let parent = try parsed.value("base").map { try publisher.hash(beginning: $0) } ?? publisher.current
        let done = try publisher.publish(
          files, parent: parent, author: author, note: parsed.value("note") ?? "", keptDays: keptDays,
          leavesOut: parsed.has("leave-out"))
        for line in done.leftOut { say("left out: \(line)") }
        say(
          "\(done.edition.hash)\(done.wasThere ? " (was there already, by \(done.edition.author))" : " imported")"
        )
        if parsed.has("activate") { try activate(done.edition.hash, author, parsed, publisher) }
      }
    }
  }

  private static func activate(
    _ hash: String, _ author: String, _ parsed: CommandArguments, _ publisher: ReferencePublisher
  ) throws {
    let done = try publisher.activate(hash, author: author, note: parsed.value("note") ?? "")
    say("no \(done.number): \(short(done.hash)) in place of \(short(done.replaces))")
  }

  private static func activate(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, CommandLineParser(whoOptions + BrokerOptions.all, positionalsMax: 1),
      command: "reference activate HASH|none",
      about: "Puts an imported edition in force. Every partition goes over at a recorded position.")
    guard let parsed else { return code }
    return guarded("reference activate") {
      guard let prefix = parsed.positionals.first else { throw UserError("which edition? Give its hash") }
      let author = try author(parsed)
      return try withPublisher(parsed) { publisher in
        try activate(try publisher.hash(beginning: prefix), author, parsed, publisher)
      }
    }
  }

  private static func history(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, CommandLineParser(BrokerOptions.all), command: "reference history",
      about: "Lists which edition was in force from when on, and by whom; then editions that never were.")
    guard let parsed else { return code }
    return guarded("reference history") {
      try withPublisher(parsed) { StandardStream.output.write(text(of: $0.registry)) }
    }
  }

  private static func text(of registry: ReferenceRegistry) -> String {
    if registry.editions.isEmpty, registry.activations.isEmpty { return "nothing was ever imported\n" }
    var lines = registry.activations.map { one in
      "no \(one.number)  \(one.at.rfc3339())  \(short(one.hash))  \(one.author)"
        + (one.note.isEmpty ? "" : "  \(one.note)")
    }
    let used = Set(registry.activations.map(\.hash))
    let others = registry.editions.values.filter { !used.contains($0.hash) }
      .sorted { ($0.createdAt, $0.hash) < ($1.createdAt, $1.hash) }
    for one in others {
      lines.append(
        "never in force  \(one.createdAt.rfc3339())  \(short(one.hash))  \(one.author)"
          + (one.note.isEmpty ? "" : "  \(one.note)"))
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func edition(_ parsed: CommandArguments, _ publisher: ReferencePublisher) throws
    -> ReferenceEditionValue
  {
    let hash = try parsed.positionals.first.map { try publisher.hash(beginning: $0) } ?? publisher.current
    guard let edition = publisher.registry.editions[hash] else {
      throw UserError("no edition is in force: the files of enrich's configuration are")
    }
    return edition
  }

  private static func show(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, CommandLineParser(BrokerOptions.all, positionalsMax: 1), command: "reference show [HASH]",
      about: "Shows what an edition consists of; without HASH the one in force.")
    guard let parsed else { return code }
    return guarded("reference show") {
      try withPublisher(parsed) { publisher in
        let edition = try edition(parsed, publisher)
        say("edition \(edition.hash)")
        say(
          "by \(edition.author) at \(edition.createdAt.rfc3339())\(edition.note.isEmpty ? "" : ": \(edition.note)")"
        )
        if !edition.parent.isEmpty { say("made from \(edition.parent)") }
        for file in edition.files {
          let state = publisher.registry.isWhole(file) ? "" : "  INCOMPLETE"
          say("\(file.kind)  \(file.name)  \(file.bytes) bytes  \(file.hash.prefix(12))\(state)")
        }
      }
    }
  }

  private static func export(_ arguments: [String]) -> ExitCode {
    let options =
      [CommandOption("out", value: "DIR", "where to; made if it is not there")] + BrokerOptions.all
    let (parsed, code) = parse(
      arguments, CommandLineParser(options, positionalsMax: 1), command: "reference export [HASH] --out DIR",
      about: "Writes the files of an edition, as 'passflow run --reference DIR' and 'explain' take them.")
    guard let parsed else { return code }
    return guarded("reference export") {
      guard let out = parsed.value("out") else { throw UserError("where to? Say --out DIR") }
      return try withPublisher(parsed) { publisher in
        let edition = try edition(parsed, publisher)
        try Files.makeDirectory(out)
        for kind in ReferenceKind.allCases {
          let files = edition.files.filter { $0.kind == kind.name }
          if files.isEmpty { continue }
          guard kind == .geo || files.count == 1 else {
            throw UserError(
              "the edition has \(files.count) files of \(kind.name), which cannot be put into one")
          }
          var bytes: [UInt8] = []
          for file in files {
            if let last = bytes.last, last != 10 { bytes.append(10) }
            bytes += try publisher.bytes(of: file)
          }
          try Files.write(bytes, to: "\(out)/\(kind.fileName)")
          say("\(out)/\(kind.fileName)")
        }
      }
    }
  }
}
