public import Orders

/// The rule sets of any number of malls as one graph of columns and predicates, each of which exists once.
///
/// Compiled once per change of a rule set; immutable, so any thread may evaluate it.
public struct Plan: Sendable {
  public struct PlannedRule: Sendable {
    /// Position in `ruleSets`.
    public var ruleSet: Int
    /// Position in `ruleSets[ruleSet].rules`.
    public var rule: Int
    let root: NodeReference
    let terms: [NodeReference]
    /// Item scope: which lines match.
    let match: NodeReference?
    /// Where the rule does what its `otherwise` says; nil when it has none.
    let otherwise: NodeReference?
  }

  public enum PlanError: Error, Equatable, Sendable {
    case tooManyLists(max: Int)
    case tooManyClaimWindows(max: Int)
  }

  public let ruleSets: [RuleSet]
  /// Decided rules, ordered by rule set, then as in the set.
  public let rules: [PlannedRule]
  /// What a batch must hold for this plan.
  public let layout: FactLayout
  public let zone: ShopZone
  let graph: Graph

  /// Throws when the sets together ask for more lists or claim counts than a batch has room for.
  public init(_ ruleSets: [RuleSet], zone: ShopZone = .seoul) throws(PlanError) {
    var lists: Set<[UInt8]> = []
    var windows: Set<ClaimWindow> = []
    for set in ruleSets {
      lists.formUnion(set.demand.lists.map { Array($0.utf8) })
      windows.formUnion(set.demand.claimWindows)
    }
    guard lists.count <= FactLayout.listsMax else { throw .tooManyLists(max: FactLayout.listsMax) }
    guard windows.count <= FactLayout.claimWindowsMax else {
      throw .tooManyClaimWindows(max: FactLayout.claimWindowsMax)
    }
    var layout = FactLayout()
    layout.listBytes = lists.sorted { $0.lexicographicallyPrecedes($1) }
    layout.claimWindows = windows.sorted()
    var builder = GraphBuilder(layout: layout)
    var planned: [PlannedRule] = []
    for (setIndex, set) in ruleSets.enumerated() {
      planned += builder.plan(set).map { position, compiled in
        PlannedRule(
          ruleSet: setIndex, rule: position, root: compiled.root, terms: compiled.terms,
          match: compiled.match, otherwise: compiled.otherwise)
      }
    }
    self.ruleSets = ruleSets
    self.zone = zone
    rules = planned
    self.layout = builder.layout
    graph = builder.graph
  }

  public func uses(_ fact: Fact) -> Bool { layout.uses(fact) }
  /// Nodes of the graph: what a batch costs.
  public var nodeCount: Int { graph.nodes.count }
}
