import Kafka
import Rules
import Stage
import Synchronization
import Testing
import Topics

@testable import EvaluateStage

/// Two members of one group on the embedded broker, which lets them join slowly.
@Suite(.serialized)
struct RuleSwitchGroupTests {
  private final class Signals: Sendable {
    let done = Atomic<Bool>(false)
    let dies = Atomic<Bool>(false)
    let failures = Mutex<[String]>([])
  }

  private static let second = "rules:\n  - {id: high, if: amount.items >= 1000, then: {labels: [SECOND]}}"

  private static func member(_ bench: EvaluateBench, _ signals: Signals, isMortal: Bool) throws
    -> NativeThread
  {
    var access = BrokerAccess(client: bench.access.client, isEmbedded: false)
    access.sessionTimeoutMs = 6_000
    let joined = access
    return try #require(
      NativeThread(name: "member") {
        do {
          try bench.run(commitMs: 50, access: joined) { lane in
            if isMortal, signals.dies.load(ordering: .relaxed) { throw EvaluateBench.Stopped() }
            if signals.done.load(ordering: .relaxed) { lane.context.stop() }
          }
        } catch { signals.failures.withLock { $0.append("\(error)") } }
      })
  }

  /// Looks until it holds; false: not in time.
  private static func wait(_ signals: Signals, until holds: () throws -> Bool) throws -> Bool {
    let deadline = monotonicMs() + 40_000
    while try !holds() {
      if monotonicMs() > deadline || signals.failures.withLock({ !$0.isEmpty }) { return false }
    }
    return true
  }

  @Test func twoMembersSwitchEachPartitionOnceAlsoWhenOneLeavesAndAReplayGivesTheSame() throws {
    let bench = try EvaluateBench(partitions: 4)
    let base = try RuleSet.load(files: [("base.yaml", Fixture.rules)]).hash
    let signals = Signals()
    let members = [
      try Self.member(bench, signals, isMortal: true), try Self.member(bench, signals, isMortal: false),
    ]
    func numbers() throws -> Set<Int> { Set(try bench.decisions().map(\.number)) }
    try bench.sendOrders(0..<200)
    let isStarted = try Self.wait(signals) { try numbers().count == 200 }
    let hash = try bench.putInForce(Self.second)
    let isSwitched = try Self.wait(signals) { Set(bench.switches.map(\.partition)).count == 4 }
    try bench.sendOrders(200..<300)
    signals.dies.store(true, ordering: .relaxed)
    try bench.sendOrders(300..<400)
    let isThrough = try Self.wait(signals) { try numbers().count == 400 }
    signals.done.store(true, ordering: .relaxed)
    for member in members { member.join() }
    #expect(isStarted && isSwitched && isThrough && signals.failures.withLock { $0.isEmpty })
    // Each partition in one place, whoever read it.
    #expect(Set(bench.switches.map { "\($0.partition) \($0.offset)" }).count == 4)
    let live = try bench.decisions()
    #expect(live.allSatisfy { $0.ruleSet == ($0.number < 200 ? base : hash) })
    try bench.run(group: "again") { if $0.orders >= 400 { $0.context.stop() } }
    var known: [Int: [UInt8]] = [:]
    for decision in try bench.decisions() {
      if let first = known[decision.number] { #expect(first == decision.bytes) }
      known[decision.number] = decision.bytes
    }
    #expect(known.count == 400)
  }
}
