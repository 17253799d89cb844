import EvaluateStage
import Orders
public import RuleVersions
public import Rules
import Topics

/// What shadow rules would have done, read back from recorded decisions.
public final class ShadowReport {
  private struct Tally {
    var decisions = 0
    var isTrue = 0
    var unknown = 0
    var added = 0
    var withdrawn = 0
    /// True, and what it would add is there already.
    var unchanged = 0
    /// By day of the order: decisions, and those on which it was true.
    var days: [CivilDate: (decisions: Int, isTrue: Int)] = [:]
    /// Orders, by active rule, on which both were true.
    var shared: [String: Int] = [:]
    var samples: [String] = []
  }
  private struct Seen: Hashable {
    var order: OrderIdentity
    var rule: String
  }

  private let registry: RuleRegistry
  private let catalogue: RuleCatalogue
  private var sets: [String: RuleSet?] = [:]
  private var tallies: [String: Tally] = [:]
  private var wasTrue: Set<Seen> = []
  public private(set) var decisionCount = 0
  public private(set) var unreadableCount = 0

  /// Order and rule pairs remembered, to see what would have been withdrawn; further ones are counted only.
  public static let pairsMax = 2_000_000

  /// - Parameter base: the rules of the configuration, for decisions made under them.
  public init(_ registry: RuleRegistry, base: RuleBook) {
    self.registry = registry
    catalogue = RuleCatalogue(base: base)
    for set in [base.shared] + base.scopes.map({ base.ruleSet(of: $0) }) { sets[set.hash] = set }
  }

  /// Takes one record of `decisions`, in the topic's order.
  public func add(_ record: UnsafeRawBufferPointer) {
    // Acts of people stand among the decisions.
    if let header = DecisionHeader(record), header.vetoLift != nil { return }
    guard let decision = DecisionValue(protobuf: record), let set = set(of: decision) else {
      unreadableCount += 1
      return
    }
    decisionCount += 1
    let outcomes = decision.outcomes
    guard outcomes.count == set.rules.count else { return }
    let identity = OrderIdentity(mallId: decision.mallId, shopNo: decision.shopNo, orderId: decision.orderId)
    let active = zip(set.rules, outcomes).compactMap { $0.state == .active && $1 == 1 ? $0.id : nil }
    let carried = Set(decision.labels.map(\.label))
    for (rule, outcome) in zip(set.rules, outcomes) where rule.state == .shadow {
      note(rule, outcome, identity, active, carried)
      let day = ShopZone.seoul.civil(decision.placedAt).date
      tallies[rule.id]?.days[day, default: (0, 0)].decisions += 1
      if outcome == 1 { tallies[rule.id]?.days[day]?.isTrue += 1 }
    }
  }

  private func note(
    _ rule: Rule, _ outcome: UInt8, _ order: OrderIdentity, _ active: [String], _ carried: Set<String>
  ) {
    var tally = tallies[rule.id] ?? Tally()
    tally.decisions += 1
    if outcome == 2 { tally.unknown += 1 }
    let seen = Seen(order: order, rule: rule.id)
    if outcome == 1 {
      tally.isTrue += 1
      if wasTrue.count < Self.pairsMax, wasTrue.insert(seen).inserted {
        if !rule.actions.labels.allSatisfy(carried.contains) || rule.actions.labels.isEmpty {
          tally.added += 1
        } else {
          tally.unchanged += 1
        }
        for id in active { tally.shared[id, default: 0] += 1 }
        if tally.samples.count < BacktestReport.samplesMax { tally.samples.append(order.orderId) }
      }
    } else if wasTrue.remove(seen) != nil {
      tally.withdrawn += 1
    }
    tallies[rule.id] = tally
  }

  /// The rules that a decision names.
  private func set(of decision: DecisionValue) -> RuleSet? {
    if let known = sets[decision.ruleSet] { return known }
    var found: RuleSet?
    if case .success(let set) = catalogue.set(decision.ruleSet, in: registry) { found = set }
    if found == nil { found = layered(decision) }
    sets[decision.ruleSet] = .some(found)
    return found
  }

  /// Of several versions over each other: those that were ever in force together are tried.
  private func layered(_ decision: DecisionValue) -> RuleSet? {
    func hashes(_ scope: RegistryScope) -> [String] {
      Array(Set((registry.activations[scope] ?? []).map(\.value.hash))).sorted()
    }
    let malls = [""] + hashes(RegistryScope(mallId: decision.mallId)).filter { !$0.isEmpty }
    let shops =
      [""] + hashes(RegistryScope(mallId: decision.mallId, shopNo: decision.shopNo)).filter { !$0.isEmpty }
    let base = catalogue.base.ruleSet(mall: decision.mallId, shop: Int(decision.shopNo))
    let scope = RegistryScope(mallId: decision.mallId, shopNo: decision.shopNo)
    for shared in Set(hashes(.shared) + [""]).sorted() {
      for mall in malls {
        for shop in shops {
          let layers = [shared] + [mall, shop].filter { !$0.isEmpty }
          let named = layers.map { $0.isEmpty ? base.hash : $0 }
          guard RuleSet.layeredHash(named) == decision.ruleSet else { continue }
          if case .success(let set) = catalogue.layered(layers, in: registry, of: scope) { return set }
        }
      }
    }
    return nil
  }

  public var text: String {
    var text = "\(decisionCount) decisions read"
    if unreadableCount > 0 { text += ", \(unreadableCount) of rules that are not known here" }
    text += "\n"
    if tallies.isEmpty { return text + "no shadow rule among them\n" }
    var rows = [
      [
        "shadow rule", "decisions", "true", "unknown", "would add", "would withdraw", "unchanged", "overlap",
        "samples",
      ]
    ]
    for (id, tally) in tallies.sorted(by: { bytesPrecede($0.key, $1.key) }) {
      let overlap = tally.shared.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3)
      rows.append([
        id, "\(tally.decisions)", "\(tally.isTrue)", "\(tally.unknown)", "\(tally.added)",
        "\(tally.withdrawn)", "\(tally.unchanged)",
        overlap.map { "\($0.key) \($0.value)" }.joined(separator: ", "),
        tally.samples.joined(separator: " "),
      ])
    }
    return text + "\n" + RuleHistory.table(rows) + days
  }

  /// Of each shadow rule, on which share of a day's decisions it was true.
  private var days: String {
    let rules = tallies.keys.sorted(by: bytesPrecede)
    var rows = [["day"] + rules]
    let dates = Set(tallies.values.flatMap(\.days.keys)).sorted()
    for date in dates.suffix(BacktestReport.daysMax) {
      rows.append(
        [BacktestReport.shown(date)]
          + rules.map { rule in
            let day = tallies[rule]?.days[date] ?? (0, 0)
            return BacktestReport.percent(day.isTrue, of: day.decisions)
          })
    }
    return "\n" + RuleHistory.table(rows)
  }
}
