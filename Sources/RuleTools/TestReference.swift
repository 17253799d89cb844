internal import Files
internal import History
internal import Orders
internal import YAML

/// Reference data of tests: a folder, or a few entries written into the test file.
struct TestReference {
  private var directory: String?
  private var nodes: [YAMLNode] = []
  private let folder: String

  init(_ node: YAMLNode?, folder: String) {
    self.folder = folder
    if let node { add(node) }
  }

  func adding(_ node: YAMLNode?) -> TestReference {
    var result = self
    if let node { result.add(node) }
    return result
  }

  private mutating func add(_ node: YAMLNode) {
    if let name = try? node.asString() {
      directory = name.hasPrefix("/") || folder.isEmpty ? name : "\(folder)/\(name)"
    } else {
      nodes.append(node)
    }
  }

  /// `placedAt`: as of when stock levels without a time of their own are.
  func data(at placedAt: Instant) throws -> ReferenceData {
    let base = try directory.map { try ReferenceFiles.load(directory: $0).0 }
    if nodes.isEmpty { return base ?? .empty }
    var builder = ReferenceBuilder(startingFrom: base)
    for node in nodes {
      try RuleTestFile.check(node, ["zones", "lists", "stock", "holidays", "geo"], "reference")
      for (kind, rows) in try rows(node, placedAt) where rows.count > 1 {
        let text = Array((rows.joined(separator: "\n") + "\n").utf8)
        text.withUnsafeBytes { builder.add(kind, $0, file: "\(node.location)") }
      }
    }
    let data = builder.build()
    if let problem = builder.problems.first { throw UserError(problem.description) }
    return data
  }

  private func rows(_ node: YAMLNode, _ placedAt: Instant) throws -> [(ReferenceKind, [String])] {
    var zones = ["from_zip,to_zip,region"]
    for (region, zips) in try texts(node["zones"]) {
      for zip in zips { zones.append("\(try TestReference.range(zip)),\(try TestReference.cell(region))") }
    }
    var lists = ["list,sku,valid_from,valid_to"]
    for (list, codes) in try texts(node["lists"]) {
      for code in codes { lists.append("\(try TestReference.cell(list)),\(try TestReference.cell(code)),,") }
    }
    var geo = ["first,last,country"]
    for (country, ranges) in try texts(node["geo"]) {
      for range in ranges {
        geo.append("\(try TestReference.range(range)),\(try TestReference.cell(country))")
      }
    }
    var holidays = ["date"]
    for date in try wrapped({ try node["holidays"]?.asSequence().map { try $0.asString() } ?? [] }) {
      holidays.append(try TestReference.cell(date))
    }
    var stock = ["sku,quantity,safety,as_of"]
    for entry in try wrapped({ try node["stock"]?.asMapping().entries ?? [] }) {
      try RuleTestFile.check(entry.value, ["quantity", "safety", "as_of"], "stock")
      let quantity = try wrapped { try entry.value.required("quantity").asInt() }
      let safety = try wrapped { try entry.value["safety"]?.asInt() ?? 0 }
      let time = try wrapped { try entry.value["as_of"]?.asString() } ?? placedAt.rfc3339()
      stock.append(
        "\(try TestReference.cell(entry.key)),\(quantity),\(safety),\(try TestReference.cell(time))")
    }
    return [(.zones, zones), (.lists, lists), (.geo, geo), (.holidays, holidays), (.stock, stock)]
  }

  private func texts(_ node: YAMLNode?) throws -> [(String, [String])] {
    guard let node else { return [] }
    return try wrapped {
      try node.asMapping().entries.map { entry in
        (entry.key, try entry.value.asSequence().map { try $0.asString() })
      }
    }
  }

  /// `a-b` or `a` as two cells.
  private static func range(_ text: String) throws -> String {
    let parts = text.split(separator: "-", maxSplits: 1).map { String($0).trimmed }
    guard let first = parts.first, let last = parts.last else { throw UserError("a range is empty") }
    return "\(try cell(first)),\(try cell(last))"
  }

  private static func cell(_ text: String) throws -> String {
    guard !text.contains(where: { ",\"\n\r".contains($0) }) else {
      throw UserError("names in reference data of a test have no commas, quotes or line ends")
    }
    return text
  }
}
