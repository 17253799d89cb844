import Orders
import Shop
import Testing
import Topics

@testable import ApplyStage

@Suite struct ReconcilerTests {
  @Test func memosAndSurchargesAreTakenBackAndAChangedMemoIsWrittenAnew() throws {
    let order = try OrderUnderTest()
    func memo(_ text: String) -> DesiredActionValue {
      var value = action("memo", "cold")
      value.cause = text
      value.text = text
      return value
    }
    try order.take(
      decision(1, [], actions: [memo("전화"), action("surcharge", "jeju"), action("stock_alert", "low")]))
    #expect(order.actions.map(\.kind) == ["memo.written", "surcharge.set", "stock_alert.sent"])
    try order.take(
      decision(2, [], actions: [memo("문자"), action("surcharge", "jeju"), action("stock_alert", "low")]))
    #expect(order.actions.dropFirst(3).map(\.kind).sorted() == ["memo.removed", "memo.written"])
    try order.take(decision(3, [], actions: []))
    #expect(order.actions.dropFirst(5).map(\.kind).sorted() == ["memo.removed", "surcharge.cleared"])
    #expect(try order.shop.marksSet(of: order.order).isEmpty)
  }

  @Test func theSameDecisionTwiceChangesNothing() throws {
    let order = try OrderUnderTest()
    let same = decision(
      1, [desired("A", ["1", "2"])], actions: [action("alert", "BANK"), action("gift", "VIP")])
    #expect(try order.take(same).standing == .changed)
    let ledger = order.ledger
    let again = try order.take(same)
    #expect(again.standing == .repeated && !again.writesLedger)
    #expect(again.labelChanges(of: order.order).isEmpty && again.effects.isEmpty)
    #expect(order.ledger == ledger)
    #expect(order.actions.map(\.kind) == ["label.added", "alert.sent", "gift.marked"])
    #expect(
      order.actions.allSatisfy { $0.result == "done" && $0.decisionId == "0-2-1-0" && $0.by == "passflow" })
  }

  @Test func aNewerDecisionThatWantsTheSameOnlyMovesThePosition() throws {
    let order = try OrderUnderTest()
    try order.take(decision(1, [desired("A", ["1"])]))
    let next = try order.take(decision(2, [desired("A", ["1"])]))
    #expect(next.standing == .confirmed && next.writesLedger)
    #expect(order.ledger?.position.offset == 2 && order.actions.count == 1)
  }

  @Test func onlyTheDifferenceOfItemsIsWritten() throws {
    let order = try OrderUnderTest()
    try order.take(decision(1, [desired("A", ["1", "2"]), desired("B", ["1"])]))
    let next = try order.take(decision(2, [desired("A", ["2", "3"]), desired("C", ["1"])]))
    #expect(next.labelAdds.map { "\($0.label) \($0.itemCodes)" } == ["A [\"3\"]", "C [\"1\"]"])
    #expect(next.labelRemoves.map { "\($0.label) \($0.itemCodes)" } == ["A [\"1\"]", "B [\"1\"]"])
    #expect(try order.labels() == ["1 C", "2 A", "3 A"])
  }

  @Test func aLabelOfTwoRulesWithDifferentItemsLeavesItemByItem() throws {
    let order = try OrderUnderTest()
    try order.take(
      decision(1, [desired("A", ["1", "2"], rules: ["R1"]), desired("A", ["2", "3"], rules: ["R2"])]))
    let next = try order.take(decision(2, [desired("A", ["2", "3"], rules: ["R2"])]))
    #expect(next.labelAdds.isEmpty)
    #expect(next.labelRemoves == [LabelEdit(label: "A", itemCodes: ["1"], rules: ["R1"])])
    #expect(try order.labels() == ["2 A", "3 A"])
  }

  @Test func aCancelledOrderKeepsOnlyWhatSaysKeep() throws {
    let order = try OrderUnderTest()
    let labels = [desired("위험", ["1"], keep: true), desired("제주배송", ["1"])]
    try order.take(decision(1, labels, actions: [action("gift", "VIP"), action("alert", "BANK")]))
    try order.take(decision(2, labels, actions: [action("gift", "VIP")], state: .cancelled))
    #expect(try order.labels() == ["1 위험"])
    #expect(try order.shop.marksSet(of: order.order).isEmpty)
    #expect(order.actions.suffix(2).map(\.kind) == ["label.removed", "gift.unmarked"])
    // The cancellation is taken back.
    try order.take(decision(3, labels, actions: [action("gift", "VIP"), action("alert", "BANK")]))
    #expect(try order.labels() == ["1 위험", "1 제주배송"])
    #expect(order.actions.filter { $0.kind == "alert.sent" }.count == 1)
    #expect(order.actions.filter { $0.kind == "gift.marked" }.count == 2)
  }

  @Test func aShippedOrderKeepsWhatItsFrozenDecisionSays() throws {
    let order = try OrderUnderTest()
    try order.take(decision(1, [desired("A", ["1"])]))
    let late = decision(2, [desired("A", ["1"])], state: .shipped, tooLate: true)
    try order.take(late)
    #expect(try order.labels() == ["1 A"])
    try order.take(decision(3, [desired("A", ["1"])], state: .shipped, tooLate: true))
    #expect(order.actions.map(\.kind) == ["label.added", "too_late"])
    #expect(try order.shop.deliveredAlerts(of: order.order).count == 1)
  }

  @Test func anOrderFirstSeenShippedIsLabelledOrSkippedAsTheShopWants() throws {
    var seen = decision(1, [desired("A", ["1"])], actions: [action("alert", "BANK")], state: .shipped)
    seen.firstSeenClosed = true
    let labelling = try OrderUnderTest()
    try labelling.take(seen)
    #expect(try labelling.labels() == ["1 A"])
    var options = Reconciler.Options()
    options.firstSeenShipped = .skip
    let skipping = try OrderUnderTest(options)
    #expect(try skipping.take(seen).standing == .confirmed)
    #expect(try skipping.labels().isEmpty && skipping.actions.isEmpty)
  }

  @Test func anOlderDecisionChangesNothing() throws {
    let order = try OrderUnderTest()
    try order.take(decision(5, [desired("A", ["1"])]))
    let ledger = order.ledger
    for older in [decision(4, [desired("B", ["1"])]), decision(4, [], state: .cancelled)] {
      let result = try order.take(older)
      #expect(result.standing == .older && !result.writesLedger)
    }
    #expect(order.ledger == ledger)
    #expect(try order.labels() == ["1 A"])
  }

  @Test func positionsAreComparedByEpochThenOffsetAndAcrossPartitionsByVersion() {
    func standing(_ new: Position, _ newVersion: Int64, _ old: Position, _ oldVersion: Int64)
      -> Reconciler.Order
    {
      var decision = DecisionValue()
      decision.position = new
      decision.latestVersion = newVersion
      var ledger = AppliedLedgerValue()
      ledger.position = old
      ledger.latestVersion = oldVersion
      return Reconciler.order(decision, ledger)
    }
    func at(_ epoch: UInt32, _ partition: Int32, _ offset: Int64, _ n: UInt32 = 0) -> Position {
      Position(epoch: epoch, partition: partition, offset: offset, n: n)
    }
    #expect(standing(at(0, 1, 5), 9, at(0, 1, 5), 9) == .equal)
    #expect(standing(at(0, 1, 5, 1), 9, at(0, 1, 5, 0), 9) == .newer)
    #expect(standing(at(0, 1, 4), 10, at(0, 1, 5), 9) == .older)
    #expect(standing(at(1, 1, 0), 9, at(0, 1, 500), 9) == .newer)
    #expect(standing(at(0, 2, 900), 8, at(0, 1, 5), 9) == .older)
    #expect(standing(at(0, 2, 1), 10, at(0, 1, 500), 9) == .newer)
    #expect(standing(at(1, 0, 0), 9, at(0, 1, 500), 9) == .newer)
  }

  @Test func aPersonsLabelIsNeverWithdrawn() throws {
    let order = try OrderUnderTest()
    try order.shop.personAdds("A", to: ["1"], of: order.order)
    try order.shop.personAdds("수기", to: ["1", "2"], of: order.order)
    try order.take(decision(1, [desired("A", ["1", "2"])]))
    #expect(order.actions.map { "\($0.result) \($0.itemCodes)" } == ["done [\"2\"]", "foreign [\"1\"]"])
    #expect(order.ledger?.labels.first?.foreignItemCodes == ["1"])
    // The note survives a change of items.
    try order.take(decision(2, [desired("A", ["1", "2", "3"])]))
    #expect(order.ledger?.labels.first?.foreignItemCodes == ["1"])
    let last = try order.take(decision(3))
    #expect(last.labelRemoves.map(\.itemCodes) == [["2", "3"]])
    #expect(try order.labels() == ["1 A", "1 수기", "2 수기"])
    #expect(order.ledger?.labels.isEmpty == true)
  }

  @Test func aLabelThatAPersonTookOffIsNotPutBackWhileNothingChanges() throws {
    let order = try OrderUnderTest()
    try order.take(decision(1, [desired("A", ["1", "2"])]))
    try order.shop.personRemoves("A", from: ["1"], of: order.order)
    try order.take(decision(2, [desired("A", ["1", "2"])]))
    try order.take(decision(3, [desired("A", ["1", "2", "3"])]))
    #expect(try order.labels() == ["2 A", "3 A"])
  }

  @Test func aLabelThatAPersonTookOffIsNeverPutBackByTheSameRule() throws {
    let order = try OrderUnderTest()
    try order.take(decision(1, [desired("A", ["1", "2"]), desired("B", ["1"])]))
    try order.shop.personRemoves("A", from: ["1"], of: order.order)
    try order.take(decision(2, [desired("B", ["1"])]))
    #expect(order.ledger?.vetoes.map { "\($0.label) \($0.rules) \($0.itemCodes)" } == [#"A ["R"] ["1"]"#])
    #expect(
      order.actions.suffix(2).map { "\($0.itemCodes) \($0.result)" } == [#"["2"] done"#, #"["1"] vetoed"#])
    try order.take(decision(3, [desired("A", ["1", "2"]), desired("B", ["1"])]))
    #expect(try order.labels() == ["1 B", "2 A"])
    #expect(order.ledger?.labels.map(\.itemCodes) == [["2"], ["1"]])
    // Another rule was not spoken of, and has its own mind. The shop remembers the person's hand all the same.
    try order.take(decision(4, [desired("A", ["1", "2"], rules: ["R", "S"])]))
    #expect(try order.labels() == ["2 A"])
    #expect(order.ledger?.vetoes.count == 2)
    // Neither does a repetition bring it back.
    try order.take(decision(4, [desired("A", ["1", "2"], rules: ["R", "S"])]))
    #expect(try order.labels() == ["2 A"])
  }

  @Test func aLabelTakenOffAllItemsStaysOffTheItemsThatComeLater() throws {
    let order = try OrderUnderTest()
    try order.take(decision(1, [desired("A", ["1", "2"])]))
    try order.shop.personRemoves("A", from: ["1", "2"], of: order.order)
    try order.take(decision(2, []))
    #expect(order.ledger?.vetoes.map(\.itemCodes) == [[]])
    try order.take(decision(3, [desired("A", ["1", "2", "3"]), desired("B", ["3"])]))
    #expect(try order.labels() == ["3 B"])
    try order.take(decision(4, [desired("A", ["1", "2", "3"], rules: ["S"])]))
    #expect(try order.labels() == ["3 A"])
  }

  @Test func onlyAnExplicitActLiftsAVeto() throws {
    let order = try OrderUnderTest()
    try order.take(decision(1, [desired("A", ["1"])]))
    try order.shop.personRemoves("A", from: ["1"], of: order.order)
    try order.take(decision(2, []))
    try order.take(decision(3, [desired("A", ["1"])]))
    #expect(try order.labels() == [])
    // By hand: the label is the person's from now on, and stays when our wish goes.
    let other = try OrderUnderTest()
    try other.take(decision(1, [desired("A", ["1"])]))
    try other.shop.personRemoves("A", from: ["1"], of: other.order)
    try other.take(decision(2, []))
    try other.shop.personAdds("A", to: ["1"], of: other.order)
    try other.take(decision(3, [desired("A", ["1"])]))
    try other.take(decision(4, []))
    #expect(try other.labels() == ["1 A"])
    // By leave: the rule may put it on again, and take it off.
    #expect(try order.lift("A") == ["R"])
    #expect(try order.labels() == ["1 A"])
    try order.take(decision(4, [desired("A", ["1"])]))
    #expect(try order.labels() == ["1 A"])
    #expect(order.ledger?.vetoes.isEmpty == true)
    try order.take(decision(5, []))
    #expect(try order.labels() == [])
  }

  @Test func labelsAreTheSameOnlyByteForByte() throws {
    let order = try OrderUnderTest()
    let (composed, decomposed) = ("\u{AC00}", "\u{1100}\u{1161}")
    try order.take(decision(1, [desired(decomposed, ["1"])]))
    try order.take(decision(2, [desired(decomposed, ["1"]), desired(composed, ["1"])]))
    #expect(try order.labels().count == 2)
    try order.take(decision(3, [desired(composed, ["1"])]))
    #expect(try order.labels().map { Array($0.utf8) } == [Array("1 \(composed)".utf8)])
    #expect(order.actions.map(\.kind) == ["label.added", "label.added", "label.removed"])
  }

  @Test func whatACrashLeftMissingIsNoVeto() throws {
    let order = try OrderUnderTest()
    try order.take(decision(1, [desired("A", ["1"])]))
    try order.take(decision(2, []), crashes: true)
    try order.take(decision(2, []))
    #expect(order.ledger?.vetoes.isEmpty == true)
    try order.take(decision(3, [desired("A", ["1"])]))
    #expect(try order.labels() == ["1 A"])
  }

  @Test func aCrashBetweenShopAndLedgerLeavesTheSameStateAndOneRecord() throws {
    let calm = try OrderUnderTest()
    let crashed = try OrderUnderTest()
    let first = decision(1, [desired("A", ["1"])], actions: [action("alert", "BANK"), action("gift", "VIP")])
    let second = decision(2, [desired("B", ["1"])])
    for order in [calm, crashed] {
      for step in [first, second] {
        if order === crashed { try order.take(step, crashes: true) }
        try order.take(step)
      }
    }
    #expect(crashed.ledger == calm.ledger)
    #expect(try crashed.labels() == calm.labels())
    #expect(crashed.actions.map(\.kind) == calm.actions.map(\.kind))
    #expect(calm.actions.allSatisfy { $0.result == "done" })
    #expect(crashed.actions.allSatisfy { $0.result == "already" })
    #expect(try crashed.shop.deliveredAlerts(of: crashed.order).count == 1)
  }

  @Test func whatTheShopRefusesIsAskedAgain() throws {
    let reconciler = Reconciler()
    let wish = decision(1, [desired("A", ["1"]), desired("B", ["1"])], actions: [action("gift", "VIP")])
    let result = reconciler.reconcile(wish, ledger: nil)
    let settled = reconciler.settle(
      result, of: wish, labelOutcomes: [LabelOutcome(.refused(.orderGone)), LabelOutcome(.done)],
      effectOutcomes: [.refused(.notPermitted)], at: Instant(microseconds: 0))
    #expect(
      settled.hasRefusals && settled.ledger.labels.map(\.label) == ["B"] && settled.ledger.effects.isEmpty)
    #expect(
      settled.actions.map(\.result) == ["failed: order_gone", "done", "failed: not_permitted"])
    let again = reconciler.reconcile(wish, ledger: settled.ledger)
    #expect(again.labelAdds.map(\.label) == ["A"] && again.effects.count == 1)
    // A refused removal leaves the label in the ledger; no answer counts as refused.
    let gone = decision(2)
    let removal = reconciler.reconcile(gone, ledger: settled.ledger)
    let kept = reconciler.settle(removal, of: gone, labelOutcomes: [], effectOutcomes: [], at: wish.placedAt)
    #expect(kept.ledger.labels.map(\.label) == ["B"] && kept.ledger.labels.map(\.itemCodes) == [["1"]])
    #expect(reconciler.reconcile(gone, ledger: kept.ledger).labelRemoves.map(\.label) == ["B"])
  }

  @Test func aLabelOfAnUnknownRuleLeavesUnlessTheOptionKeepsIt() throws {
    var unknown = decision(2)
    unknown.outcomes = [RuleOutcome.unknown.rawValue, RuleOutcome.false.rawValue]
    let wish = decision(1, [desired("A", ["1"], rules: ["R1", "R2"]), desired("B", ["1"], rules: ["R2"])])
    let plain = try OrderUnderTest()
    var options = Reconciler.Options()
    options.keepOnUnknown = true
    let keeping = try OrderUnderTest(options)
    for order in [plain, keeping] {
      order.ruleIds = ["R1", "R2"]
      try order.take(wish)
      try order.take(unknown)
    }
    #expect(try plain.labels().isEmpty)
    #expect(try keeping.labels() == ["1 A"])
    unknown.position.offset = 3
    try keeping.take(unknown)
    #expect(keeping.actions.filter { $0.kind == "label.kept" }.count == 1)
    #expect(keeping.ledger?.labels.map(\.rules) == [["R1"]])
    try keeping.take(decision(4))
    #expect(try keeping.labels().isEmpty)
  }

  @Test func effectsOfAnOrderAreLimited() {
    let many = decision(1, [], actions: (0...Reconciler.effectsMax).map { action("alert", "R\($0)") })
    let result = Reconciler().reconcile(many, ledger: nil)
    #expect(result.effects.count == Reconciler.effectsMax && result.notes == ["effects.limit"])
  }

  @Test func aDecisionWithUnsortedPartsGivesTheSameLedger() {
    let tidy = decision(1, [desired("A", ["1", "2"], rules: ["R1", "R2"]), desired("B", ["1"])])
    var untidy = tidy
    untidy.labels = [
      desired("B", ["1"]), desired("C", []), desired("A", ["2", "1", "2"], rules: ["R2", "R1"]),
    ]
    let result = Reconciler().reconcile(tidy, ledger: nil)
    #expect(Reconciler().reconcile(untidy, ledger: nil).newLedger == result.newLedger)
    #expect(Reconciler().reconcile(untidy, ledger: result.newLedger).standing == .repeated)
  }
}
