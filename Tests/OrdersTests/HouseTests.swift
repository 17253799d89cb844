import Glibc
import Testing

/// Who may import whom, and words that shipped code does not say (docs/design.md).
struct HouseTests {
  /// values ← core ← drivers ← runtime ← stages ← executables; a C module only where its library is spoken to.
  private static let allowed: [String: Set<String>] = [
    "Orders": [],
    "Topics": ["Orders", "CSimdJSON", "CSodium"],
    "YAML": ["CYAML"],
    "Rules": ["Orders", "YAML"],
    "History": ["Orders", "Topics"],
    "Kafka": ["CRdKafka"],
    "Store": ["CSQLite"],
    "HTTP": ["CMicroHTTPD"],
    "Shop": ["Orders", "Store", "HTTP", "CSodium"],
    // Keys of sealed dead letters are read and made here, hence libsodium.
    "Stage": ["Kafka", "HTTP", "YAML", "Store", "CSodium"],
    "IngestStage": ["Stage", "Kafka", "HTTP", "Store", "Orders", "Topics", "CSodium"],
    "EnrichStage": ["Stage", "Kafka", "HTTP", "Store", "Orders", "Topics", "History", "Rules"],
    "EvaluateStage": ["Stage", "Kafka", "HTTP", "Store", "Orders", "Topics", "Rules"],
    "ApplyStage": ["Stage", "Kafka", "HTTP", "Store", "Orders", "Topics", "Shop"],
    // The four stages together: trial run, demonstration, and what else the operator's tool does.
    "Pipeline": [
      "IngestStage", "EnrichStage", "EvaluateStage", "ApplyStage", "Stage", "Kafka", "HTTP", "Store", "Shop",
      "Orders", "Topics", "History", "Rules", "YAML",
    ],
    "passflow-ingest": ["IngestStage", "Stage"],
    "passflow-enrich": ["EnrichStage", "Stage"],
    "passflow-evaluate": ["EvaluateStage", "Stage"],
    "passflow-apply": ["ApplyStage", "Stage"],
    "passflow": ["Pipeline", "ApplyStage", "Stage"],
  ]
  /// Of the toolchain; Foundation is not among them (size of the executables).
  private static let system: Set = ["Swift", "Glibc", "Synchronization", "Dispatch"]

  private static let sources =
    String(
      #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()) + "/Sources"

  private static func names(in folder: String) -> [String] {
    guard let handle = opendir(folder) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// Path and lines of every Swift file below a folder.
  private static func files(below folder: String) throws -> [(path: String, lines: [Substring])] {
    var found: [(path: String, lines: [Substring])] = []
    for name in names(in: folder) {
      let path = folder + "/" + name
      if name.hasSuffix(".swift") {
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        found.append((path, String(decoding: bytes, as: UTF8.self).split(separator: "\n")))
      } else if !name.contains(".") {
        found += try files(below: path)
      }
    }
    return found
  }

  /// The module of an import line; nil for other lines.
  private static func module(_ line: Substring) -> String? {
    var words = line.split(separator: " ")
    while let first = words.first,
      first.hasPrefix("@") || ["public", "package", "internal", "private"].contains(first)
    {
      words.removeFirst()
    }
    guard words.first == "import", words.count >= 2 else { return nil }
    let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "typealias"]
    let name = words.count > 2 && kinds.contains(words[1]) ? words[2] : words[1]
    return String(name.prefix { $0 != "." })
  }

  @Test func everyTargetImportsOnlyWhatTheTableAllows() throws {
    let targets = Self.names(in: Self.sources).filter { $0 != "System" }
    #expect(targets.count >= 15)
    for target in targets {
      let allowed = try #require(Self.allowed[target], "\(target) is not in the table").union(Self.system)
      for (path, lines) in try Self.files(below: Self.sources + "/" + target) {
        for module in lines.compactMap(Self.module) where !allowed.contains(module) {
          Issue.record("\(path) imports \(module)")
        }
      }
    }
  }

  @Test func theTableHasNoCircle() {
    var rank: [String: Int] = [:]
    func height(_ target: String, _ above: [String]) -> Int {
      if above.contains(target) {
        Issue.record("\(above) → \(target)")
        return 0
      }
      if let known = rank[target] { return known }
      let height = 1 + ((Self.allowed[target] ?? []).map { height($0, above + [target]) }.max() ?? 0)
      rank[target] = height
      return height
    }
    for target in Self.allowed.keys.sorted() { _ = height(target, []) }
  }

  @Test func shippedCodeNeitherGivesUpNorSleeps() throws {
    let words = ["try!", "fatalError(", "Task.sleep"]
    for (path, lines) in try Self.files(below: Self.sources) {
      for line in lines where !line.drop(while: { $0 == " " }).hasPrefix("//") {
        for word in words where line.contains(word) { Issue.record("\(path) says \(word)") }
      }
    }
  }

  @Test func anImportLineIsFoundHoweverItIsWritten() {
    #expect(Self.module("import Orders") == "Orders")
    #expect(Self.module("public import Topics") == "Topics")
    #expect(Self.module("@preconcurrency internal import struct Foundation.Date") == "Foundation")
    #expect(Self.module("// import Foundation") == nil)
    #expect(Self.module("let important = 1") == nil)
  }
}
