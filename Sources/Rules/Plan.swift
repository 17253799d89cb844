public import Orders

/// The rule sets of any number of malls as one graph of columns and predicates, each of which exists once.
///
/// Rules that differ only in the numbers they compare with are one node whose constant is a column: ten thousand
/// malls with rules from one template cost as much as one. Compiled once; a change of one mall's set gives the next
/// plan, in which all that was there stays where it was. Immutable, so any thread may evaluate it.
public struct Plan: Sendable {
  public struct PlannedRule: Sendable {
    /// Position in `ruleSets`.
    public let ruleSet: Int
    /// Position in `ruleSets[ruleSet].rules`.
    public let rule: Int
    /// Position in the rules of the profile.
    let place: Int
  }

  public enum PlanError: Error, Equatable, Sendable {
    case tooManyLists(max: Int)
    /// Of measures of earlier orders.
    case tooManyAggregates(max: Int)
    case tooManyRuleSets(max: Int)
  }

  /// Rule sets of one plan.
  public static let ruleSetsMax = 200_000

  public internal(set) var ruleSets: [RuleSet]
  /// Decided rules, ordered by rule set, then as in the set.
  public internal(set) var rules: [PlannedRule] = []
  public let zone: ShopZone
  var compiler: PlanCompiler
  /// Per rule set: its profile, and where its parameters stand in `parameters`.
  var setProfiles: [UInt32] = []
  var parameterStarts: [Int32] = []
  var parameters: [Int64] = []

  /// What a batch must hold for this plan.
  public var layout: FactLayout { compiler.builder.layout }
  var graph: Graph { compiler.builder.graph }
  var profiles: [Profile] { compiler.profiles }

  /// Throws when the sets together ask for more lists or measures of earlier orders than a batch has room for.
  public init(_ ruleSets: [RuleSet], zone: ShopZone = .seoul) throws(PlanError) {
    guard ruleSets.count <= Plan.ruleSetsMax else { throw .tooManyRuleSets(max: Plan.ruleSetsMax) }
    self.ruleSets = ruleSets
    self.zone = zone
    compiler = PlanCompiler(layout: Plan.layout(of: ruleSets))
    let described = ruleSets.map { compiler.describe($0) }
    setProfiles.reserveCapacity(ruleSets.count)
    for (set, description) in zip(ruleSets, described) {
      setProfiles.append(UInt32(truncatingIfNeeded: compiler.profile(of: set, description)))
    }
    try layout.checkLimits()
    for (index, description) in described.enumerated() {
      parameterStarts.append(Int32(truncatingIfNeeded: parameters.count))
      parameters += compiler.parameters(description, of: profile(of: index))
    }
    numberRules()
  }

  func profile(of set: Int) -> Profile { profiles[Int(setProfiles[set])] }

  private static func layout(of ruleSets: [RuleSet]) -> FactLayout {
    var lists: Set<[UInt8]> = []
    var windows: Set<ClaimWindow> = []
    var timed: Set<TimedFact> = []
    var aggregates: Set<HistoryAggregate> = []
    for set in ruleSets {
      for list in set.demand.lists { lists.insert(Array(list.utf8)) }
      windows.formUnion(set.demand.claimWindows)
      timed.formUnion(set.demand.timedFacts)
      aggregates.formUnion(set.demand.aggregates)
    }
    var layout = FactLayout()
    for list in lists.sorted(by: { $0.lexicographicallyPrecedes($1) }) { _ = layout.addList(list) }
    for window in windows.sorted() { _ = layout.addClaims(window) }
    for fact in timed.sorted() { _ = layout.addTimed(fact) }
    for aggregate in aggregates.sorted() { _ = layout.addAggregate(aggregate) }
    return layout
  }

  private mutating func numberRules() {
    rules.removeAll(keepingCapacity: true)
    rules.reserveCapacity(setProfiles.reduce(0) { $0 + profiles[Int($1)].rules.count })
    for set in setProfiles.indices {
      for (place, rule) in profile(of: set).rules.enumerated() {
        rules.append(PlannedRule(ruleSet: set, rule: rule.position, place: place))
      }
    }
  }

  public func uses(_ fact: Fact) -> Bool { layout.uses(fact) }
  /// Nodes of the graph: what a batch costs at most.
  public var nodeCount: Int { graph.nodes.count }

  // MARK: One set changes

  /// The plan with another set in place of one of its own, or with one more (`index` = `ruleSets.count`).
  ///
  /// Costs what the new set costs, whatever the others are. Batches made for this plan serve the next when the
  /// layouts are equal. Throws as `init`; the plan itself is unchanged.
  public func replacing(_ index: Int, with set: RuleSet) throws(PlanError) -> Plan {
    guard index >= 0, index <= ruleSets.count, index < Plan.ruleSetsMax else {
      throw .tooManyRuleSets(max: Plan.ruleSetsMax)
    }
    var next = self
    let description = next.compiler.describe(set)
    let profile = next.compiler.profile(of: set, description)
    try next.layout.checkLimits()
    let values = next.compiler.parameters(description, of: next.profiles[profile])
    let start = Int32(truncatingIfNeeded: next.parameters.count)
    if index == ruleSets.count {
      next.ruleSets.append(set)
      next.setProfiles.append(UInt32(truncatingIfNeeded: profile))
      next.parameterStarts.append(start)
      next.parameters += values
    } else {
      let sameLength = next.profiles[Int(setProfiles[index])].parameterColumns.count == values.count
      next.ruleSets[index] = set
      next.setProfiles[index] = UInt32(truncatingIfNeeded: profile)
      if sameLength {
        for (place, value) in values.enumerated() {
          next.parameters[Int(parameterStarts[index]) + place] = value
        }
      } else {
        next.parameterStarts[index] = start
        next.parameters += values
      }
    }
    next.numberRules()
    return next
  }
}

extension FactLayout {
  fileprivate func checkLimits() throws(Plan.PlanError) {
    guard lists.count <= FactLayout.listsMax else { throw .tooManyLists(max: FactLayout.listsMax) }
    guard aggregates.count <= FactLayout.aggregatesMax else {
      throw .tooManyAggregates(max: FactLayout.aggregatesMax)
    }
  }
}
