internal import Files
internal import History

extension LintSurroundings {
  /// Names of the lists in a folder of reference data.
  public static func listNames(directory: String) throws -> Set<String> {
    Set(try ReferenceFiles.load(directory: directory).0.listNames)
  }
}
