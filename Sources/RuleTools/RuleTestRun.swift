internal import Files
internal import Orders
internal import Rules
internal import Topics
internal import YAML

/// Runs tests of rules through intake, facts and rules, in memory.
public struct RuleTestRun {
  public private(set) var passed = 0
  public private(set) var failed = 0
  public private(set) var text = ""

  private let language: Language
  private let isVerbose: Bool

  public init(language: Language = .ko, verbose: Bool = false) {
    self.language = language
    isVerbose = verbose
  }

  /// Files with tests: of `x.yaml` itself when it has some, and `x.test.yaml`; of folders all such files. Without a
  /// path: of the shipped rules.
  public static func paths(_ given: [String]) throws -> [String] {
    var paths: [String] = []
    for path in try given.isEmpty ? RuleFiles.shippedFolders() : given {
      if Files.isDirectory(path) {
        let names = Files.names(in: path).filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
        paths += names.map { "\(path)/\($0)" }.filter { RuleFiles.isTest($0) || RuleTestFile.isWithTests($0) }
      } else if RuleFiles.isTest(path) {
        paths.append(path)
      } else {
        let beside = RuleFiles.testSuffixes.map { stem(path) + $0 }.first(where: Files.exists)
        let found = (RuleTestFile.isWithTests(path) ? [path] : []) + (beside.map { [$0] } ?? [])
        guard !found.isEmpty else {
          throw UserError(
            "there are no tests of \(path)\n  hint: write tests: in it, or \(stem(path)).test.yaml beside it")
        }
        paths += found
      }
    }
    guard !paths.isEmpty else { throw UserError("no tests in \(given.joined(separator: ", "))") }
    return paths
  }

  private static func stem(_ path: String) -> String {
    for ending in [".yaml", ".yml"] where path.hasSuffix(ending) {
      return String(path.dropLast(ending.count))
    }
    return path
  }

  /// All tests of one file. Throws when it, or its rules, cannot be read.
  public mutating func run(path: String) throws {
    let file = try RuleTestFile(path: path)
    let book = try RuleFiles.book(file.rulePaths)
    var wrong = 0
    for test in file.cases {
      let faults = try faults(of: test, book, path)
      if faults.isEmpty {
        passed += 1
        if isVerbose { text += "ok    \(path):\(test.line)  \(test.name)\n" }
      } else {
        failed += 1
        wrong += 1
        text += "FAIL  \(path):\(test.line)  \(test.name)\n" + faults
      }
    }
    if !isVerbose, wrong == 0 { text += "ok    \(path)  (\(file.cases.count))\n" }
  }

  public var summary: String {
    "\(passed + failed) tests, \(passed) passed" + (failed > 0 ? ", \(failed) failed" : "") + "\n"
  }

  // MARK: One test

  private func faults(of test: RuleTestFile.Case, _ book: RuleBook, _ path: String) throws -> String {
    let set = book.ruleSet(mall: test.subject.mall, shop: test.subject.shop)
    let trial = try OrderTrial(ruleSet: set, reference: test.reference)
    do {
      for event in test.events { try event.withUnsafeBytes { _ = try trial.take($0) } }
      try trial.changeFacts(of: test.subject) { facts in
        for fact in test.facts { try GivenFacts.set(fact.name, fact.value, &facts) }
      }
    } catch let error as RefusedOrder {
      throw UserError("\(path):\(test.line): \(error)")
    }
    guard let answer = trial.decide(test.subject) else {
      throw UserError("\(path):\(test.line): the order was not decided")
    }
    return try faults(of: answer, test, path)
  }

  private func faults(of answer: OrderAnswer, _ test: RuleTestFile.Case, _ path: String) throws -> String {
    var text = ""
    var suspects: Set<String> = []
    func compare(_ name: String, _ expected: [String]?, _ got: [String]) {
      guard let expected, expected != got else { return }
      text += RuleTestRun.difference(name, expected, got)
    }
    let labels = answer.decision.labels.map(\.label).sorted(by: bytesPrecede)
    compare("labels", test.expected.labels, labels)
    if let expected = test.expected.labels, expected != labels {
      let changed = Set(expected).symmetricDifference(labels)
      for rule in answer.rules
      where !changed.isDisjoint(with: rule.rule.actions.labels + (rule.rule.otherwise?.labels ?? [])) {
        suspects.insert(rule.rule.id)
      }
    }
    compare("pending", test.expected.pending, answer.decision.pendingOn.sorted(by: bytesPrecede))
    compare("actions", test.expected.actions, answer.decision.actions.map(\.kind).sorted(by: bytesPrecede))
    for (id, outcome) in test.expected.rules {
      guard let rule = answer.rules.first(where: { $0.rule.id == id }) else {
        let guess = closestName(to: id, among: answer.rules.map(\.rule.id))
        throw UserError(
          "\(path):\(test.line): there is no rule \(id)"
            + (guess.map { "\n  hint: did you mean \($0)?" } ?? ""))
      }
      guard rule.outcome != outcome else { continue }
      text +=
        "      rule \(id): expected \(RuleTestRun.word(outcome)), got \(RuleTestRun.word(rule.outcome))\n"
      suspects.insert(id)
    }
    let words = Wording(language: language)
    for rule in answer.rules where suspects.contains(rule.rule.id) {
      text += rule.text(words).split(separator: "\n").map { "      | \($0)\n" }.joined()
    }
    return text
  }

  private static func word(_ outcome: Outcome) -> String {
    switch outcome {
    case .true: "true"
    case .false: "false"
    case .unknown: "unknown"
    }
  }

  private static func difference(_ name: String, _ expected: [String], _ got: [String]) -> String {
    var text = "      \(name)\n"
    func show(_ title: String, _ list: [String]) {
      text += "        \(title) " + (list.isEmpty ? "(none)" : list.joined(separator: ", ")) + "\n"
    }
    show("expected", expected)
    show("got     ", got)
    guard !expected.isEmpty, !got.isEmpty else { return text }
    let missing = expected.filter { !got.contains($0) }
    let extra = got.filter { !expected.contains($0) }
    if !missing.isEmpty { show("missing ", missing.map { "- \($0)" }) }
    if !extra.isEmpty { show("too many", extra.map { "+ \($0)" }) }
    return text
  }
}

/// Facts that a test gives instead of a history.
enum GivenFacts {
  static func set(_ name: String, _ node: YAMLNode, _ facts: inout FactsValue) throws {
    func number() throws -> Int64 { try wrapped { Int64(try node.asInt()) } }
    switch name {
    case "history.orders": facts.historyOrders = try number()
    case "history.amount": facts.historyAmount = try number()
    case "bundle.partners": facts.bundlePartners = try number()
    case "ip.country": facts.ipCountry = node.isNull ? "" : try wrapped { try node.asString() }
    case "customer.grade": facts.customerGrade = node.isNull ? "" : try wrapped { try node.asString() }
    case "zones":
      facts.zones = node.isNull ? [] : try wrapped { try node.asSequence().map { try $0.asString() } }
      facts.zoneMissing = node.isNull
    case "customer":
      facts.historyKnown = !node.isNull
      if node.isNull { (facts.claimCounts, facts.aggregates) = ([], []) }
      return
    default: try setClaims(name, node, &facts)
    }
    if name.hasPrefix("history.") || name == "bundle.partners" { facts.historyKnown = true }
  }

  /// A count, or whether it is overdue; false when the rules do not ask for it.
  private static func setTimed(_ name: String, _ node: YAMLNode, _ facts: inout FactsValue) throws -> Bool {
    for index in facts.timed.indices {
      let value = facts.timed[index]
      guard let kind = TimedFact.Kind(rawValue: Int(value.kind)) else { continue }
      let fact = TimedFact(kind, span: value.spanUs, code: value.code)
      guard fact.name == name else { continue }
      facts.timed[index].value =
        fact.isTruth
        ? try wrapped { try node.asBool() } ? 1 : 0 : try wrapped { Int64(try node.asInt()) }
      return true
    }
    return false
  }

  /// A measure of earlier orders, however its window is written; null: there is no such order.
  private static func setAggregate(_ name: String, _ node: YAMLNode, _ facts: inout FactsValue) throws
    -> Bool
  {
    guard let aggregate = HistoryAggregate(named: name) else { return false }
    var given = HistoryAggregateValue()
    given.measure = Int32(aggregate.measure.rawValue)
    given.spanUs = aggregate.window.spanUs
    given.months = Int32(aggregate.window.monthCount)
    given.code = aggregate.code
    if aggregate.measure.type == .timestamp {
      given.value = node.isNull ? nil : try instant(node)
    } else {
      given.value = try wrapped { Int64(try node.asInt()) }
    }
    facts.historyKnown = true
    facts.aggregates.removeAll {
      ($0.measure, $0.spanUs, $0.months) == (given.measure, given.spanUs, given.months)
        && $0.code == given.code
    }
    facts.aggregates.append(given)
    return true
  }

  private static func instant(_ node: YAMLNode) throws -> Int64 {
    guard let instant = Instant(rfc3339: try wrapped { try node.asString() }) else {
      throw UserError(
        "\(node.location): expected an instant\n  hint: for example \"2026-10-10T09:30:00+09:00\"")
    }
    return instant.microseconds
  }

  private static func setClaims(_ name: String, _ node: YAMLNode, _ facts: inout FactsValue) throws {
    let known = [
      "history.orders", "history.amount", "bundle.partners", "ip.country", "customer.grade", "zones",
    ]
    if try setTimed(name, node, &facts) { return }
    if try setAggregate(name, node, &facts) { return }
    let counts: [(String, Topics.ClaimScope)] = [
      ("history.returns(", .returns), ("history.claims(", .returnsOrExchanges),
    ]
    for (prefix, scope) in counts
    where name.hasPrefix(prefix) && name.hasSuffix(")") {
      guard let months = Int32(name.dropFirst(prefix.count).dropLast()) else { break }
      let count = try wrapped { Int64(try node.asInt()) }
      facts.historyKnown = true
      if let index = facts.claimCounts.firstIndex(where: { $0.scope == scope && $0.months == months }) {
        facts.claimCounts[index].count = count
      }
      return
    }
    let guess = closestName(to: name, among: known)
    throw UserError(
      "\(node.location): this fact cannot be given: \(name)\n  hint: "
        + (guess.map { "did you mean \($0)?" }
          ?? "give \(known.joined(separator: ", ")), history.returns(n), history.claims(n) or a measure such as history.orders(3)")
    )
  }
}
