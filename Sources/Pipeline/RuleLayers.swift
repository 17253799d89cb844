import EvaluateStage
public import RuleVersions
public import Rules
import Topics

/// The rules of all malls at one time, made ready: the shared ones and those of malls and shops.
public struct RuleLayers: Sendable {
  public private(set) var shared: RuleSet
  /// Published versions of malls and shops, which lie over the shared rules.
  public private(set) var own: [RegistryScope: RuleSet]
  /// Where the shared rules are files: those files, with what malls and shops have in them.
  private var book: RuleBook?

  public init(shared: RuleSet, own: [RegistryScope: RuleSet] = [:]) {
    self.shared = shared
    self.own = own
  }

  /// Of files alone.
  public init(book: RuleBook) {
    self.init(shared: book.shared)
    self.book = book
  }

  /// What is in force now; the files where no shared version is.
  public init(_ registry: RuleRegistry, base: RuleBook) throws {
    let catalogue = RuleCatalogue(base: base)
    let edition = RuleEdition.newest(registry, catalogue) { _, _, _ in }
    shared = try edition.shared.isEmpty ? base.shared : catalogue.set(edition.shared, in: registry).get()
    own = try edition.own.mapValues { try catalogue.set($0, in: registry).get() }
    book = edition.shared.isEmpty ? base : nil
  }

  /// With other rules in one scope.
  public func replacing(_ scope: RegistryScope, with set: RuleSet) -> RuleLayers {
    var other = self
    if scope.isShared {
      other.shared = set
      other.book = nil
    } else {
      other.own[scope] = set
    }
    return other
  }

  /// With files in place of the shared rules; what they say of malls and shops takes the place of these's versions.
  public func replacingShared(with files: RuleBook) -> RuleLayers {
    var other = self
    other.shared = files.shared
    other.book = files
    for scope in files.scopes {
      other.own[RegistryScope(mallId: scope.mall, shopNo: Int32(clamping: scope.shop ?? 0))] = nil
    }
    return other
  }

  /// What decides the orders of a shop.
  public func ruleSet(mallId: String, shopNo: Int32) throws -> RuleSet {
    var layers = [book?.ruleSet(mall: mallId, shop: Int(shopNo)) ?? shared]
    if let set = own[RegistryScope(mallId: mallId)] { layers.append(set) }
    if shopNo != 0, let set = own[RegistryScope(mallId: mallId, shopNo: shopNo)] { layers.append(set) }
    return try RuleSet.layered(layers, hash: RuleSet.layeredHash(layers.map(\.hash)))
  }

  /// Every set that decides something.
  public var sets: [RuleSet] {
    [shared] + own.values + (book.map { book in book.scopes.map { book.ruleSet(of: $0) } } ?? [])
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
