public import Topics

/// Compares what a decision wants on an order with what we put there before (D3, D4, D6): values in, values out.
///
/// The labels that result depend on the newest decision alone, never on the decisions before it, unless
/// `keepOnUnknown` is on.
public struct Reconciler: Sendable {
  public enum FirstSeenShipped: String, Sendable { case label, skip }

  public struct Options: Sendable {
    /// What happens to an order that was shipped when it was first seen (`apply.first_seen_shipped`).
    public var firstSeenShipped = FirstSeenShipped.label
    /// A label whose rule was true and became unknown stays, and a `review` effect is raised once (D6).
    ///
    /// Off by default: what stays then depends on the decisions before, while facts.md, which decides where it
    /// and the semantics contract differ, promises labels that do not depend on the order of arrival.
    public var keepOnUnknown = false

    public init() {}
  }

  /// Effects remembered for one order; more are left undone and noted.
  public static let effectsMax = 256

  public var options: Options

  public init(options: Options = Options()) { self.options = options }

  /// - Parameters:
  ///   - ledger: What was applied to this order; nil if nothing was ever decided.
  ///   - ruleIds: Ids of the decision's rule set in its order; needed for `keepOnUnknown` only.
  public func reconcile(
    _ decision: DecisionValue, ledger: AppliedLedgerValue?, ruleIds: [String] = []
  ) -> Reconciliation {
    var isRepeat = false
    if let ledger {
      switch Reconciler.order(decision, ledger) {
      case .older: return Reconciliation(standing: .older, newLedger: ledger)
      case .equal: isRepeat = true
      case .newer: break
      }
    }
    var result = Reconciliation(
      standing: isRepeat ? .repeated : .confirmed, newLedger: ledger ?? AppliedLedgerValue())
    let unknown = options.keepOnUnknown ? Reconciler.unknownRules(decision, ruleIds) : []
    reconcileLabels(decision, unknown: unknown, &result)
    reconcileEffects(decision, unknown: unknown, &result)
    if isRepeat, result.standing != .changed, result.newLedger.ruleSet == decision.ruleSet { return result }
    if result.standing == .repeated { result.standing = .confirmed }
    result.newLedger.position = decision.position
    result.newLedger.latestVersion = decision.latestVersion
    result.newLedger.ruleSet = decision.ruleSet
    return result
  }

  enum Order { case older, equal, newer }

  /// Where the decision stands to the last one acted on. Offsets of different partitions cannot be compared: an
  /// order that moved to another customer goes by the newest snapshot seen, then by position, its epoch first.
  static func order(_ decision: DecisionValue, _ ledger: AppliedLedgerValue) -> Order {
    let (new, last) = (decision.position, ledger.position)
    if new == last { return .equal }
    if new.partition != last.partition || new.epoch != last.epoch,
      decision.latestVersion != ledger.latestVersion
    {
      return decision.latestVersion < ledger.latestVersion ? .older : .newer
    }
    return new < last ? .older : .newer
  }

  static func unknownRules(_ decision: DecisionValue, _ ruleIds: [String]) -> [String] {
    zip(ruleIds, decision.outcomes).filter { $0.1 == RuleOutcome.unknown.rawValue }.map(\.0)
  }

  /// An order first seen shipped is left alone if the shop wants it so.
  func isSkipped(_ decision: DecisionValue) -> Bool {
    decision.firstSeenClosed && decision.state == .shipped && options.firstSeenShipped == .skip
  }
}
