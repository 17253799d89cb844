import Rules
import Stage
import Testing
import Topics

@testable import EvaluateStage
@testable import RuleVersions

/// A switch of rules that waits until enrich computes what they ask for.
@Suite(.serialized)
struct DemandWaitTests {
  private static let asking = "rules:\n  - {id: high, if: 'inList(\"hot\")', then: {labels: [HOT]}}"
  private static let plain = "rules:\n  - {id: high, if: amount.items >= 1000, then: {labels: [SECOND]}}"

  /// As enrich does with the state of a partition.
  private static func announce(_ bench: EvaluateBench, _ partition: Int32, of count: Int32, _ end: Int64)
    throws
  {
    var told = RuleSwitchValue(rulesEnd: end, held: [:])
    (told.partition, told.partitionCount) = (partition, count)
    try bench.send("rules.demands", [(RuleSwitchValue.announcementKey(partition), told.protobuf, 0)])
  }

  private static func waits(_ bench: EvaluateBench) -> [(partitions: [Int32], facts: [String])] {
    bench.reports.compactMap {
      if case .waiting(_, let facts, let partitions, _) = $0 { (partitions, facts) } else { nil }
    }
  }

  private static func waited(_ bench: EvaluateBench) -> [Bool] {
    bench.reports.compactMap { if case .waited(_, _, let isReached) = $0 { isReached } else { nil } }
  }

  @Test func rulesThatAskForMoreWaitForTheLastPartitionOfEnrich() throws {
    let bench = try EvaluateBench(partitions: 2, withDemands: true)
    let base = try RuleSet.load(files: [("base.yaml", Fixture.rules)]).hash
    try bench.sendOrders(0..<10)
    try Self.announce(bench, 0, of: 2, 0)
    var hash = ""
    var step = 0
    try bench.run { lane in
      if step == 0, lane.orders >= 10 {
        hash = try bench.putInForce(Self.asking)
        try Self.announce(bench, 0, of: 2, 2)
        step = 1
      }
      if step == 1, !Self.waits(bench).isEmpty {
        // It has been waiting: what comes now is still decided by the former rules.
        #expect(bench.switches.isEmpty)
        try bench.sendOrders(10..<20)
        step = 2
      }
      if step == 2, lane.orders >= 20 {
        #expect(bench.switches.isEmpty)
        try Self.announce(bench, 1, of: 2, 2)
        step = 3
      }
      if step == 3, bench.switches.count == 2 {
        try bench.sendOrders(20..<30)
        step = 4
      }
      if lane.orders >= 30 { lane.context.stop() }
    }
    #expect(
      Self.waits(bench).first?.partitions == [1] && Self.waits(bench).first?.facts == ["inList(\"hot\")"])
    #expect(Self.waited(bench) == [true])
    for decision in try bench.decisions() {
      #expect(decision.ruleSet == (decision.number < 20 ? base : hash), "order \(decision.number)")
    }
    // Whoever starts when it has been announced does not wait.
    try bench.putInForce(Self.asking, RegistryScope(mallId: "demomall"))
    try Self.announce(bench, 0, of: 2, 3)
    try Self.announce(bench, 1, of: 2, 3)
    let before = Self.waited(bench).count
    try bench.run { if bench.switches.count == 4 { $0.context.stop() } }
    #expect(Self.waited(bench).count == before)
  }

  @Test func rulesThatAskForNothingNewAndRollbacksDoNotWait() throws {
    let bench = try EvaluateBench(withDemands: true)
    try bench.sendOrders(0..<1)
    var step = 0
    try bench.run { lane in
      switch step {
      case 0 where lane.orders == 1: try bench.putInForce(Self.plain)
      case 1 where bench.switches.count == 1:
        // Enrich comes as far as this one and is then away.
        let end = try { () throws -> Int64 in
          try bench.putInForce(Self.asking)
          let publisher = try bench.publisher()
          defer { publisher.close() }
          return publisher.registry.activationsEnd
        }()
        try Self.announce(bench, 0, of: 1, end)
      case 2 where bench.switches.count == 2: try bench.putInForce(Self.plain)
      case 3 where bench.switches.count == 3:
        let publisher = try bench.publisher()
        defer { publisher.close() }
        try publisher.rollback(.shared, author: "a", note: "")
      case 4 where bench.switches.count == 4: lane.context.stop()
      default: return
      }
      step += 1
    }
    #expect(bench.switches.count == 4 && !Self.waited(bench).contains(false))
    #expect(Self.waits(bench).isEmpty)
  }

  @Test func theWaitHasAnEnd() throws {
    let bench = try EvaluateBench(withDemands: true)
    try bench.sendOrders(0..<1)
    var isSent = false
    try bench.run(enrichWaitMs: 300) { lane in
      if !isSent, lane.orders == 1 {
        isSent = true
        try bench.putInForce(Self.asking)
      }
      if bench.switches.count == 1 { lane.context.stop() }
    }
    #expect(Self.waited(bench) == [false])
  }

  @Test func withoutTheTopicOrWithNoWaitAllowedNothingWaits() throws {
    for hasTopic in [false, true] {
      let bench = try EvaluateBench(withDemands: hasTopic)
      try bench.sendOrders(0..<1)
      var isSent = false
      try bench.run(enrichWaitMs: hasTopic ? 0 : 60_000) { lane in
        if !isSent, lane.orders == 1 {
          isSent = true
          try bench.putInForce(Self.asking)
        }
        if bench.switches.count == 1 { lane.context.stop() }
      }
      #expect(Self.waited(bench).isEmpty && Self.waits(bench).isEmpty)
      #expect(bench.reports.contains(.noTopic("rules.demands")) == !hasTopic)
    }
  }
}
