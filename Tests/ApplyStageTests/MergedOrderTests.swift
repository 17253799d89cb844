import Testing
import Topics

@testable import ApplyStage

/// Decisions of an order that a merge of customers moved (docs/design.md, "A guest who becomes a member").
@Suite struct MergedOrderTests {
  private func decision(
    epoch: UInt32, partition: Int32, offset: Int64, version: Int64, _ labels: [String]
  ) -> DecisionValue {
    var decision = ApplyStageTests.decision(1, labels.map { desired($0, ["1"]) })
    decision.position = Position(epoch: epoch, partition: partition, offset: offset, n: 0)
    decision.latestVersion = version
    return decision
  }

  /// The member's partition has small offsets; the guest's decisions, still under way, arrive last.
  @Test(arguments: [Int32(1), 2]) func aDecisionOfTheGuestsPartitionComesTooLate(_ partition: Int32) throws {
    let order = try OrderUnderTest()
    try order.take(decision(epoch: 0, partition: 1, offset: 900, version: 3, ["FIRST"]))
    let moved = decision(epoch: 1, partition: partition, offset: 5, version: 3, ["VIP"])
    #expect(try order.take(moved).standing == .changed)
    for late in [901, 2_000] as [Int64] {
      let old = decision(epoch: 0, partition: 1, offset: late, version: 3, ["FIRST"])
      #expect(try order.take(old).standing == .older)
    }
    #expect(try order.labels() == ["1 VIP"])
    #expect(try order.take(moved).standing == .repeated)
    let next = decision(epoch: 1, partition: partition, offset: 6, version: 4, ["VIP", "B"])
    #expect(try order.take(next).standing == .changed)
  }

  /// The order has gone to a third customer since: what a merge says of its older states changes nothing.
  @Test(arguments: [Int32(1), 2]) func aNewerSnapshotOfAnotherCustomerCounts(_ partition: Int32) throws {
    let order = try OrderUnderTest()
    try order.take(decision(epoch: 0, partition: partition, offset: 7, version: 4, ["NEW"]))
    #expect(
      try order.take(decision(epoch: 1, partition: 1, offset: 9, version: 3, ["OLD"])).standing == .older)
    #expect(try order.labels() == ["1 NEW"])
  }

  @Test func onlyALaterPositionOfTheSamePartitionAndEpochFollowsWithoutALook() {
    let last = Position(epoch: 1, partition: 2, offset: 5, n: 0)
    #expect(Position(epoch: 1, partition: 2, offset: 5, n: 1).follows(last))
    #expect(!last.follows(last))
    #expect(!Position(epoch: 2, partition: 2, offset: 9, n: 0).follows(last))
    #expect(!Position(epoch: 0, partition: 2, offset: 9, n: 0).follows(last))
    #expect(!Position(epoch: 1, partition: 3, offset: 9, n: 0).follows(last))
  }
}
