/// The rules of all malls as one plan, and which of its sets decides whose orders. Immutable but by `changed`.
///
/// Set 0 is the shared one. Malls with equal sets (by hash) share one.
public struct MallPlan: Sendable {
  public private(set) var plan: Plan
  public private(set) var shops = ShopRuleSets()
  /// Set of each mall and shop with rules of its own.
  private var indexes: [RuleScope: Int] = [:]
  /// By hash: sets of malls and shops.
  private var known: [String: Int] = [:]
  /// By set: malls and shops that have it.
  private var users: [Int] = []
  /// Sets that nobody has any more.
  private var free: [Int] = []
  /// Sets put in place of others since the plan was compiled: what they left behind stays in its graph.
  private var replacedCount = 0

  /// Changes of single sets that are cheaper than to compile all of them anew.
  static let changedMax = 32
  /// Replaced sets after which the whole is compiled anew, so that nothing of them is left.
  static let replacedMax = 1_000

  /// - Parameter own: what decides the orders of malls and shops, the shared rules included (`RuleBook.ruleSet`).
  public init(shared: RuleSet, own: [RuleScope: RuleSet] = [:]) throws(Plan.PlanError) {
    var sets = [shared]
    users = [1]
    for scope in own.keys.sorted() {
      guard let set = own[scope] else { continue }
      let index = known[set.hash] ?? sets.count
      if index == sets.count {
        sets.append(set)
        users.append(0)
        known[set.hash] = index
      }
      users[index] += 1
      indexes[scope] = index
      shops.set(scope, to: index)
    }
    plan = try Plan(sets)
  }

  /// The first set of a plan decides the orders of every mall.
  public init(_ plan: Plan) {
    self.plan = plan
    users = Array(repeating: 1, count: plan.ruleSets.count)
  }

  public init(_ book: RuleBook) throws(Plan.PlanError) {
    try self.init(shared: book.shared, own: book.effective)
  }

  /// The rules of a shop.
  public func ruleSet(mall: String, shop: Int) -> RuleSet {
    let scopes = [RuleScope(mall: mall, shop: shop), RuleScope(mall: mall)]
    return plan.ruleSets[scopes.lazy.compactMap { indexes[$0] }.first ?? 0]
  }

  /// The plan for these rules: a few changes are made in what there is, for many all is compiled anew.
  public func changed(shared: RuleSet, own: [RuleScope: RuleSet]) throws(Plan.PlanError) -> MallPlan {
    var changes: [RuleScope: RuleSet?] = [:]
    var kept = 0
    for (scope, set) in own {
      if let index = indexes[scope] {
        kept += 1
        if plan.ruleSets[index].hash == set.hash { continue }
      }
      changes[scope] = set
      if changes.count > MallPlan.changedMax { break }
    }
    if kept < indexes.count, changes.count <= MallPlan.changedMax {
      for scope in indexes.keys where own[scope] == nil { changes[scope] = .some(nil) }
    }
    if let next = changing(shared: shared, changes) { return next }
    return try MallPlan(shared: shared, own: own)
  }

  /// The plan with other sets for some malls and shops; nil for one: none of its own any more. Nil when it is cheaper,
  /// or the only way, to compile all of them anew.
  public func changing(shared: RuleSet, _ changes: [RuleScope: RuleSet?]) -> MallPlan? {
    let count = changes.count + 1
    guard count <= MallPlan.changedMax, replacedCount + count <= MallPlan.replacedMax else { return nil }
    do throws(Plan.PlanError) {
      var next = self
      for scope in changes.keys.sorted() {
        guard let change = changes[scope] else { continue }
        if let set = change { try next.put(set, scope) } else { next.release(scope) }
      }
      if plan.ruleSets[0].hash != shared.hash { try next.plan.replace(0, with: shared) }
      next.replacedCount += count
      return next
    } catch {
      // Names of lists that only former sets asked for may have filled it.
      return nil
    }
  }

  private mutating func release(_ scope: RuleScope) {
    guard let index = indexes.removeValue(forKey: scope) else { return }
    shops.set(scope, to: nil)
    users[index] -= 1
    guard users[index] == 0 else { return }
    known[plan.ruleSets[index].hash] = nil
    free.append(index)
  }

  private mutating func put(_ set: RuleSet, _ scope: RuleScope) throws(Plan.PlanError) {
    if let index = indexes[scope], plan.ruleSets[index].hash == set.hash { return }
    release(scope)
    let index: Int
    if let same = known[set.hash] {
      index = same
    } else {
      index = free.popLast() ?? users.count
      try plan.replace(index, with: set)
      if index == users.count { users.append(0) }
      known[set.hash] = index
    }
    users[index] += 1
    indexes[scope] = index
    shops.set(scope, to: index)
  }
}

extension RuleBook {
  /// What decides the orders of each mall and shop with rules of its own.
  public var effective: [RuleScope: RuleSet] {
    Dictionary(uniqueKeysWithValues: own.keys.map { ($0, ruleSet(of: $0)) })
  }

  /// A book of the rules that all malls share.
  public init(shared: RuleSet) {
    self.shared = shared
    own = [:]
  }

  /// What the rules of all malls ask for.
  public var demand: FactDemand {
    effective.values.reduce(shared.demand) { $0.union($1.demand) }
  }
}
