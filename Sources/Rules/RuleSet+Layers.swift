import Orders

extension RuleSet {
  /// Why rule sets cannot be used together.
  public struct LayerProblem: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// Lists, and counts of claims, that the sets of one shop may name together: what enrich computes for an order.
  static let layeredListsMax = 64
  public static let layeredClaimWindowsMax = 64

  /// The sets as one, known by `hash`: a rule of a later set takes the place of the rule with its id before it.
  ///
  /// Throws when together they are more than one set may be.
  public static func layered(_ layers: [RuleSet], hash: String) throws(LayerProblem) -> RuleSet {
    var byId: [String: Rule] = [:]
    for layer in layers { for rule in layer.rules { byId[rule.id] = rule } }
    guard byId.count <= rulesMax else {
      throw LayerProblem(description: "together more than \(rulesMax) rules: \(byId.count)")
    }
    // Known by the name that is given: to hash what they say together would be most of the work.
    let set = layers.count == 1 ? layers[0] : RuleSet(Array(byId.values), knownAs: hash)
    guard set.demand.lists.count <= layeredListsMax else {
      throw LayerProblem(description: "together more than \(layeredListsMax) lists")
    }
    guard set.demand.claimWindows.count <= layeredClaimWindowsMax else {
      throw LayerProblem(description: "together more than \(layeredClaimWindowsMax) counts of claims")
    }
    guard set.demand.timedFacts.count <= TimedFact.ofSetMax else {
      throw LayerProblem(description: "together more than \(TimedFact.ofSetMax) spans of time")
    }
    guard set.demand.aggregates.count <= HistoryAggregate.ofSetMax else {
      throw LayerProblem(
        description: "together more than \(HistoryAggregate.ofSetMax) measures of earlier orders")
    }
    return RuleSet(set, knownAs: hash)
  }

  private init(_ set: RuleSet, knownAs hash: String) {
    rules = set.rules
    demand = set.demand
    self.hash = hash
  }

  /// Name of what several published sets are together: theirs when there is one, else SHA-256 of all of them.
  public static func layeredHash(_ hashes: [String]) -> String {
    hashes.count == 1 ? hashes[0] : SHA256.hex(Array(hashes.joined(separator: "+").utf8))
  }

  /// SHA-256 of texts in their order, 64 hex digits; where one ends and the next begins counts.
  public static func textDigest(_ texts: [String]) -> String {
    SHA256.hex(Array(texts.map { "\($0.utf8.count):\($0)\n" }.joined().utf8))
  }
}
