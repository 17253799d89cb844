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

  /// The rules in force where no shared version is: the files of the configuration, those of malls included.
  public let base: RuleBook
  private var sets: [String: Result<RuleSet, Refusal>] = [:]
  private var combined: [String: Result<RuleSet, Refusal>] = [:]
  /// Hashes of versions that can be used.
  private var usable: Set<String> = []

  /// An edition with which nothing is wrong, and the lists that its rules and former ones ask for.
  struct Checked {
    var edition: RuleEdition
    var lists: Set<[UInt8]>
  }
  var checked: Checked?
  /// Of versions that were only asked for what they ask for; nil: it cannot be read.
  private var demands: [String: FactDemand?] = [:]
  private let isPlanning: Bool

  public convenience init(base: RuleSet) { self.init(base: RuleBook(shared: base)) }

  /// - Parameter isPlanning: versions are compiled too, to see whether they can be. Without: they are only read.
  public init(base: RuleBook, isPlanning: Bool = true) {
    self.base = base
    self.isPlanning = isPlanning
  }

  /// The rules of a version, known by its hash.
  public func set(_ hash: String, in registry: RuleRegistry) -> Result<RuleSet, Refusal> {
    if let known = sets[hash] { return known }
    guard let version = registry.versions[hash] else {
      // Not kept: its text may still come.
      return .failure(Refusal(description: "the version was never published"))
    }
    let made = RuleCatalogue.compiled(version, isPlanned: isPlanning)
    sets[hash] = made
    if case .success = made { usable.insert(hash) }
    return made
  }

  /// Fewer versions are compiled by one thread.
  private static let sharedMin = 64

  /// Compiles versions that nobody has asked for yet, by two threads when they are many.
  func prepare(_ hashes: Set<String>, in registry: RuleRegistry) {
    let versions = hashes.compactMap { sets[$0] == nil ? registry.versions[$0] : nil }
    guard versions.count >= RuleCatalogue.sharedMin else { return }
    let isPlanned = isPlanning
    let made = TwoThreads.values(versions.count, RuleCatalogue.sharedMin) { range in
      range.map { RuleCatalogue.compiled(versions[$0], isPlanned: isPlanned) }
    }
    for (version, result) in zip(versions, made.joined()) {
      sets[version.hash] = result
      if case .success = result { usable.insert(version.hash) }
    }
  }

  /// No version, or one that compiles.
  func isUsable(_ activation: RuleRegistry.Activation?, in registry: RuleRegistry) -> Bool {
    guard let hash = activation?.value.hash, !hash.isEmpty, !usable.contains(hash) else { return true }
    if case .success = set(hash, in: registry) { return true }
    return false
  }

  /// What a version asks for, without keeping its rules; nil when it is not there or cannot be read.
  func demand(_ hash: String, in registry: RuleRegistry) -> FactDemand? {
    if case .success(let set) = sets[hash] { return set.demand }
    if let known = demands[hash] { return known }
    guard let version = registry.versions[hash] else { return nil }
    let made = try? RuleCatalogue.compiled(version, isPlanned: false).get().demand
    demands[hash] = .some(made)
    return made
  }

  /// Reads, checks and plans a version's text.
  public static func compiled(_ version: RuleVersionValue, isPlanned: Bool = true)
    -> Result<RuleSet, Refusal>
  {
    guard RuleSet.textDigest(version.files.map(\.text)) == version.digest else {
      return .failure(Refusal(description: "the text is not what was published"))
    }
    do {
      let set = try RuleSet.load(files: version.files.map { ($0.path, $0.text) })
      if isPlanned { _ = try Plan([set]) }
      return .success(try RuleSet.layered([set], hash: version.hash))
    } catch {
      return .failure(Refusal(description: "\(error)"))
    }
  }

  /// What decides an order where these versions lie over each other, the shared one first; an empty first hash stands
  /// for the rules of the configuration, as they are for `scope`.
  public func layered(
    _ hashes: [String], in registry: RuleRegistry, of scope: RegistryScope = .shared
  ) -> Result<RuleSet, Refusal> {
    if hashes.count == 1, let only = hashes.first {
      return only.isEmpty ? .success(baseSet(of: scope)) : set(only, in: registry)
    }
    let first = hashes.first == "" ? baseSet(of: scope) : nil
    let name = ((first.map { [$0.hash] } ?? []) + hashes).joined(separator: "+")
    if let known = combined[name] { return known }
    var layers = first.map { [$0] } ?? []
    for hash in hashes where !hash.isEmpty {
      switch set(hash, in: registry) {
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

  private func baseSet(of scope: RegistryScope) -> RuleSet {
    base.own.isEmpty ? base.shared : base.ruleSet(of: scope.ruleScope)
  }
}

extension RegistryScope {
  /// The same for rule files.
  package var ruleScope: RuleScope { RuleScope(mall: mallId, shop: shopNo == 0 ? nil : Int(shopNo)) }
}
