import Glibc
import Testing

/// Who may import whom, and words that shipped code does not say (docs/design.md).
struct HouseTests {
  /// values ← core ← drivers ← runtime ← stages ← executables; a C module only where its library is spoken to.
  private static let allowed: [String: Set<String>] = [
    "Orders": [],
    "Topics": ["Orders", "CSimdJSON", "CSodium"],
    "YAML": ["CYAML"],
    // The loops over columns are C, for the vector instructions of the machine they run on.
    "Rules": ["Orders", "YAML", "CRuleKernels", "CRE2"],
    "History": ["Orders", "Topics", "CLZ4"],
    "Kafka": ["CRdKafka"],
    "Store": ["CSQLite"],
    "HTTP": ["CMicroHTTPD"],
    "Shop": ["Orders", "Store", "HTTP", "CSodium"],
    // Rule and reference files by their paths: disk for Rules and History, which know only bytes.
    "Files": ["Rules", "History"],
    // Keys of sealed dead letters are read and made here, hence libsodium; the process tunes its allocator.
    "Stage": ["Kafka", "HTTP", "YAML", "Store", "Topics", "CSodium", "CAllocator"],
    // The webhook keys' file is YAML, as the configuration is.
    "IngestStage": ["Stage", "Kafka", "HTTP", "Store", "Orders", "Topics", "YAML", "CSodium"],
    // Published rules, for the stages that go by them.
    "RuleVersions": ["Stage", "Kafka", "Topics", "Rules"],
    // Imported reference data, for enrich and the operator's tool.
    "ReferenceEditions": ["Stage", "Kafka", "Topics", "History", "Orders"],
    "EnrichStage": [
      "ReferenceEditions", "RuleVersions", "Stage", "Kafka", "HTTP", "Store", "Orders", "Topics", "History",
      "Rules", "Files",
    ],
    "EvaluateStage": [
      "RuleVersions", "Stage", "Kafka", "HTTP", "Store", "Orders", "Topics", "Rules", "Files",
    ],
    "ApplyStage": ["Stage", "Kafka", "HTTP", "Store", "Orders", "Topics", "Shop"],
    // The four stages together: trial run, demonstration, and what else the operator's tool does.
    "Pipeline": [
      "IngestStage", "EnrichStage", "EvaluateStage", "RuleVersions", "ApplyStage", "Stage", "Kafka", "HTTP",
      "Store", "Shop",
      "Orders", "Topics", "History", "Rules", "Files", "YAML",
    ],
    // Around the rules; decides orders with the stages' own cores, in memory.
    "RuleTools": [
      "IngestStage", "EnrichStage", "EvaluateStage", "Orders", "Topics", "History", "Rules", "Files", "YAML",
    ],
    "passflow-ingest": ["IngestStage", "Stage"],
    "passflow-enrich": ["EnrichStage", "Stage"],
    "passflow-evaluate": ["EvaluateStage", "Stage"],
    "passflow-apply": ["ApplyStage", "Stage"],
    "passflow": [
      "Pipeline", "RuleTools", "Rules", "Orders", "ApplyStage", "EvaluateStage", "RuleVersions",
      "ReferenceEditions", "History", "Stage", "Files", "Kafka",
      "Topics",
    ],
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
  private static func files(below folder: String, suffix: String = ".swift") throws -> [(
    path: String, lines: [Substring]
  )] {
    var found: [(path: String, lines: [Substring])] = []
    for name in names(in: folder) {
      let path = folder + "/" + name
      if name.hasSuffix(suffix) {
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        found.append((path, String(decoding: bytes, as: UTF8.self).split(separator: "\n")))
      } else if !name.contains(".") {
        found += try files(below: path, suffix: suffix)
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

  @Test func theCoverageTableNamesOnlyTestsThatExistAndEveryNumberOnce() throws {
    let root = String(Self.sources.dropLast("/Sources".count))
    var known: Set<String> = []
    for (path, lines) in try Self.files(below: root + "/Tests") {
      let suite = (path.split(separator: "/").last ?? "").dropLast(".swift".count)
      for line in lines {
        guard let place = line.ranges(of: "func ").first else { continue }
        known.insert("\(suite).\(line[place.upperBound...].prefix { $0.isLetter || $0.isNumber })")
      }
    }
    let table = try #require(try Self.files(below: root + "/docs", suffix: "coverage.md").first)
    var numbers: [String] = []
    for line in table.lines where line.hasPrefix("| F") || line.hasPrefix("| D") {
      let cells = line.split(separator: "|").map { $0.drop { $0 == " " } }
      let number = String(try #require(cells.first).prefix { $0 != " " })
      numbers.append(number)
      let proof = try #require(cells.last)
      let named = proof.split(separator: "`", omittingEmptySubsequences: false).enumerated()
        .filter { $0.offset % 2 == 1 }.map { String($0.element) }
      if named.isEmpty { #expect(proof.hasPrefix("open"), "\(number) names no test and is not open") }
      for test in named { #expect(known.contains(test), "\(number) names \(test)") }
    }
    #expect(numbers == (1...209).map { "F\($0)" } + (1...32).map { "D\($0)" })
  }

  @Test func anImportLineIsFoundHoweverItIsWritten() {
    #expect(Self.module("import Orders") == "Orders")
    #expect(Self.module("public import Topics") == "Topics")
    #expect(Self.module("@preconcurrency internal import struct Foundation.Date") == "Foundation")
    #expect(Self.module("// import Foundation") == nil)
    #expect(Self.module("let important = 1") == nil)
  }
}
