package import RuleVersions
package import Rules
import Stage
import Synchronization
package import Topics

/// The rules of one edition, ready to decide with.
package struct PreparedEdition: Sendable {
  package var edition: RuleEdition
  package var rules: DecisionRules
}

/// Makes editions ready: reads versions, lays them over each other, compiles them. With thousands of malls this takes
/// seconds, so what is new is prepared on a thread of its own while the lane goes on deciding.
package final class RulePreparer: Sendable {
  /// What became of one look for the newest rules.
  package struct Outcome: Sendable {
    package var prepared: Result<PreparedEdition, RuleSwitchProblem>
    package var refused: [RefusedActivation]
    /// Facts that the rules ask for and enrich does not compute yet.
    package var missing: [String] = []
  }

  private struct State {
    let catalogue: RuleCatalogue
    var demands = PublishedDemands()
    /// What was made last: the next is made of it when little has changed.
    var last: PreparedEdition?
    /// What was made before: thousands of rule sets are freed here, not by the lane that lets go of them last.
    var former: [PreparedEdition] = []

    static let formerMax = 2
  }

  /// Held while something is prepared.
  private let state: Mutex<State>
  private let background = BackgroundWork<Outcome>(threadName: "rules")

  /// - Parameter base: the rules of the configuration.
  package init(base: RuleBook) { state = Mutex(State(catalogue: RuleCatalogue(base: base))) }

  /// The newest rules that can be used, made ready on the calling thread.
  /// - Parameter computed: the ends, with what they hold back, that enrich computes facts for; none: nobody asks.
  package func newest(_ registry: RuleRegistry, computed: [RuleSwitchValue] = []) -> Outcome {
    state.withLock { state in
      let (edition, refused) = RuleEdition.newest(registry, state.catalogue)
      let prepared = Result { () throws(RuleSwitchProblem) in try RulePreparer.plan(edition, registry, &state)
      }
      let missing = RulePreparer.missing(edition, computed, registry, &state)
      return Outcome(prepared: prepared, refused: refused, missing: missing)
    }
  }

  /// Ends between what enrich has announced and the newest that it may just be passing.
  private static let passedMax = 8

  private static func missing(
    _ edition: RuleEdition, _ computed: [RuleSwitchValue], _ registry: RuleRegistry, _ state: inout State
  ) -> [String] {
    var ends = computed.filter { $0.rulesEnd < edition.rulesEnd }
    guard let first = ends.map(\.rulesEnd).min() else { return [] }
    let passed = registry.activations.values.joined().map { $0.offset + 1 }
      .filter { $0 > first && $0 < edition.rulesEnd }.sorted()
    ends += passed.suffix(passedMax).map { RuleSwitchValue(rulesEnd: $0, held: [:]) }
    var missing: [String] = []
    for one in ends {
      let former = RuleEdition(registry, rulesEnd: one.rulesEnd, held: one.heldScopes)
      // What cannot be read here is enrich's affair.
      let names = (try? state.demands.missing(of: edition, at: former, registry, state.catalogue)) ?? []
      missing += names.filter { !missing.contains($0) }
    }
    return missing
  }

  /// The rules that a switch put in force. Throws when this program cannot use them.
  func prepare(_ edition: RuleEdition, _ registry: RuleRegistry) throws(RuleSwitchProblem) -> PreparedEdition
  {
    try state.withLock { state throws(RuleSwitchProblem) in
      try RulePreparer.plan(edition, registry, &state)
    }
  }

  private static func plan(_ edition: RuleEdition, _ registry: RuleRegistry, _ state: inout State)
    throws(RuleSwitchProblem) -> PreparedEdition
  {
    func set(_ scope: RegistryScope) throws(RuleSwitchProblem) -> RuleSet {
      switch edition.ruleSet(mallId: scope.mallId, shopNo: scope.shopNo, state.catalogue, registry) {
      case .success(let set): return set
      case .failure(let refusal): throw unusable(edition, refusal.description)
      }
    }
    let shared = try set(.shared)
    let last = state.last
    var malls: MallPlan?
    if let last, let scopes = edition.changedScopes(since: last.edition, state.catalogue) {
      var changes: [RuleScope: RuleSet?] = [:]
      for (scope, isThere) in scopes {
        if isThere {
          changes[scope.ruleScope] = .some(try set(scope))
        } else {
          changes[scope.ruleScope] = .some(nil)
        }
      }
      malls = last.rules.malls.changing(shared: shared, changes)
    }
    let next: MallPlan
    if let malls {
      next = malls
    } else {
      var own: [RuleScope: RuleSet] = [:]
      for scope in edition.scopes(state.catalogue) { own[scope.ruleScope] = try set(scope) }
      do throws(Plan.PlanError) {
        if let last {
          next = try last.rules.malls.changed(shared: shared, own: own)
        } else {
          next = try MallPlan(shared: shared, own: own)
        }
      } catch {
        throw unusable(edition, "\(error)")
      }
    }
    let prepared = PreparedEdition(edition: edition, rules: DecisionRules(next, after: last?.rules))
    if let last { state.former = [last] + state.former.prefix(State.formerMax - 1) }
    state.last = prepared
    return prepared
  }

  private static func unusable(_ edition: RuleEdition, _ reason: String) -> RuleSwitchProblem {
    RuleSwitchProblem(
      description:
        "the rules that a switch put in force (rules below \(edition.rulesEnd)) cannot be used by this "
        + "version of the program: \(reason)")
  }

  // MARK: On a thread of its own

  /// Something is being prepared, or was and has not been taken.
  var isBusy: Bool { background.isBusy }

  /// Begins to look for the newest rules; `take` has them when they are ready.
  func begin(_ registry: RuleRegistry, computed: [RuleSwitchValue] = []) {
    background.begin { [self] in newest(registry, computed: computed) }
  }

  /// What was begun, once.
  func take() -> Outcome? { background.take() }

  /// Waits for what was begun and forgets it.
  func close() { background.close() }
}
