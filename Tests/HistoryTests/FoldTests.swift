import Orders
import Testing

@testable import History

@Suite struct FoldTests {
  private let early = SnapshotBuilder("A", at: 0)

  @Test func aLowerVersionFoldedLaterChangesOnlyThePast() throws {
    let bench = Bench()
    try bench.fold(early.later(10, version: 3) { $0.items[0].price = 3 })
    try bench.fold(early.later(5, version: 2) { $0.items[0].price = 2 })
    #expect(bench.last["A"]?.version == 3)
    #expect(bench.facts("A").amountItems == 3)
    // Lower version, later event time: never the state.
    try bench.fold(early.later(20, version: 1))
    #expect(bench.last["A"]?.version == 3)
    #expect(bench.last["A"]?.latestVersion == 3)
    #expect(bench.emitted.map(\.order) == ["A"])
    #expect(bench.last["A"]?.own == true)
  }

  @Test func ofTwoSnapshotsOfOneVersionTheEarlierEventStands() throws {
    for flip in [false, true] {
      let bench = Bench()
      let pair = [early.with { $0.items[0].price = 1 }, early.later(5, version: 1) { $0.items[0].price = 2 }]
      for snapshot in flip ? pair.reversed() : pair { try bench.fold(snapshot) }
      #expect(bench.facts("A").amountItems == 1)
      #expect(bench.last["A"]?.decidingInstant == SnapshotBuilder.minute(0))
    }
  }

  @Test func closingFreezesAndALaterEventOfASiblingDoesNotBendTheRecord() throws {
    let bench = Bench()
    let b = SnapshotBuilder("B", at: 10)
    try bench.fold(early)
    try bench.fold(b)
    try bench.fold(b.shipped(100, version: 2))
    #expect(bench.last["B"]?.state == 1)
    #expect(bench.last["B"]?.version == 1)
    #expect(bench.last["B"]?.decidingInstant == SnapshotBuilder.minute(100) - 1)
    #expect(bench.facts("B").amount == 10_000)
    // After c(B): nothing. At the very instant of c(B): nothing either.
    try bench.fold(early.later(101, version: 3) { $0.items[0].price = 5 })
    #expect(bench.emitted.map(\.order) == ["A"])
    try bench.fold(early.later(100, version: 2) { $0.items[0].price = 6 })
    #expect(bench.emitted.map(\.order) == ["A"])
    #expect(bench.facts("B").amount == 10_000)
  }

  @Test func anEventBeforeClosingThatArrivesLateStillCounts() throws {
    let bench = Bench()
    let b = SnapshotBuilder("B", at: 10)
    try bench.fold(early)
    try bench.fold(b)
    try bench.fold(b.shipped(100, version: 2))
    try bench.fold(early.later(120, version: 5) { $0.items[0].price = 9 })
    try bench.fold(early.later(99, version: 4) { $0.items[0].price = 7 })
    #expect(bench.emitted.map(\.order) == ["A", "B"])
    #expect(bench.facts("B").amount == 7)
    // An order unknown so far, placed before and folded after.
    try bench.fold(SnapshotBuilder("0", at: 5))
    #expect(bench.emitted.map(\.order) == ["0", "A", "B"])
    #expect(bench.facts("B").orders == 2)
  }

  @Test func anOrderFirstSeenClosedIsDecidedByItsFirstSnapshotInclusive() throws {
    let bench = Bench()
    try bench.fold(SnapshotBuilder("B", at: 10, placed: 10).with { $0.items[0].tracking = true })
    #expect(bench.last["B"]?.firstSeenClosed == true)
    #expect(bench.last["B"]?.state == 1)
    try bench.fold(early.later(10, version: 1))
    #expect(bench.emitted.map(\.order) == ["A", "B"])
    #expect(bench.facts("B").orders == 1)
    #expect(bench.facts("B").partners == 0)
    #expect(bench.last["B"]?.decidingInstant == SnapshotBuilder.minute(10))
    try bench.fold(early.later(11, version: 2) { $0.items[0].price = 1 })
    #expect(bench.emitted.map(\.order) == ["A"])
    // An earlier open state turns up: no longer first seen closed.
    try bench.fold(SnapshotBuilder("B", version: 0, at: 8, placed: 8))
    #expect(bench.last["B"]?.firstSeenClosed == false)
    #expect(bench.last["B"]?.version == 0)
  }

  @Test func aRevertedShipmentOpensAgain() throws {
    let bench = Bench()
    try bench.fold(early)
    try bench.fold(early.shipped(10, version: 2))
    #expect(bench.last["A"]?.state == 1)
    try bench.fold(early.later(20, version: 3))
    #expect(bench.last["A"]?.state == 0)
    #expect(bench.last["A"]?.version == 3)
    try bench.fold(early.shipped(30, version: 4))
    #expect(bench.last["A"]?.version == 3)
    #expect(bench.last["A"]?.decidingInstant == SnapshotBuilder.minute(30) - 1)
  }

  @Test func cancellingAfterShipmentKeepsTheInstantOfShipment() throws {
    let bench = Bench()
    try bench.fold(early)
    try bench.fold(early.shipped(10, version: 2))
    try bench.fold(early.cancelled(20, version: 3))
    #expect(bench.last["A"]?.state == 2)
    #expect(bench.last["A"]?.version == 1)
    #expect(bench.last["A"]?.decidingInstant == SnapshotBuilder.minute(10) - 1)
    #expect(bench.last["A"]?.lateSnapshot == nil)
  }

  @Test func requestsAreOpenAndReturnsAreShipped() throws {
    for (status, state) in [
      ("C00", 0), ("C36", 0), ("C41", 2), ("R00", 1), ("E00", 1), ("N50", 1), ("Z99", 0),
    ] {
      let bench = Bench()
      try bench.fold(early)
      try bench.fold(early.later(5, version: 2) { $0.items[0].status = status })
      #expect(bench.last["A"]?.state == Int32(state), "\(status)")
    }
  }

  @Test func anOrderWithoutItemsIsFullyCancelled() throws {
    let bench = Bench()
    try bench.fold(early.with { $0.items = [] })
    #expect(bench.last["A"]?.state == 2)
  }

  @Test func aDuplicateEmitsTheOwnRecordAgainAndNothingElse() throws {
    let bench = Bench()
    try bench.fold(early)
    let second = SnapshotBuilder("B", at: 1)
    try bench.fold(second)
    let before = try #require(bench.last["B"])
    bench.customer.changedRecords { _, _ in }
    try bench.fold(second)
    #expect(bench.emitted.count == 1)
    #expect(bench.last["B"]?.comparable == before.comparable)
    #expect(!bench.customer.hasChanges)
  }

  @Test func aChangeAfterShipmentShowsWhatWouldHaveBeenDecidedOn() throws {
    let bench = Bench()
    try bench.fold(early)
    let shipped = early.shipped(10, version: 2)
    try bench.fold(shipped)
    try bench.fold(shipped.later(20, version: 3) { $0.items[0].status = "N40" })
    #expect(bench.last["A"]?.lateSnapshot == nil)
    try bench.fold(shipped.later(30, version: 4) { $0.items[0].status = "R40" })
    #expect(bench.last["A"]?.lateSnapshot == nil)
    try bench.fold(
      shipped.later(40, version: 5) {
        $0.items[0].status = "R40"
        $0.items[0].quantity = 4
        $0.receivers[0].region1 = "제주도"
        $0.receivers[0].zip = ""
      })
    let record = try #require(bench.last["A"])
    #expect(record.facts.amountItems == 10_000)
    #expect(record.facts.zones == ["none"])
    #expect(record.lateFacts?.amountItems == 40_000)
    #expect(record.lateFacts?.zones == ["제주"])
    let summary = try record.lateSnapshot?.withUnsafeBytes { try SnapshotSummary($0) }
    #expect(summary?.isShipped == false)
    #expect(record.version == 1)
  }

  @Test func theIPIsTakenOutAndItsCountryKept() throws {
    var builder = ReferenceBuilder()
    Array("134744064,134744319,US\n".utf8).withUnsafeBytes { builder.add(.geo, $0, file: "geo.csv") }
    let bench = Bench(builder.build())
    try bench.fold(early.with { $0.ip = "8.8.8.8" })
    #expect(bench.facts("A").country == "US")
    #expect(bench.last["A"]?.snapshot == early.bytes)
    try bench.reload()
    try bench.fold(early.with { $0.ip = "8.8.8.8" })
    #expect(bench.facts("A").country == "US")
    #expect(bench.stored.values.allSatisfy { !String(decoding: $0, as: UTF8.self).contains("8.8.8.8") })
  }
}
