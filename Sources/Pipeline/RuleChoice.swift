import EvaluateStage
internal import Files
public import RuleVersions
public import Rules

/// Which rules a backtest compares: what is in force, a published version, or files.
public struct RuleChoice {
  private let registry: RuleRegistry
  private let base: RuleBook

  /// - Parameter base: the files of the configuration, in force where no shared version is.
  public init(_ registry: RuleRegistry, base: RuleBook) {
    self.registry = registry
    self.base = base
  }

  /// What is in force, with the rules of malls and shops over the shared ones.
  public func active() throws -> RuleLayers { try RuleLayers(registry, base: base) }

  /// What is in force, but for other rules in one scope: `active` (nothing else), the beginning of one published
  /// version's hash, or files and folders.
  ///
  /// Files that speak of malls themselves take the place of the shared rules with all that they say.
  /// Throws `UserError`.
  public func layers(_ names: [String], in scope: RegistryScope) throws -> RuleLayers {
    let live = try active()
    if names == ["active"] { return live }
    if names.count == 1, let name = names.first, !Files.exists(name) {
      return live.replacing(scope, with: try version(name))
    }
    let book = try RuleFiles.book(names)
    guard !book.own.isEmpty else { return live.replacing(scope, with: book.shared) }
    guard scope.isShared else {
      throw UserError("the files name malls themselves: leave --mall out, or mall: in the files")
    }
    return live.replacingShared(with: book)
  }

  private func version(_ prefix: String) throws -> RuleSet {
    let found = registry.hashes(beginning: prefix)
    guard let hash = found.first, found.count == 1, let version = registry.versions[hash] else {
      throw UserError(
        found.count > 1
          ? "\(found.count) published versions begin with \(prefix): give more of the hash"
          : "\(prefix) is neither a file nor a published version (active, a hash, or a path)")
    }
    switch RuleCatalogue.compiled(version) {
    case .success(let set): return set
    case .failure(let refusal): throw UserError("\(RulePublisher.short(hash)): \(refusal)")
    }
  }
}
