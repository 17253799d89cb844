import Files
import TestKit
import Testing

@testable import Pipeline

/// Guests who become members among the orders of `passflow run`.
@Suite(.serialized) struct MergeTrialTests {
  private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
  private static let scenario = root + "/Tests/ScenarioTests/Fixtures/merge-vip-and-bundle"

  private static func read(_ path: String) -> String {
    String(decoding: Files.read(path) ?? [], as: UTF8.self)
  }

  /// The scenario once for each of many customers: its lines and rows with the names changed.
  private static func ofMany(_ text: String, _ number: Int) -> String {
    var text = text.replacing("\"kim\"", with: "\"kim\(number)\"").replacing("1234-5678", with: "\(number)")
    for name in ["kim@", "Kim@"] { text = text.replacing(name, with: "\(name.dropLast())\(number)@") }
    for order in ["o1", "o2", "o3"] { text = text.replacing(order, with: "\(order)x\(number)") }
    return text
  }

  private static func labels(of customers: Range<Int>) -> String {
    let rows = read(scenario + "/expected.csv").split(separator: "\n").map(String.init)
    let labels = customers.flatMap { number in rows.dropFirst().map { ofMany($0, number) } }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return ([rows[0]] + labels).joined(separator: "\n") + "\n"
  }

  private static func lines(of customers: Range<Int>) -> [String] {
    let events = read(scenario + "/orders.ndjson")
    return customers.flatMap { ofMany(events, $0).split(separator: "\n").map(String.init) }
  }

  private static func run(_ folder: String, _ name: String, _ lines: [String], partitions: Int) throws
    -> (summary: TrialRunSummary, labels: String)
  {
    let path = "\(folder)/orders-\(name).ndjson"
    TemporaryFolder.write(path, Array(lines.joined(separator: "\n").utf8))
    var settings = TrialRunSettings(orders: path, out: "\(folder)/out-\(name)")
    settings.rules = [root + "/config/templates", root + "/config/rules"]
    settings.showsProgress = false
    settings.partitions = partitions
    let summary = try TrialRun(settings).run()
    return (summary, read("\(folder)/out-\(name)/labels.csv"))
  }

  @Test func labelsDependNeitherOnPartitionsNorOnTheOrderOfLines() throws {
    let folder = TemporaryFolder.make("merges")
    defer { TemporaryFolder.remove(folder) }
    let lines = Self.lines(of: 100..<140)
    let expected = Self.labels(of: 100..<140)
    for (number, partitions) in [1, 2, 7].enumerated() {
      let turned = number == 0 ? lines : number == 1 ? lines.reversed() : lines.shuffled()
      let (summary, labels) = try Self.run(folder, "\(number)", turned, partitions: partitions)
      #expect(summary.read == lines.count && summary.deadLettered == 0)
      #expect(labels == expected, "\(partitions) partitions")
    }
  }

  /// More than the embedded broker keeps, and merges all through it: enrich writes to the topic that it reads, and
  /// neither waits for itself nor loses anything.
  @Test func moreThanTheBrokersRoomIsMovedAndNobodyWaitsForHimself() throws {
    let folder = TemporaryFolder.make("merges")
    defer { TemporaryFolder.remove(folder) }
    let customers = 10_000..<14_000
    let lines = Self.lines(of: customers)
    let merges = lines.filter { $0.contains("passflow.merge/1") }
    let orders = lines.filter { !$0.contains("passflow.merge/1") }
    // All at the end: a wave of moved orders beyond every window. Then in front, where each order is handed on.
    for (name, lines) in [("end", orders + merges), ("front", merges + orders)] {
      let (summary, labels) = try Self.run(folder, name, lines, partitions: 2)
      #expect(summary.read == lines.count && summary.deadLettered == 0)
      #expect(labels == Self.labels(of: customers), "merges at the \(name)")
    }
  }
}
