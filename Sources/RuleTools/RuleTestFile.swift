internal import Files
internal import History
internal import Orders
internal import Rules
internal import YAML

/// Tests of rules: `name.test.yaml` beside `name.yaml`, or `tests:` of the rule or template file itself (docs/rules.md).
struct RuleTestFile {
  struct Case {
    var name: String
    var line: Int
    /// Order events, in the order in which they are taken.
    var events: [[UInt8]]
    var subject: OrderTrial.OrderName
    var facts: [(name: String, value: YAMLNode)]
    var expected: Expectation
    var reference: ReferenceData
  }

  struct Expectation {
    var labels: [String]?
    var pending: [String]?
    var actions: [String]?
    /// Outcome by rule id.
    var rules: [(id: String, outcome: Outcome)] = []
  }

  let path: String
  let rulePaths: [String]
  private(set) var cases: [Case] = []

  /// Tests of one file.
  static let casesMax = 1_000
  /// Orders of one test.
  static let ordersMax = 200

  init(path: String) throws {
    self.path = path
    let root: YAMLNode
    do { root = try YAMLDocument.read(path: path).root } catch { throw UserError(error.description) }
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
      separator: "/")
    func beside(_ name: String) -> String {
      folder.isEmpty || name.hasPrefix("/") ? name : "\(folder)/\(name)"
    }
    let isSeparate = RuleFiles.isTest(path)
    guard let head = isSeparate ? root : root["tests"] else {
      throw UserError("\(path):1:1: the file has no tests:")
    }
    // Within a rule file a list of tests, or what a separate file would say.
    var tests = head
    var shared: YAMLNode?
    if case .mapping = head.content {
      try RuleTestFile.check(
        head, ["rules", "reference", "order", "tests", "description"], isSeparate ? "a test file" : "tests")
      guard let list = head["tests"] else { throw UserError("\(head.location): a test file has tests:") }
      (tests, shared) = (list, head)
    }
    if let rules = shared?["rules"] {
      rulePaths =
        (isSeparate ? [] : [path])
        + (try wrapped { try rules.asSequence().map { beside(try $0.asString()) } })
    } else {
      let suffix = RuleFiles.testSuffixes.first { path.hasSuffix($0) }
      rulePaths = [suffix.map { path.dropLast($0.count) + ".yaml" } ?? path]
    }
    let nodes = try wrapped { try tests.asSequence() }
    guard nodes.count <= RuleTestFile.casesMax else {
      throw UserError("\(tests.location): more than \(RuleTestFile.casesMax) tests")
    }
    let reference = TestReference(shared?["reference"], folder: folder)
    for node in nodes { cases.append(try RuleTestFile.read(node, base: shared?["order"], reference)) }
  }

  /// The rule or template file has tests of its own; false of one that cannot be read, which is said elsewhere.
  static func isWithTests(_ path: String) -> Bool {
    guard let root = try? YAMLDocument.read(path: path).root else { return false }
    return root["tests"] != nil
  }

  private static func read(_ node: YAMLNode, base: YAMLNode?, _ shared: TestReference) throws -> Case {
    try check(
      node, ["name", "order", "earlier", "later", "updates", "facts", "reference", "expect"], "a test")
    let name = try node["name"].map { name in try wrapped { try name.asString() } } ?? "line \(node.line)"
    var builder = TestOrders()
    try builder.merge(base)
    try builder.merge(node["order"])
    let earlier = try list(node["earlier"])
    for (index, order) in earlier.enumerated() {
      try builder.addOther(order, id: "E-\(index + 1)", minutesLater: -1440 * (earlier.count - index))
    }
    try builder.addSubject()
    for update in try list(node["updates"]) { try builder.addUpdate(update) }
    for (index, order) in try list(node["later"]).enumerated() {
      try builder.addOther(order, id: "L-\(index + 1)", minutesLater: index + 1)
    }
    guard let expect = node["expect"] else {
      throw UserError("\(node.location): the test expects nothing\n  hint: expect: {labels: [HIGH_VALUE]}")
    }
    return Case(
      name: name, line: node.line, events: builder.events, subject: builder.subject,
      facts: try wrapped { try node["facts"]?.asMapping().entries.map { ($0.key, $0.value) } ?? [] },
      expected: try expectation(expect),
      reference: try shared.adding(node["reference"]).data(at: builder.placedAt))
  }

  private static func list(_ node: YAMLNode?) throws -> [YAMLNode] {
    guard let node else { return [] }
    let nodes = try wrapped { try node.asSequence() }
    guard nodes.count <= ordersMax else { throw UserError("\(node.location): more than \(ordersMax) orders") }
    return nodes
  }

  private static func expectation(_ node: YAMLNode) throws -> Expectation {
    try check(node, ["labels", "pending", "actions", "rules"], "expect")
    func texts(_ key: String) throws -> [String]? {
      guard let list = node[key] else { return nil }
      return try wrapped { try list.asSequence().map { try $0.asString() }.sorted(by: bytesPrecede) }
    }
    var expected = Expectation(
      labels: try texts("labels"), pending: try texts("pending"), actions: try texts("actions"))
    for entry in try wrapped({ try node["rules"]?.asMapping().entries ?? [] }) {
      let outcomes: [String: Outcome] = ["true": .true, "false": .false, "unknown": .unknown]
      guard let outcome = outcomes[(try? entry.value.asString()) ?? ""] else {
        throw UserError("\(entry.value.location): expected true, false or unknown")
      }
      expected.rules.append((entry.key, outcome))
    }
    return expected
  }

  static func check(_ node: YAMLNode, _ known: [String], _ place: String) throws {
    for entry in try wrapped({ try node.asMapping().entries }) where !known.contains(entry.key) {
      let guess = closestName(to: entry.key, among: known)
      throw UserError(
        "\(entry.keyLocation): unknown key in \(place): \(entry.key)\n  hint: "
          + (guess.map { "did you mean \($0)?" } ?? "known are \(known.joined(separator: ", "))"))
    }
  }
}

/// YAML's own complaints in the words of a user's error.
func wrapped<Result>(_ body: () throws -> Result) throws -> Result {
  do { return try body() } catch let error as YAMLError { throw UserError(error.description) }
}
