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
  public let zone: ShopZone
  var compiler: PlanCompiler
  /// Per rule set: its profile.
  var setProfiles: [UInt32] = []
  var parameters: SetParameters
  private var ruleStarts: [Int] = []
  /// Rules of the largest set, and terms of the longest rule, that the plan has or, since it was compiled, had.
  private(set) var rulesMax = 0
  private(set) var termsMax = 0

  /// What a batch must hold for this plan.
  public var layout: FactLayout { compiler.builder.layout }
  var graph: Graph { compiler.builder.graph }
  var profiles: [Profile] { compiler.profiles }
  /// Decided rules, ordered by rule set, then as in the set.
  public var rules: PlannedRules { PlannedRules(setProfiles, profiles, starts: ruleStarts) }

  /// Throws when the sets together ask for more lists or measures of earlier orders than a batch has room for.
  public init(_ ruleSets: [RuleSet], zone: ShopZone = .seoul) throws(PlanError) {
    guard ruleSets.count <= Plan.ruleSetsMax else { throw .tooManyRuleSets(max: Plan.ruleSetsMax) }
    self.ruleSets = ruleSets
    self.zone = zone
    parameters = SetParameters(columnCount: 0, sets: [])
    compiler = PlanCompiler(layout: Plan.layout(of: ruleSets))
    let described = ruleSets.map { compiler.describe($0) }
    setProfiles.reserveCapacity(ruleSets.count)
    for (set, description) in zip(ruleSets, described) {
      setProfiles.append(UInt32(truncatingIfNeeded: compiler.profile(of: set, description)))
    }
    try layout.checkLimits()
    setParameters(described)
    measure()
  }

  /// What is made of the graph and the profiles of one serves the other.
  func hasGraph(of other: Plan) -> Bool {
    compiler.state === other.compiler.state && (parameters.table == nil) == (other.parameters.table == nil)
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

  private mutating func setParameters(_ described: [PlanCompiler.Description]) {
    let sets = described.indices.map { index in
      let profile = profile(of: index)
      return (columns: profile.parameterColumns, values: compiler.parameters(described[index], of: profile))
    }
    parameters = SetParameters(columnCount: compiler.columnCount, sets: sets)
  }

  private mutating func measure() {
    ruleStarts = PlannedRules.starts(setProfiles, profiles)
    rulesMax = ruleSets.reduce(rulesMax) { max($0, $1.rules.count) }
    for profile in profiles { for rule in profile.rules { termsMax = max(termsMax, rule.terms.count) } }
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
    var next = self
    try next.replace(index, with: set)
    return next
  }

  /// As `replacing`, in place; after a throw the plan is not to be used.
  mutating func replace(_ index: Int, with set: RuleSet) throws(PlanError) {
    guard index >= 0, index <= ruleSets.count, index < Plan.ruleSetsMax else {
      throw .tooManyRuleSets(max: Plan.ruleSetsMax)
    }
    let profileCount = profiles.count
    let description = compiler.describe(set)
    let number = compiler.profile(of: set, description)
    try layout.checkLimits()
    let profile = profiles[number]
    let former = (profiles: compiler.profiles, sets: setProfiles)
    parameters.put(
      compiler.parameters(description, of: profile), profile.parameterColumns, of: index,
      columnCount: compiler.columnCount, setCount: ruleSets.count
    ) { former.profiles[Int(former.sets[$0])].parameterColumns }
    let growth: Int
    if index == ruleSets.count {
      ruleSets.append(set)
      setProfiles.append(UInt32(truncatingIfNeeded: number))
      ruleStarts.append(ruleStarts.last ?? 0)
      growth = profile.rules.count
    } else {
      growth = profile.rules.count - self.profile(of: index).rules.count
      ruleSets[index] = set
      setProfiles[index] = UInt32(truncatingIfNeeded: number)
    }
    if growth != 0 { for later in (index + 1)..<ruleStarts.count { ruleStarts[later] += growth } }
    rulesMax = max(rulesMax, set.rules.count)
    if profiles.count > profileCount {
      for rule in profile.rules { termsMax = max(termsMax, rule.terms.count) }
    }
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
