import History
import RuleVersions
import Rules
import Stage
import Synchronization

/// What is computed under the activations below an end, ready to fold by.
struct ReadyDemand: Sendable {
  var rulesEnd: Int64
  var held: HeldScopes
  var plan: DemandPlan

  func isMeant(by end: Int64, _ held: HeldScopes) -> Bool { rulesEnd == end && self.held == held }
}

/// Works plans out: reads versions and asks what they ask for; compiles nothing. With thousands of malls this takes
/// a while, so what is new is prepared on a thread of its own while the lane goes on folding.
final class DemandPreparer: Sendable {
  struct Outcome: Sendable {
    var ready: Result<ReadyDemand, RuleSwitchProblem>
    var refused: [RefusedActivation]
  }

  private struct State {
    let catalogue: RuleCatalogue
    var demands = PublishedDemands()
  }

  /// Held while something is prepared.
  private let state: Mutex<State>
  private let background = BackgroundWork<Outcome>(threadName: "demand")

  /// - Parameter base: the rules of the configuration.
  init(base: RuleBook) { state = Mutex(State(catalogue: RuleCatalogue(base: base, isPlanning: false))) }

  /// The demand of the newest rules that can be used, worked out on the calling thread.
  func newest(_ registry: RuleRegistry) -> Outcome {
    state.withLock { state in
      let (edition, refused) = RuleEdition.newest(registry, state.catalogue)
      let ready = Result { () throws(RuleSwitchProblem) in
        try DemandPreparer.ready(edition, registry, &state)
      }
      return Outcome(ready: ready, refused: refused)
    }
  }

  /// The demand that a record put in force. Throws when this program cannot read the rules.
  func prepare(_ edition: RuleEdition, _ registry: RuleRegistry) throws(RuleSwitchProblem) -> ReadyDemand {
    try state.withLock { state throws(RuleSwitchProblem) in
      try DemandPreparer.ready(edition, registry, &state)
    }
  }

  private static func ready(_ edition: RuleEdition, _ registry: RuleRegistry, _ state: inout State)
    throws(RuleSwitchProblem) -> ReadyDemand
  {
    let demand = try state.demands.of(edition, registry, state.catalogue)
    return ReadyDemand(rulesEnd: demand.rulesEnd, held: demand.held, plan: DemandPlan(demand))
  }

  // MARK: On a thread of its own

  /// Something is being prepared, or was and has not been taken.
  var isBusy: Bool { background.isBusy }

  /// Begins to look for the newest rules; `take` has their demand when it is ready.
  func begin(_ registry: RuleRegistry) { background.begin { [self] in newest(registry) } }

  /// What was begun, once.
  func take() -> Outcome? { background.take() }

  /// Waits for what was begun and forgets it.
  func close() { background.close() }
}

extension DemandPlan {
  init(_ demand: PublishedDemand) {
    var own: [DemandScope: History.FactDemand] = [:]
    own.reserveCapacity(demand.own.count)
    for (scope, wanted) in demand.own {
      own[DemandScope(mall: scope.mallId, shop: scope.shopNo == 0 ? nil : scope.shopNo)] = factDemand(wanted)
    }
    self.init(factDemand(demand.shared), own: own)
  }
}
