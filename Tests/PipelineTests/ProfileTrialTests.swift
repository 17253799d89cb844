import Files
import Glibc
import Testing

@testable import Pipeline

/// Profiles among the orders of `passflow run`.
@Suite(.serialized) struct ProfileTrialTests {
  private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
  private static let scenario = root + "/Tests/ScenarioTests/Fixtures/profile-grade-coupons-cart"

  private static func read(_ path: String) -> String {
    String(decoding: Files.read(path) ?? [], as: UTF8.self)
  }

  private static func write(_ path: String, _ text: String) throws {
    let output = try OutputFile(path)
    try output.write(Array(text.utf8))
    try output.flush()
  }

  /// The scenario once for each of many customers: its lines and rows with the names changed.
  private static func ofMany(_ text: String, _ number: Int) -> String {
    var text = text.replacing("\"kim\"", with: "\"kim\(number)\"")
    for order in ["o1", "o2", "o3"] { text = text.replacing(order, with: "\(order)x\(number)") }
    return text
  }

  @Test func labelsDependNeitherOnPartitionsNorOnTheOrderOfLines() throws {
    let folder = "/tmp/passflow-profiles-\(getpid())"
    try Files.makeDirectory(folder)
    defer {
      for name in Files.names(in: folder) where Files.isDirectory("\(folder)/\(name)") {
        Files.removeDirectory("\(folder)/\(name)")
      }
      Files.removeDirectory(folder)
    }
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
      try Self.write(path, turned.joined(separator: "\n"))
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
