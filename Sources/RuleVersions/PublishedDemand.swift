public import Rules
import Topics

/// Which facts the rules of one edition ask for, mall by mall, former versions included
/// (docs/design.md, "What enrich computes for published rules").
public struct PublishedDemand: Sendable {
  public let rulesEnd: Int64
  public let held: HeldScopes
  /// Of every mall that is not in `own`.
  public let shared: FactDemand
  /// Whole demands of malls and shops.
  public let own: [RegistryScope: FactDemand]
}

/// Works demands out; what an edition has in common with those before it is not worked out again.
public struct PublishedDemands {
  /// Versions of a scope, besides the one in force, whose facts go on being computed.
  public static let formerMax = 2

  /// By scope: what its demand was last made of.
  private var known: [RegistryScope: (sources: [String], demand: FactDemand)] = [:]

  public init() {}

  /// Throws when a version that is in force cannot be read by this program.
  public mutating func of(_ edition: RuleEdition, _ registry: RuleRegistry, _ catalogue: RuleCatalogue)
    throws(RuleSwitchProblem) -> PublishedDemand
  {
    let shared = Former(.shared, edition, registry)
    let sharedDemand = try demand(.shared, edition, shared, registry, catalogue)
    var scopes = Set(registry.activations.keys.filter { !$0.isShared })
    for scope in catalogue.base.own.keys {
      scopes.insert(RegistryScope(mallId: scope.mall, shopNo: Int32(truncatingIfNeeded: scope.shop ?? 0)))
    }
    var own: [RegistryScope: FactDemand] = [:]
    own.reserveCapacity(scopes.count)
    for scope in scopes { own[scope] = try demand(scope, edition, shared, registry, catalogue) }
    known = known.filter { $0.key.isShared || scopes.contains($0.key) }
    return PublishedDemand(
      rulesEnd: edition.rulesEnd, held: edition.held, shared: sharedDemand, own: own)
  }

  /// What an edition asks for that enrich does not compute by another one yet, as rules write it.
  package mutating func missing(
    of edition: RuleEdition, at computed: RuleEdition, _ registry: RuleRegistry, _ catalogue: RuleCatalogue
  ) throws(RuleSwitchProblem) -> [String] {
    let shared = Former(.shared, computed, registry)
    var names: [String] = []
    for scope in [.shared] + edition.scopes(catalogue) {
      guard
        edition.layers(mallId: scope.mallId, shopNo: scope.shopNo)
          != computed.layers(mallId: scope.mallId, shopNo: scope.shopNo)
      else { continue }
      let wanted = try set(scope, edition, registry, catalogue).demand
      let beyond = wanted.beyond(try demand(scope, computed, shared, registry, catalogue))
      names += beyond.filter { !names.contains($0) }
    }
    return names
  }

  private func set(
    _ scope: RegistryScope, _ edition: RuleEdition, _ registry: RuleRegistry, _ catalogue: RuleCatalogue
  ) throws(RuleSwitchProblem) -> RuleSet {
    switch edition.ruleSet(mallId: scope.mallId, shopNo: scope.shopNo, catalogue, registry) {
    case .success(let set): return set
    case .failure(let refusal):
      throw RuleSwitchProblem(
        description:
          "the rules in force in \(scope) (rules below \(edition.rulesEnd)) cannot be used by this "
          + "version of the program: \(refusal)")
    }
  }

  private mutating func demand(
    _ scope: RegistryScope, _ edition: RuleEdition, _ shared: Former, _ registry: RuleRegistry,
    _ catalogue: RuleCatalogue
  ) throws(RuleSwitchProblem) -> FactDemand {
    var former = shared.versions
    if !scope.isShared { former += Former(RegistryScope(mallId: scope.mallId), edition, registry).versions }
    if scope.shopNo != 0 { former += Former(scope, edition, registry).versions }
    former.sort { $0.offset > $1.offset }
    // Of those in force too all that they ask for: a rule that took another's place may go again.
    let layers = edition.layers(mallId: scope.mallId, shopNo: scope.shopNo)
    let sources = layers + ["former"] + former.map(\.hash)
    if let last = known[scope], last.sources == sources { return last.demand }
    var demand = try set(scope, edition, registry, catalogue).demand
    for hash in layers + former.map(\.hash) {
      let other: FactDemand?
      if hash.isEmpty {
        other = catalogue.base.ruleSet(of: scope.ruleScope).demand
      } else {
        other = catalogue.demand(hash, in: registry)
      }
      guard let other, !other.beyond(demand).isEmpty else { continue }
      let both = demand.union(other)
      if both.fitsARecord { demand = both }
    }
    known[scope] = (sources, demand)
    return demand
  }

  /// The versions that were in force in a scope before the one that is, the last ones.
  private struct Former {
    /// An empty hash: the rule files of the configuration.
    var versions: [(offset: Int64, hash: String)] = []

    init(_ scope: RegistryScope, _ edition: RuleEdition, _ registry: RuleRegistry) {
      let list = registry.activations[scope] ?? []
      let current =
        registry.inForce(scope, before: edition.rulesEnd, held: edition.held)?.value.hash ?? ""
      // What is held back was never in force.
      let newest = edition.held[scope] ?? .max
      for activation in list.reversed()
      where activation.offset < edition.rulesEnd && activation.number <= newest {
        if versions.count == PublishedDemands.formerMax { break }
        add(activation.offset, activation.hash, scope, current)
      }
      // What the topic's first shared version took the place of.
      if scope.isShared { add(-1, "", scope, current) }
    }

    private mutating func add(_ offset: Int64, _ hash: String, _ scope: RegistryScope, _ current: String) {
      guard versions.count < PublishedDemands.formerMax, hash != current, scope.isShared || !hash.isEmpty,
        !versions.contains(where: { $0.hash == hash })
      else { return }
      versions.append((offset, hash))
    }
  }
}

extension FactDemand {
  /// An order's record has room for all of it.
  var fitsARecord: Bool {
    lists.count <= FactLayout.listsOfSetMax && claimWindows.count <= RuleSet.layeredClaimWindowsMax
      && timedFacts.count <= TimedFact.ofSetMax && aggregates.count <= HistoryAggregate.ofSetMax
  }
}
