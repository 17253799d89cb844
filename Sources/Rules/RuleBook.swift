import Orders
import YAML

/// Whose rules these are: those of a mall, or of one shop of it.
public struct RuleScope: Hashable, Sendable, Comparable {
  public var mall: String
  /// Nil: every shop of the mall.
  public var shop: Int?

  public init(mall: String, shop: Int? = nil) {
    self.mall = mall
    self.shop = shop
  }

  public static func < (left: RuleScope, right: RuleScope) -> Bool {
    left.mall.utf8.elementsEqual(right.mall.utf8)
      ? (left.shop ?? .min) < (right.shop ?? .min) : bytesPrecede(left.mall, right.mall)
  }
}

/// The rules that all malls share, and what malls and shops have of their own.
///
/// A rule of a mall takes the place of the shared rule with its id, and a rule of a shop that of its mall's.
public struct RuleBook: Sendable {
  public let shared: RuleSet
  /// Malls and shops with rules of their own.
  public let own: [RuleScope: [Rule]]

  /// Malls and shops of one book with rules of their own.
  public static let scopesMax = 100_000

  /// The malls and shops that have rules of their own, sorted.
  public var scopes: [RuleScope] { own.keys.sorted() }

  /// The rules that decide an order of this shop; the shared ones when neither it nor its mall has any.
  public func ruleSet(mall: String, shop: Int) -> RuleSet { ruleSet(of: RuleScope(mall: mall, shop: shop)) }

  /// As `ruleSet(mall:shop:)`; without a shop: of a shop that has no rules of its own.
  public func ruleSet(of scope: RuleScope) -> RuleSet {
    let mall = own[RuleScope(mall: scope.mall)] ?? []
    let shop = scope.shop.flatMap { own[RuleScope(mall: scope.mall, shop: $0)] } ?? []
    if mall.isEmpty, shop.isEmpty { return shared }
    return RuleSet(RuleBook.layered([shared.rules, mall, shop].filter { !$0.isEmpty }))
  }

  /// A rule of a later layer takes the place of the one with its id before it.
  private static func layered(_ layers: [[Rule]]) -> [Rule] {
    if layers.count == 1 { return layers[0] }
    var layerOf: [String: Int] = [:]
    for (layer, rules) in layers.enumerated() { for rule in rules { layerOf[rule.id] = layer } }
    return layers.enumerated().flatMap { layer, rules in rules.filter { layerOf[$0.id] == layer } }
  }

  /// Reads rule files, of which those with `mall:` (and `shop:`) hold for that mall (or shop) alone, and templates.
  ///
  /// Throws every problem of all files at once.
  public static func load(files: [(path: String, text: String)], installsTemplates: Bool = true)
    throws(Diagnostics) -> RuleBook
  {
    var reader = RuleFileReader()
    reader.read(files, installsTemplates: installsTemplates)
    let shared = RuleSet(reader.sharedRules)
    let own = reader.ownRules
    let file = files.first?.path ?? ""
    if own.count > scopesMax {
      reader.report(.init(file: file, line: 1, column: 1), "more than \(scopesMax) malls and shops")
    }
    reader.checkLists(shared, file: file)
    guard reader.diagnostics.isEmpty else { throw Diagnostics(reader.diagnostics) }
    return RuleBook(shared: shared, own: own)
  }
}

extension RuleSet {
  /// Reads rule files and templates. A template that is given is usable by every rule; with
  /// `installsTemplates` each is also a rule of its own name, with the default parameters.
  ///
  /// Throws every problem of all files at once; rules of one mall alone are such a problem (`RuleBook` reads them).
  public static func load(files: [(path: String, text: String)], installsTemplates: Bool = true)
    throws(Diagnostics) -> RuleSet
  {
    var reader = RuleFileReader()
    reader.allowsScopes = false
    reader.read(files, installsTemplates: installsTemplates)
    let set = RuleSet(reader.sharedRules)
    reader.checkLists(set, file: files.first?.path ?? "")
    guard reader.diagnostics.isEmpty else { throw Diagnostics(reader.diagnostics) }
    return set
  }
}

extension RuleFileReader {
  /// A record has a bit for each list that its rules ask for.
  fileprivate mutating func checkLists(_ set: RuleSet, file: String) {
    if set.demand.timedFacts.count > TimedFact.ofSetMax {
      report(
        .init(file: file, line: 1, column: 1),
        "the rules name more than \(TimedFact.ofSetMax) spans of time")
    }
    if set.demand.aggregates.count > HistoryAggregate.ofSetMax {
      report(
        .init(file: file, line: 1, column: 1),
        "the rules name \(set.demand.aggregates.count) measures of earlier orders; there may be \(HistoryAggregate.ofSetMax)",
        hint: "rules that ask for the same product, window and measure count once")
    }
    guard set.demand.lists.count > FactLayout.listsOfSetMax else { return }
    report(
      .init(file: file, line: 1, column: 1), "the rules name more than \(FactLayout.listsOfSetMax) lists")
  }
}
