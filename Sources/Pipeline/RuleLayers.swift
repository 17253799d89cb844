public import EvaluateStage
public import Rules
import Topics

/// The rules of all malls at one time, made ready: the shared ones and those of malls and shops.
public struct RuleLayers: Sendable {
  public var shared: RuleSet
  public var own: [RegistryScope: RuleSet]

  public init(shared: RuleSet, own: [RegistryScope: RuleSet] = [:]) {
    self.shared = shared
    self.own = own
  }

  /// What is in force now; `base` where no shared version is.
  public init(_ registry: RuleRegistry, base: RuleSet) throws {
    let catalogue = RuleCatalogue(base: base)
    let edition = RuleEdition.newest(registry, catalogue) { _, _, _ in }
    shared = try edition.shared.isEmpty ? base : catalogue.set(edition.shared, in: registry).get()
    own = try edition.own.mapValues { try catalogue.set($0, in: registry).get() }
  }

  /// With other rules in one scope.
  public func replacing(_ scope: RegistryScope, with set: RuleSet) -> RuleLayers {
    var other = self
    if scope.isShared { other.shared = set } else { other.own[scope] = set }
    return other
  }

  /// What decides the orders of a shop.
  public func ruleSet(mallId: String, shopNo: Int32) throws -> RuleSet {
    var layers = [shared]
    if let set = own[RegistryScope(mallId: mallId)] { layers.append(set) }
    if shopNo != 0, let set = own[RegistryScope(mallId: mallId, shopNo: shopNo)] { layers.append(set) }
    return try RuleSet.layered(layers, hash: RuleSet.layeredHash(layers.map(\.hash)))
  }
}

/// Decides enriched records under the rules of their shops, with the stage's own decider.
final class LayeredDecider {
  private let layers: RuleLayers
  private var byShop: [RegistryScope: RuleSet] = [:]
  private var deciders: [String: Decider] = [:]

  /// Rows gathered at a time.
  static let capacity = 1_024

  init(_ layers: RuleLayers) { self.layers = layers }

  func ruleSet(_ shop: RegistryScope) throws -> RuleSet {
    if let known = byShop[shop] { return known }
    let set = try layers.ruleSet(mallId: shop.mallId, shopNo: shop.shopNo)
    byShop[shop] = set
    return set
  }

  /// Decisions of the records, in their order; nil where one is malformed.
  func decide(_ records: [(shop: RegistryScope, bytes: UnsafeRawBufferPointer)]) throws -> [DecisionValue?] {
    var decisions = [DecisionValue?](repeating: nil, count: records.count)
    func flush(_ decider: Decider) {
      decider.decide { decisions[$0.input] = DecisionValue(protobuf: $0.bytes) }
    }
    for (index, record) in records.enumerated() {
      let set = try ruleSet(record.shop)
      let decider = try deciders[set.hash] ?? Decider(plan: try Plan([set]), capacity: Self.capacity)
      deciders[set.hash] = decider
      if decider.isFull { flush(decider) }
      _ = decider.add(record.bytes, input: index)
    }
    for decider in deciders.values { flush(decider) }
    return decisions
  }
}
