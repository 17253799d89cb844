public import Rules
import Topics

/// The rules of all malls between two switches: which versions are in force where.
///
/// A pure function of the registry, the switch and the rules of the configuration: the same at every instance, live
/// and in a replay.
public struct RuleEdition: Sendable {
  public let rulesEnd: Int64
  public let held: HeldScopes
  /// Hash of the shared version; empty: the rules of the configuration.
  public let shared: String
  /// Hashes of what malls and shops have of their own; never empty.
  public let own: [RegistryScope: String]

  /// Some scope is that of a single shop.
  private let hasShops: Bool
  /// What may be different from an earlier edition; nil: it was not made of one.
  private var sinceFormer: (rulesEnd: Int64, scopes: [RegistryScope])?

  public init(_ registry: RuleRegistry, rulesEnd: Int64, held: HeldScopes = [:]) {
    self.init(registry, rulesEnd: rulesEnd, held: held, after: nil)
  }

  /// - Parameter former: an earlier edition of the same registry: what was not activated since is taken over.
  init(_ registry: RuleRegistry, rulesEnd: Int64, held: HeldScopes, after former: RuleEdition?) {
    self.rulesEnd = rulesEnd
    self.held = held
    shared = registry.inForce(.shared, before: rulesEnd, held: held)?.value.hash ?? ""
    let base = former.flatMap { $0.held == held && $0.rulesEnd <= rulesEnd ? $0 : nil }
    var own = base?.own ?? [:]
    var changed: [RegistryScope] = []
    if base == nil { own.reserveCapacity(registry.activations.count) }
    let since = base?.rulesEnd ?? .min
    for (scope, list) in registry.activations where !scope.isShared && list[list.count - 1].offset >= since {
      let active = RuleRegistry.inForce(list, before: rulesEnd, held: held.isEmpty ? nil : held[scope])
      let hash = active?.value.hash ?? ""
      own[scope] = hash.isEmpty ? nil : hash
      changed.append(scope)
    }
    self.own = own
    hasShops = base?.hasShops ?? false || changed.contains { $0.shopNo != 0 }
    if let base { sinceFormer = (base.rulesEnd, changed) }
  }

  /// Versions for an order of a shop, the shared one first.
  public func layers(mallId: String, shopNo: Int32) -> [String] {
    var layers = [shared]
    if let hash = own[RegistryScope(mallId: mallId)] { layers.append(hash) }
    if shopNo != 0, let hash = own[RegistryScope(mallId: mallId, shopNo: shopNo)] { layers.append(hash) }
    return layers
  }

  /// What decides the orders of a shop.
  public func ruleSet(mallId: String, shopNo: Int32, _ catalogue: RuleCatalogue, _ registry: RuleRegistry)
    -> Result<RuleSet, RuleCatalogue.Refusal>
  {
    catalogue.layered(
      layers(mallId: mallId, shopNo: shopNo), in: registry,
      of: RegistryScope(mallId: mallId, shopNo: shopNo))
  }

  /// Malls and shops with rules of their own, of the configuration's too where those are the shared ones; sorted.
  package func scopes(_ catalogue: RuleCatalogue) -> [RegistryScope] {
    guard shared.isEmpty, !catalogue.base.own.isEmpty else { return own.keys.sorted() }
    let ofFiles = catalogue.base.own.keys.map {
      RegistryScope(mallId: $0.mall, shopNo: Int32(truncatingIfNeeded: $0.shop ?? 0))
    }
    return Set(own.keys).union(ofFiles).sorted()
  }

  /// Malls and shops whose rules are not those of a former edition, and whether they still have rules of their own;
  /// nil when the rules of all may be different.
  package func changedScopes(since former: RuleEdition, _ catalogue: RuleCatalogue)
    -> [(scope: RegistryScope, isThere: Bool)]?
  {
    guard shared == former.shared else { return nil }
    var differing: [RegistryScope] = []
    if let since = sinceFormer, since.rulesEnd == former.rulesEnd, held == former.held {
      differing = since.scopes.filter { own[$0] != former.own[$0] }
    } else {
      differing = own.filter { former.own[$0.key] != $0.value }.map(\.key)
      differing += former.own.keys.filter { own[$0] == nil }
    }
    if !hasShops, !former.hasShops, !shared.isEmpty || catalogue.base.own.isEmpty {
      return differing.sorted().map { ($0, own[$0] != nil) }
    }
    let malls = Set(differing.map(\.mallId))
    guard !malls.isEmpty else { return [] }
    // A shop's rules lie over those of its mall.
    var changed: [RegistryScope: Bool] = [:]
    for scope in former.own.keys where malls.contains(scope.mallId) { changed[scope] = false }
    for scope in own.keys where malls.contains(scope.mallId) { changed[scope] = true }
    if shared.isEmpty {
      for scope in catalogue.base.own.keys where malls.contains(scope.mall) {
        changed[RegistryScope(mallId: scope.mall, shopNo: Int32(truncatingIfNeeded: scope.shop ?? 0))] = true
      }
    }
    return changed.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

extension RuleEdition {
  /// The newest rules that can be used: in each scope the newest activation whose version compiles and goes together
  /// with the others. What is passed over is in `held`, and told once by `refused`.
  public static func newest(
    _ registry: RuleRegistry, _ catalogue: RuleCatalogue,
    refused: (RegistryScope, RuleRegistry.Activation, RuleCatalogue.Refusal) -> Void
  ) -> RuleEdition {
    var held: HeldScopes = [:]
    /// Steps back to the newest activation before the one in force that compiles.
    func settle(_ scope: RegistryScope) {
      while let active = registry.inForce(scope, held: held), !active.value.hash.isEmpty {
        guard case .failure(let refusal) = catalogue.set(active.value.hash, in: registry) else { return }
        refused(scope, active, refusal)
        held[scope] = active.value.number - 1
      }
    }
    // What was in force in an edition that held nothing back can be used for ever.
    let known = catalogue.checked.flatMap { $0.edition.held.isEmpty ? $0.edition.rulesEnd : nil } ?? .min
    var newer: [(scope: RegistryScope, activation: RuleRegistry.Activation)] = []
    for (scope, list) in registry.activations {
      if let last = list.last, last.offset >= known { newer.append((scope, last)) }
    }
    catalogue.prepare(Set(newer.map(\.activation.value.hash)), in: registry)
    let doubtful = newer.filter { !catalogue.isUsable($0.activation, in: registry) }.map(\.scope)
    for scope in doubtful.sorted() { settle(scope) }
    /// The one that came last waits.
    func hold(of involved: Set<RegistryScope>, _ refusal: RuleCatalogue.Refusal) -> Bool {
      let latest = involved.compactMap { scope in
        registry.inForce(scope, held: held).map { (scope, $0) }
      }.filter { !$0.1.value.hash.isEmpty }.max { $0.1.offset < $1.1.offset }
      guard let latest else { return false }
      refused(latest.0, latest.1, refusal)
      held[latest.0] = latest.1.value.number - 1
      settle(latest.0)
      return true
    }
    while true {
      let edition = RuleEdition(
        registry, rulesEnd: registry.activationsEnd, held: held, after: catalogue.checked?.edition)
      guard let (involved, refusal) = edition.problem(catalogue, registry), hold(of: involved, refusal) else {
        return edition
      }
    }
  }

  /// What does not go together in it: two sets that compile may together be too much, and so may those of all malls.
  private func problem(_ catalogue: RuleCatalogue, _ registry: RuleRegistry)
    -> (scopes: Set<RegistryScope>, RuleCatalogue.Refusal)?
  {
    if isFineSinceChecked(catalogue, registry) { return nil }
    var lists: Set<[UInt8]> = []
    for scope in [.shared] + scopes(catalogue) {
      switch ruleSet(mallId: scope.mallId, shopNo: scope.shopNo, catalogue, registry) {
      case .success(let set): for list in set.demand.lists { lists.insert(Array(list.utf8)) }
      case .failure(let refusal):
        return ([.shared, RegistryScope(mallId: scope.mallId), scope], refusal)
      }
    }
    guard lists.count > FactLayout.listsMax else {
      catalogue.checked = RuleCatalogue.Checked(edition: self, lists: lists)
      return nil
    }
    let refusal = RuleCatalogue.Refusal(
      description: "with the rules of all other malls more than \(FactLayout.listsMax) lists")
    return (Set(own.keys).union([.shared]), refusal)
  }

  /// Nothing is wrong with what has changed since an edition with which nothing was; false: that may be otherwise.
  private func isFineSinceChecked(_ catalogue: RuleCatalogue, _ registry: RuleRegistry) -> Bool {
    guard let checked = catalogue.checked,
      let scopes = changedScopes(since: checked.edition, catalogue)
    else { return false }
    // Lists that nobody asks for any more are among them: too many is looked at anew.
    var lists = checked.lists
    for (scope, _) in scopes {
      guard
        case .success(let set) = ruleSet(
          mallId: scope.mallId, shopNo: scope.shopNo, catalogue, registry)
      else { return false }
      for list in set.demand.lists { lists.insert(Array(list.utf8)) }
    }
    guard lists.count <= FactLayout.listsMax else { return false }
    catalogue.checked = RuleCatalogue.Checked(edition: self, lists: lists)
    return true
  }
}
