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

  public init(_ registry: RuleRegistry, rulesEnd: Int64, held: HeldScopes = [:]) {
    self.rulesEnd = rulesEnd
    self.held = held
    shared = registry.inForce(.shared, before: rulesEnd, held: held)?.value.hash ?? ""
    var own: [RegistryScope: String] = [:]
    for scope in registry.activations.keys where !scope.isShared {
      if let hash = registry.inForce(scope, before: rulesEnd, held: held)?.value.hash, !hash.isEmpty {
        own[scope] = hash
      }
    }
    self.own = own
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
    catalogue.layered(layers(mallId: mallId, shopNo: shopNo), in: registry)
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
    let scopes = registry.activations.keys.sorted()
    for scope in scopes { settle(scope) }
    // Two sets that compile may together be too much: the one that came later waits.
    var isSettled = false
    while !isSettled {
      isSettled = true
      let edition = RuleEdition(registry, rulesEnd: registry.activationsEnd, held: held)
      for scope in edition.own.keys.sorted() {
        let result = edition.ruleSet(
          mallId: scope.mallId, shopNo: scope.shopNo, catalogue, registry)
        guard case .failure(let refusal) = result else { continue }
        let involved = [.shared, RegistryScope(mallId: scope.mallId), scope]
        let latest = Set(involved).compactMap { scope in
          registry.inForce(scope, held: held).map { (scope, $0) }
        }.filter { !$0.1.value.hash.isEmpty }.max { $0.1.offset < $1.1.offset }
        guard let latest else { continue }
        refused(latest.0, latest.1, refusal)
        held[latest.0] = latest.1.value.number - 1
        settle(latest.0)
        isSettled = false
        break
      }
    }
    return RuleEdition(registry, rulesEnd: registry.activationsEnd, held: held)
  }
}
