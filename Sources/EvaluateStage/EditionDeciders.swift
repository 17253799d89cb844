import Rules
import Topics

/// The deciders of one edition: the shared one, and one for each rule set of a mall of its own that orders came for.
///
/// Rows of a batch are grouped by their rule set. An order is always decided by the same decider within an edition,
/// so its records stay in their order.
final class EditionDeciders {
  let edition: RuleEdition
  let shared: Decider
  private let catalogue: RuleCatalogue
  private let malls: Set<String>
  private var byShop: [RegistryScope: Decider] = [:]
  /// By hash of the rule set; taken over by the next edition.
  private(set) var bySet: [String: Decider]

  /// Rows gathered at a time for the orders of a mall with rules of its own.
  static let ownCapacity = 256

  /// Throws when the rules that a switch put in force cannot be used by this program.
  init(
    _ edition: RuleEdition, _ catalogue: RuleCatalogue, _ registry: RuleRegistry,
    reusing former: EditionDeciders?
  ) throws {
    self.edition = edition
    self.catalogue = catalogue
    malls = Set(edition.own.keys.map(\.mallId))
    let set = try EditionDeciders.get(edition.ruleSet(mallId: "", shopNo: 0, catalogue, registry), edition)
    shared = try former?.bySet[set.hash] ?? Decider(plan: try Plan([set]))
    bySet = [set.hash: shared]
    guard let former else { return }
    // What is still wanted is taken over; the rest is let go.
    for (scope, _) in former.byShop {
      let wanted = try EditionDeciders.get(
        edition.ruleSet(mallId: scope.mallId, shopNo: scope.shopNo, catalogue, registry), edition)
      guard let decider = former.bySet[wanted.hash] else { continue }
      bySet[wanted.hash] = decider
      byShop[scope] = decider
    }
  }

  private static func get(_ result: Result<RuleSet, RuleCatalogue.Refusal>, _ edition: RuleEdition) throws
    -> RuleSet
  {
    switch result {
    case .success(let set): return set
    case .failure(let refusal):
      throw RuleSwitchProblem(
        description:
          "the rules that a switch put in force (rules below \(edition.rulesEnd)) cannot be used by this "
          + "version of the program: \(refusal)")
    }
  }

  /// The decider of an enriched record.
  func decider(of record: UnsafeRawBufferPointer, _ registry: RuleRegistry) throws -> Decider {
    if malls.isEmpty { return shared }
    guard let view = EnrichedView(record), let shop = EditionDeciders.shop(of: view.snapshot) else {
      return shared
    }
    guard malls.contains(shop.mallId) else { return shared }
    if let known = byShop[shop] { return known }
    let set = try EditionDeciders.get(
      edition.ruleSet(mallId: shop.mallId, shopNo: shop.shopNo, catalogue, registry), edition)
    let decider = try bySet[set.hash] ?? Decider(plan: try Plan([set]), capacity: Self.ownCapacity)
    bySet[set.hash] = decider
    byShop[shop] = decider
    return decider
  }

  private static func shop(of snapshot: UnsafeRawBufferPointer) -> RegistryScope? {
    var reader = ProtobufReader(snapshot)
    var scope = RegistryScope.shared
    while reader.next(), reader.field <= 2 {
      switch reader.field {
      case 1: scope.mallId = reader.string()
      default: scope.shopNo = reader.int32()
      }
    }
    return reader.failed || scope.mallId.isEmpty ? nil : scope
  }
}

/// Why an evaluate lane cannot go on with published rules.
struct RuleSwitchProblem: Error, CustomStringConvertible {
  let description: String
}
