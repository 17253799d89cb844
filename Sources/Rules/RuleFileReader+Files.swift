import YAML

/// Thousands of files: those of malls and shops are read by two threads.
extension RuleFileReader {
  struct ScopedFile {
    var scope: RuleScope
    var root: YAMLNode
  }

  /// What one thread found.
  private struct Part {
    var scopes: [RuleScope?: Scoped] = [:]
    /// With the position of the file.
    var diagnostics: [(file: Int, diagnostic: Diagnostic)] = []
  }

  /// Files from which on two threads read them.
  static let sharedMin = 64

  static func parse(_ files: [(path: String, text: String)]) -> [Result<YAMLNode, YAMLError>] {
    TwoThreads.values(files.count, sharedMin) { range -> [Result<YAMLNode, YAMLError>] in
      files[range].map { file in
        do throws(YAMLError) {
          return .success(try YAMLDocument.parse(file.text, file: file.path).root)
        } catch {
          return .failure(error)
        }
      }
    }.flatMap(\.self)
  }

  /// What is said of a mall and its shops is read by one thread; what comes of all is as if one had read everything.
  mutating func read(_ files: [ScopedFile]) {
    var numbers: [String: Int] = [:]
    for file in files where numbers[file.scope.mall] == nil { numbers[file.scope.mall] = numbers.count }
    let malls = numbers
    let reader = self
    let parts = TwoThreads.values(malls.count, RuleFileReader.sharedMin) { range -> Part in
      var part = reader
      part.diagnostics = []
      part.scopes = part.scopes.filter { $0.key == nil }
      var found = Part()
      for (index, file) in files.enumerated() where range.contains(malls[file.scope.mall] ?? 0) {
        let before = part.diagnostics.count
        part.within(file.scope) { $0.readRules(file.root, of: file.scope) }
        found.diagnostics += part.diagnostics[before...].map { (index, $0) }
      }
      part.scopes[nil] = nil
      found.scopes = part.scopes
      return found
    }
    for part in parts { scopes.merge(part.scopes) { $1 } }
    let found = parts.flatMap(\.diagnostics).enumerated().sorted {
      ($0.element.file, $0.offset) < ($1.element.file, $1.offset)
    }
    diagnostics += found.map(\.element.diagnostic).prefix(
      max(RuleFileReader.diagnosticsMax - diagnostics.count, 0))
  }
}
