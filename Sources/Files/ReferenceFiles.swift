public import History

/// Reference data from a folder of CSV files (docs/rules.md names them).
public enum ReferenceFiles {
  /// Loads what is there of `directory`, and an IP table from elsewhere in place of the folder's own.
  ///
  /// Returns what was wrong besides: lines that were left out, with file and line.
  public static func load(directory: String?, geo: String? = nil) throws -> (ReferenceData, [String]) {
    guard directory != nil || geo != nil else { return (.empty, []) }
    if let directory, !Files.isDirectory(directory) {
      throw UserError("the reference folder \(directory) is not there")
    }
    var builder = ReferenceBuilder()
    var found = 0
    for kind in ReferenceKind.allCases {
      let path: String
      if kind == .geo, let geo {
        path = geo
        guard Files.exists(path) else { throw UserError("the IP table \(path) is not there") }
      } else if let directory {
        path = directory + "/" + kind.fileName
        guard Files.exists(path) else { continue }
      } else {
        continue
      }
      guard let bytes = Files.read(path) else { throw UserError("cannot read the reference file \(path)") }
      bytes.withUnsafeBytes { builder.add(kind, $0, file: path) }
      found += 1
    }
    if found == 0, let directory {
      let names = ReferenceKind.allCases.map(\.fileName).joined(separator: ", ")
      throw UserError("no reference file in \(directory): expected some of \(names)")
    }
    let data = builder.build()
    var problems = builder.problems.map(\.description)
    if builder.problemCount > problems.count {
      problems.append("… and \(builder.problemCount - problems.count) more")
    }
    return (data, problems)
  }
}
