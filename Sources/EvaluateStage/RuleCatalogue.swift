public import Rules
public import Topics

/// Published versions made ready to decide with: each version once, each combination of versions once.
public final class RuleCatalogue {
  /// Why a version is not used.
  public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// Combinations kept; beyond it they are made again.
  static let combinationsMax = 100_000

  /// The rules in force where no shared version is: the files of the configuration.
  public let base: RuleSet
  private var sets: [String: Result<RuleSet, Refusal>] = [:]
  private var combined: [String: Result<RuleSet, Refusal>] = [:]

  public init(base: RuleSet) { self.base = base }

  /// The rules of a version, known by its hash.
  public func set(_ hash: String, in registry: RuleRegistry) -> Result<RuleSet, Refusal> {
    if let known = sets[hash] { return known }
    guard let version = registry.versions[hash] else {
      // Not kept: its text may still come.
      return .failure(Refusal(description: "the version was never published"))
    }
    let made = RuleCatalogue.compiled(version)
    sets[hash] = made
    return made
  }

  /// Reads, checks and plans a version's text.
  public static func compiled(_ version: RuleVersionValue) -> Result<RuleSet, Refusal> {
    guard RuleSet.textDigest(version.files.map(\.text)) == version.digest else {
      return .failure(Refusal(description: "the text is not what was published"))
    }
    do {
      let set = try RuleSet.load(files: version.files.map { ($0.path, $0.text) })
      _ = try Plan([set])
      return .success(try RuleSet.layered([set], hash: version.hash))
    } catch {
      return .failure(Refusal(description: "\(error)"))
    }
  }

  /// What decides an order where these versions lie over each other, the shared one first; an empty first hash stands
  /// for the rules of the configuration.
  public func layered(_ hashes: [String], in registry: RuleRegistry) -> Result<RuleSet, Refusal> {
    if hashes.count == 1, let only = hashes.first {
      return only.isEmpty ? .success(base) : set(only, in: registry)
    }
    let name = hashes.joined(separator: "+")
    if let known = combined[name] { return known }
    var layers: [RuleSet] = []
    for hash in hashes {
      switch hash.isEmpty ? .success(base) : set(hash, in: registry) {
      case .success(let set): layers.append(set)
      case .failure(let refusal): return .failure(refusal)
      }
    }
    let made: Result<RuleSet, Refusal>
    do throws(RuleSet.LayerProblem) {
      made = .success(try RuleSet.layered(layers, hash: RuleSet.layeredHash(layers.map(\.hash))))
    } catch {
      made = .failure(Refusal(description: error.description))
    }
    if combined.count >= RuleCatalogue.combinationsMax { combined.removeAll() }
    combined[name] = made
    return made
  }
}
