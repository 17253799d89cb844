import Orders
import Shop
import TestKit
import Testing
import Topics

@testable import ApplyStage

/// A person's veto, and the act that lifts it.
struct VetoLiftTests {
  /// A label on two items by two rules that a person has taken off.
  private func vetoed(_ rules: [String] = ["R", "S"]) throws -> OrderUnderTest {
    let order = try OrderUnderTest()
    try order.take(decision(1, [desired("A", ["1", "2"], rules: rules), desired("B", ["1"])]))
    try order.shop.personRemoves("A", from: ["1", "2"], of: order.order)
    try order.take(decision(2, [desired("B", ["1"])]))
    try order.take(decision(3, [desired("A", ["1", "2"], rules: rules), desired("B", ["1"])]))
    #expect(try order.labels() == ["1 B"])
    return order
  }

  @Test func afterTheActTheLabelIsAsTheLastDecisionAsksWithoutAnother() throws {
    let order = try vetoed()
    #expect(try order.lift("A") == ["R", "S"])
    #expect(try order.labels() == ["1 A", "1 B", "2 A"])
    #expect(order.ledger?.vetoes.isEmpty == true && order.ledger?.asked.isEmpty == true)
    #expect(
      try order.take(decision(3, [desired("A", ["1", "2"], rules: ["R", "S"]), desired("B", ["1"])])).standing
        == .repeated)
    try order.take(decision(4, [desired("B", ["1"])]))
    #expect(try order.labels() == ["1 B"])
  }

  @Test func onlyTheNamedRuleMayPutItOnAgain() throws {
    let order = try vetoed()
    #expect(try order.lift("A", rule: "R") == ["R"])
    #expect(try order.labels() == ["1 A", "1 B", "2 A"])
    #expect(order.ledger?.vetoes.map(\.rules) == [["S"]])
    try order.take(decision(4, [desired("A", ["1", "2"], rules: ["S"])]))
    #expect(try order.labels() == [])
    #expect(try order.lift("A", rule: "R") == nil)
    #expect(try order.lift("A") == ["S"])
    #expect(try order.labels() == ["1 A", "2 A"])
  }

  @Test func whatTheLastDecisionDoesNotWantIsNotPutOn() throws {
    let order = try vetoed()
    try order.take(decision(4, []))
    #expect(try order.lift("A") == ["R", "S"])
    #expect(try order.labels() == [])
    try order.take(decision(5, [desired("A", ["2"], rules: ["R"])]))
    #expect(try order.labels() == ["2 A"])
  }

  @Test func repeatsAndLabelsWithoutAVetoChangeNothing() throws {
    let order = try vetoed()
    #expect(try order.lift("B") == nil)
    #expect(try order.lift("A", rule: "T") == nil)
    #expect(try order.lift("A") != nil)
    let ledger = order.ledger
    #expect(try order.lift("A") == nil)
    #expect(order.ledger == ledger)
  }

  @Test func aCrashBetweenShopAndLedgerEndsTheSame() throws {
    let (calm, crashed) = (try vetoed(), try vetoed())
    try crashed.lift("A", crashes: true)
    for order in [calm, crashed] { try order.lift("A") }
    #expect(crashed.ledger == calm.ledger)
    #expect(try crashed.labels() == calm.labels())
  }

  /// The shop tells of the removal when the same decision is done again: what it asks for is kept beside the veto.
  @Test func aVetoNoticedAfterACrashIsLiftedWithoutAnotherDecision() throws {
    let order = try OrderUnderTest()
    try order.take(decision(1, [desired("A", ["1"])]), crashes: true)
    try order.shop.personRemoves("A", from: ["1"], of: order.order)
    try order.take(decision(1, [desired("A", ["1"])]))
    #expect(try order.labels() == [] && order.ledger?.vetoes.count == 1)
    #expect(try order.lift("A") == ["R"])
    #expect(try order.labels() == ["1 A"])
  }

  @Test func aLedgerOfAFormerVersionGetsTheLabelWithItsNextDecision() throws {
    let order = try vetoed()
    order.ledger?.asked = []
    #expect(try order.lift("A") == ["R", "S"])
    #expect(try order.labels() == ["1 B"])
    try order.take(decision(4, [desired("A", ["1", "2"]), desired("B", ["1"])]))
    #expect(try order.labels() == ["1 A", "1 B", "2 A"])
  }

  @Test func whatIsAskedForFollowsEveryDecisionWhateverIsVetoed() throws {
    var random = SeededGenerator.announced("what is asked for", seed: 20_261_121)
    for _ in 0..<60 {
      let order = try OrderUnderTest()
      var last: [DesiredLabelValue] = []
      for offset in 1..<12 {
        last = ["A", "B"].compactMap { label in
          random.chance(25)
            ? nil
            : desired(
              label, random.pick([["1"], ["1", "2"], ["2"]]), rules: random.pick([["R"], ["R", "S"], ["S"]]))
        }
        try order.take(decision(Int64(offset), last))
        if random.chance(40) { try order.shop.personRemoves("A", from: ["1", "2"], of: order.order) }
      }
      try order.lift("A")
      try order.lift("B")
      let wanted = last.flatMap { label in label.itemCodes.map { "\($0) \(label.label)" } }.sorted()
      let labels = try order.labels()
      // What a person took off since the last decision is not noticed yet.
      let noticed = order.ledger?.labels.flatMap { label in label.itemCodes.map { "\($0) \(label.label)" } }
        .sorted()
      #expect(noticed == wanted)
      #expect(Set(labels).isSubset(of: wanted))
    }
  }
}
