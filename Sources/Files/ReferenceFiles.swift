public import History

/// Reference data from a folder of CSV files (docs/rules.md names them).
public enum ReferenceFiles {
  /// Loads what is there of `directory`, and an IP table from elsewhere in place of the folder's own.
  ///
  /// Returns what was wrong besides: lines that were left out, with file and line.
  public static func load(directory: String?, geo: String? = nil) throws -> (ReferenceData, [String]) {
    let files = try files(directory: directory, geo: geo)
    if files.isEmpty { return (.empty, []) }
    var builder = ReferenceBuilder()
    for (kind, path) in files {
      guard let bytes = Files.read(path) else { throw UserError("cannot read the reference file \(path)") }
      bytes.withUnsafeBytes { builder.add(kind, $0, file: path) }
    }
    let data = builder.build()
    var problems = builder.problems.map(\.description)
    if builder.problemCount > problems.count {
      problems.append("… and \(builder.problemCount - problems.count) more")
    }
    return (data, problems)
  }

  /// Throws what `load` would throw because something is not there.
  public static func check(directory: String?, geo: String? = nil) throws {
    _ = try files(directory: directory, geo: geo)
  }

  private static func files(directory: String?, geo: String?) throws -> [(kind: ReferenceKind, path: String)]
  {
    if let directory, !Files.isDirectory(directory) {
      throw UserError("the reference folder \(directory) is not there")
    }
    var found: [(kind: ReferenceKind, path: String)] = []
    for kind in ReferenceKind.allCases {
      if kind == .geo, let geo {
        guard Files.exists(geo) else { throw UserError("the IP table \(geo) is not there") }
        found.append((kind, geo))
      } else if let directory {
        let path = directory + "/" + kind.fileName
        if Files.exists(path) { found.append((kind, path)) }
      }
    }
    if found.isEmpty, let directory {
      let names = ReferenceKind.allCases.map(\.fileName).joined(separator: ", ")
      throw UserError("no reference file in \(directory): expected some of \(names)")
    }
    return found
  }
}
