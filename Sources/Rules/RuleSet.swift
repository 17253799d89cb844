import Orders
import YAML

/// What enrich has to compute for a rule set (facts.md, "Fact demand").
public struct FactDemand: Hashable, Sendable {
  /// Sorted, each once.
  public var claimWindows: [ClaimWindow] = []
  /// Sorted, each once.
  public var timedFacts: [TimedFact] = []
  /// Measures of earlier orders; sorted, each once.
  public var aggregates: [HistoryAggregate] = []
  /// Names of product lists, sorted by bytes, each once.
  public var lists: [String] = []
  public var needsHistory = false
  public var needsBundle = false
  public var needsZones = false
  public var needsIpCountry = false
  public var needsStock = false
  public var needsHoliday = false
  public var needsCustomerGrade = false
  public var needsHeldCoupons = false
  public var needsCart = false
  public init() {}

  /// What both ask for.
  public func union(_ other: FactDemand) -> FactDemand {
    var result = self
    result.claimWindows = Set(claimWindows).union(other.claimWindows).sorted()
    result.timedFacts = Set(timedFacts).union(other.timedFacts).sorted()
    result.aggregates = Set(aggregates).union(other.aggregates).sorted()
    result.lists = FactDemand.sortedOnce(lists + other.lists)
    result.needsHistory = needsHistory || other.needsHistory
    result.needsBundle = needsBundle || other.needsBundle
    result.needsZones = needsZones || other.needsZones
    result.needsIpCountry = needsIpCountry || other.needsIpCountry
    result.needsStock = needsStock || other.needsStock
    result.needsHoliday = needsHoliday || other.needsHoliday
    result.needsCustomerGrade = needsCustomerGrade || other.needsCustomerGrade
    result.needsHeldCoupons = needsHeldCoupons || other.needsHeldCoupons
    result.needsCart = needsCart || other.needsCart
    return result
  }
}

extension FactDemand {
  /// What this asks for and the other does not, of what enrich computes only when asked, as rules write it.
  public func beyond(_ other: FactDemand) -> [String] {
    var names = claimWindows.filter { !other.claimWindows.contains($0) }.map { FactReference.claims($0).name }
    names += lists.filter { name in !other.lists.contains { $0.utf8.elementsEqual(name.utf8) } }
      .map { FactReference.list($0).name }
    names += timedFacts.filter { !other.timedFacts.contains($0) }.map { FactReference.timed($0).name }
    names += aggregates.filter { !other.aggregates.contains($0) }.map(\.name)
    if needsStock, !other.needsStock { names.append(FactReference.fact(.itemStockAfter).name) }
    if needsCustomerGrade, !other.needsCustomerGrade {
      names.append(FactReference.fact(.customerGrade).name)
    }
    if needsHeldCoupons, !other.needsHeldCoupons { names.append("heldCoupons") }
    if needsCart, !other.needsCart { names.append("cart") }
    return names
  }
}

/// The rules of one shop, in the order of their ids as bytes; immutable and known by its content hash.
public struct RuleSet: Sendable {
  public let rules: [Rule]
  /// SHA-256 of the canonical content, 64 hex digits: equal rules give equal hashes, whatever the files' layout,
  /// order or comments.
  public let hash: String
  public let demand: FactDemand

  /// Rules of one set.
  public static let rulesMax = 10_000

  /// - Parameter hash: what it is known by; nil: by its content.
  init(_ rules: [Rule], knownAs hash: String? = nil) {
    self.rules = RuleSet.inOrder(RuleSet.sortedById(rules))
    self.hash = hash ?? RuleSet.contentHash(self.rules)
    var demand = FactDemand()
    for place in self.rules.indices where self.rules[place].isDecided {
      let rule = self.rules[place]
      for term in rule.terms { demand.add(term.references) }
      if rule.actions.stockAlert || rule.otherwise?.stockAlert == true { demand.needsStock = true }
    }
    self.demand = demand
  }
}

extension RuleSet {
  /// Places are sorted rather than rules: a rule is large.
  private static func sortedById(_ rules: [Rule]) -> [Rule] {
    let places = rules.indices.sorted { bytesPrecede(rules[$0].id, rules[$1].id) }
    return places.elementsEqual(rules.indices) ? rules : places.map { rules[$0] }
  }

  private static func contentHash(_ rules: [Rule]) -> String {
    var content = CanonicalContent()
    for place in rules.indices { content.add(rules[place]) }
    return SHA256.hex(content.bytes)
  }
}

extension FactDemand {
  /// Names sorted by bytes, each once; equal when their bytes are.
  fileprivate static func sortedOnce(_ names: [String]) -> [String] {
    Set(names.map { Array($0.utf8) }).sorted { $0.lexicographicallyPrecedes($1) }
      .map { String(decoding: $0, as: UTF8.self) }
  }

  private mutating func insert(_ aggregate: HistoryAggregate) {
    var low = 0
    var high = aggregates.count
    while low < high {
      let middle = (low + high) / 2
      if aggregates[middle] < aggregate { low = middle + 1 } else { high = middle }
    }
    if low == aggregates.count || aggregates[low] != aggregate { aggregates.insert(aggregate, at: low) }
  }

  fileprivate mutating func add(_ references: [FactReference]) {
    for reference in references {
      switch reference {
      case .claims(let window):
        if !claimWindows.contains(window) { claimWindows = (claimWindows + [window]).sorted() }
        needsHistory = true
      case .timed(let fact):
        if !timedFacts.contains(fact) { timedFacts = (timedFacts + [fact]).sorted() }
      case .aggregate(let aggregate):
        insert(aggregate)
        needsHistory = true
      case .list(let name):
        if !lists.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
          lists = FactDemand.sortedOnce(lists + [name])
        }
      case .fact(.historyOrders), .fact(.historyAmount): needsHistory = true
      case .fact(.bundlePartners): needsBundle = true
      case .fact(.zones): needsZones = true
      case .fact(.ipCountry): needsIpCountry = true
      case .fact(.itemStockAfter), .fact(.itemStockSafety): needsStock = true
      case .fact(.placedHoliday), .fact(.paidHoliday): needsHoliday = true
      case .fact(.customerGrade): needsCustomerGrade = true
      case .fact(.heldCouponCount): needsHeldCoupons = true
      case .fact(.cartProducts), .fact(.cartQuantity), .fact(.cartAmount): needsCart = true
      case .fact(let fact):
        if fact.level == .heldCoupon { needsHeldCoupons = true }
        if fact.level == .cartLine { needsCart = true }
      }
    }
  }
}
