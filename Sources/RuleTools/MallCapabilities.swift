internal import Files
internal import Rules
internal import YAML

/// What a mall supplies, from a file: `capabilities:` with facts or groups of facts and true or false.
public enum MallCapabilities {
  /// Names that people use for groups of facts.
  private static let groups = [
    "stock": "item.stock", "holidays": "isHoliday", "lists": "inList", "duplicates": "duplicate.partners",
  ]
  /// What is no fact by itself: lists of lines, and functions that ask for a datum.
  private static let others = [
    "receivers", "claims", "duplicate.partners", "history.returns", "history.claims", "overdue", "isHoliday",
    "inList",
  ]

  /// Facts and groups that are false in the file.
  public static func unavailable(path: String) throws -> Set<String> {
    do {
      let root = try YAMLDocument.read(path: path).root
      let mapping = try (root["capabilities"] ?? root).asMapping()
      var names: Set<String> = []
      for entry in mapping.entries {
        let supplied = try entry.value.asBool()
        let name = try fact(entry.key, place: entry.keyLocation.description)
        if !supplied { names.insert(name) }
      }
      return names
    } catch let error as YAMLError {
      throw UserError(error.description)
    }
  }

  /// A fact or a group of facts by its name; throws when there is none.
  public static func fact(_ name: String, place: String) throws -> String {
    if let group = groups[name] { return group }
    let known = FactCatalog.entries.map(\.name) + others
    if known.contains(where: { $0 == name || $0.hasPrefix(name + ".") }) { return name }
    let first = Set(known.compactMap { $0.split(separator: ".").first.map(String.init) })
    let guess = closestName(to: name, among: known + first.sorted() + groups.keys.sorted())
    throw UserError(
      "\(place): unknown fact: \(name)" + (guess.map { "\n  hint: did you mean \($0)?" } ?? ""))
  }
}
