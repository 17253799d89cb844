import Files
import Glibc
import History
import Rules

/// A folder of `Fixtures`.
struct Scenario: Sendable {
  let name: String
  let events: [[UInt8]]
  let expected: String
  /// Nil: not looked at.
  let actions: [String]?
  let rules: RuleSet
  let reference: ReferenceData

  static let root = String(#filePath.prefix(upTo: #filePath.range("/Tests/ScenarioTests")))
  static let fixtures = root + "/Tests/ScenarioTests/Fixtures"
  private static let shipped = Result {
    try RuleFiles.load([root + "/config/templates", root + "/config/rules"])
  }
  private static let common = Result { try ReferenceFiles.load(directory: fixtures + "/reference").0 }

  static let names = Files.names(in: fixtures).filter { Files.exists("\(fixtures)/\($0)/orders.ndjson") }

  init(_ name: String) throws {
    let folder = "\(Scenario.fixtures)/\(name)"
    self.name = name
    events = try Scenario.text(folder + "/orders.ndjson").split(separator: "\n").map { Array($0.utf8) }
    expected = try Scenario.text(folder + "/expected.csv")
    actions =
      Files.exists(folder + "/actions.txt")
      ? try Scenario.text(folder + "/actions.txt").split(separator: "\n").map(String.init) : nil
    let ownRules = folder + "/rules.yaml"
    rules = Files.exists(ownRules) ? try RuleFiles.load([ownRules]) : try Scenario.shipped.get()
    let ownReference = folder + "/reference"
    reference =
      Files.isDirectory(ownReference)
      ? try ReferenceFiles.load(directory: ownReference).0 : try Scenario.common.get()
  }

  private static func text(_ path: String) throws -> String {
    guard let bytes = Files.read(path) else { throw UserError("cannot read \(path)") }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension String {
  /// Where `part` begins, or the end.
  fileprivate func range(_ part: String) -> Index {
    var start = startIndex
    while start < endIndex, !self[start...].hasPrefix(part) { start = index(after: start) }
    return start
  }
}
