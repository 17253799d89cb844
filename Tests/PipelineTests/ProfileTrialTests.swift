import Files
import TestKit
import Testing

@testable import Pipeline

/// Profiles among the orders of `passflow run`.
@Suite(.serialized) struct ProfileTrialTests {
  private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
  private static let scenario = root + "/Tests/ScenarioTests/Fixtures/profile-grade-coupons-cart"

  private static func read(_ path: String) -> String {
    String(decoding: Files.read(path) ?? [], as: UTF8.self)
  }

  /// The scenario once for each of many customers: its lines and rows with the names changed.
  private static func ofMany(_ text: String, _ number: Int) -> String {
    var text = text.replacing("\"kim\"", with: "\"kim\(number)\"")
    for order in ["o1", "o2", "o3"] { text = text.replacing(order, with: "\(order)x\(number)") }
    return text
  }

  @Test func labelsDependNeitherOnPartitionsNorOnTheOrderOfLines() throws {
    let folder = TemporaryFolder.make("profiles")
    defer { TemporaryFolder.remove(folder) }
    let customers = 10..<50
    let events = Self.read(Self.scenario + "/orders.ndjson")
    let lines = customers.flatMap { Self.ofMany(events, $0).split(separator: "\n").map(String.init) }
    let rows = Self.read(Self.scenario + "/expected.csv").split(separator: "\n").map(String.init)
    let labels = customers.flatMap { number in rows.dropFirst().map { Self.ofMany($0, number) } }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let expected = ([rows[0]] + labels).joined(separator: "\n") + "\n"
    for (number, partitions) in [1, 2, 7].enumerated() {
      let path = "\(folder)/orders-\(number).ndjson"
      let turned = number == 0 ? lines : number == 1 ? lines.reversed() : lines.shuffled()
      TemporaryFolder.write(path, Array(turned.joined(separator: "\n").utf8))
      var settings = TrialRunSettings(orders: path, out: "\(folder)/out-\(number)")
      settings.rules = [Self.scenario + "/rules.yaml"]
      settings.showsProgress = false
      settings.partitions = partitions
      let summary = try TrialRun(settings).run()
      #expect(summary.read == lines.count && summary.deadLettered == 0)
      #expect(Self.read("\(folder)/out-\(number)/labels.csv") == expected, "\(partitions) partitions")
      for name in ["decisions", "actions"] {
        #expect(!Self.read("\(folder)/out-\(number)/\(name).ndjson").contains("kim1"))
      }
    }
  }
}
