import EvaluateStage
import Orders
import Rules
import TestKit
import Testing
import Topics

struct DeciderTests {
  @Test func theSameRecordGivesTheSameBytes() throws {
    let decider = try Decider.of(Fixture.rules)
    var generator = SeededGenerator.announced("theSameRecordGivesTheSameBytes", seed: 31)
    let records = (0..<500).map { Fixture.random($0, &generator) }
    let together = decider.bytes(of: records)
    #expect(together.count == 500)
    // Again, in other company, in another decider.
    #expect(decider.bytes(of: records) == together)
    let other = try Decider.of(Fixture.rules)
    for (index, record) in records.enumerated() where index % 7 == 0 {
      #expect(other.bytes(of: [record]) == [together[index]])
    }
    let shuffled = records.indices.shuffled(using: &generator)
    let mixed = other.bytes(of: shuffled.map { records[$0] })
    for (place, index) in shuffled.enumerated() { #expect(mixed[place] == together[index]) }
  }

  @Test func everyFieldOfADecisionIsFilled() throws {
    let decider = try Decider.of(Fixture.rules)
    var record = Fixture.record("A")
    record.position = Position(epoch: 2, partition: 3, offset: 44, n: 1)
    record.latestVersion = 9
    record.inputEventTime = Instant(microseconds: 77_000_000)
    record.snapshot?.version = 5
    record.snapshot?.shopNo = 4
    record.snapshot?.paidAt = Fixture.noon
    record.snapshot?.paymentMethods = ["card", "point"]
    record.facts?.bundlePartners = 1
    record.facts?.bundleOrderIds = ["B"]
    record.facts?.ipCountry = "US"
    let decision = try #require(try decider.decisions(of: [record]).first)
    #expect(decision.mallId == "demomall" && decision.shopNo == 4 && decision.orderId == "A")
    #expect(decision.position == record.position)
    #expect(decision.version == 5 && decision.latestVersion == 9)
    #expect(decision.ruleSet == decider.plan.ruleSets.first?.hash)
    #expect(decision.labels.map(\.label) == ["BUNDLE", "HIGH", "NEW"])
    #expect(decision.labels.map(\.rules) == [["bundle"], ["a-high", "high"], ["new"]])
    #expect(decision.labels.allSatisfy { $0.itemCodes == ["A-1", "A-2"] })
    #expect(decision.labels.map(\.keepOnCancel) == [false, false, true])
    #expect(
      decision.actions.map { "\($0.kind) \($0.rule) \($0.text)" } == ["alert bundle 함께", "gift bundle "])
    // Rules by id: a-high, bundle, high, island, new, wait.
    #expect(decision.outcomes.count == 6 && decision.terms.count == 6)
    #expect(decision.own && decision.state == .open && !decision.tooLate && !decision.firstSeenClosed)
    #expect(decision.placedAt == Fixture.noon && decision.inputEventTime == record.inputEventTime)
    #expect(decision.currency == "KRW")
    let digest = try #require(decision.facts)
    #expect(digest.amountItems == 120_000 && digest.historyKnown && digest.historyOrders == 0)
    #expect(digest.bundlePartners == 1 && digest.bundleOrderIds == ["B"])
    #expect(digest.zones == ["none"] && !digest.zoneMissing && digest.ipCountry == "US")
    #expect(digest.paymentStatus == "paid" && digest.paymentMethods == ["card", "point"])
    #expect(digest.paidAt == Fixture.noon)
  }

  @Test func everyActionOfARuleReachesItsDecision() throws {
    let decider = try Decider.of(
      """
      rules:
        - id: all
          name: 모두
          if: amount.items >= 100000
          then:
            labels: [A]
            alert: {channel: 물류, text: 확인}
            gift: true
            mark: {name: 냉장, team: 물류팀}
            hold: 주소 확인
            memo: 송장 전에 전화
            surcharge: true
            stock_alert: true
          otherwise: {memo: 금액 미달}
      """)
    var record = Fixture.record("A")
    record.facts?.stock = [Fixture.stock(0, 2), Fixture.stock(1, 9)]
    let decision = try #require(try decider.decisions(of: [record]).first)
    let shown = decision.actions.map {
      [$0.kind, $0.cause, $0.text, $0.channel, $0.team].joined(separator: "/")
    }
    #expect(
      shown == [
        "alert//확인/물류/", "gift////", "mark/냉장/냉장//물류팀", "hold//주소 확인//",
        "memo/송장 전에 전화/송장 전에 전화//", "surcharge////",
        "stock_alert/S1@2026-10-13T12:00:00+09:00/모두: S1 재고 2, 안전 재고 5//",
      ])
    var small = Fixture.record("B")
    small.facts?.amountItems = 0
    small.snapshot?.items = []
    let other = try #require(try decider.decisions(of: [small]).first)
    #expect(other.actions.map { "\($0.kind)/\($0.cause)/\($0.text)" } == ["memo/otherwise: 금액 미달/금액 미달"])
  }

  @Test func anUnknownRuleNamesWhatItWaitsFor() throws {
    let decider = try Decider.of(Fixture.rules)
    var record = Fixture.record("A")
    record.facts?.zones = []
    record.facts?.zoneMissing = true
    record.facts?.historyKnown = false
    let decision = try #require(try decider.decisions(of: [record]).first)
    let outcomes = decider.outcomes(decision)
    #expect(outcomes["island"] == .unknown && outcomes["wait"] == .unknown)
    #expect(decision.pendingOn.contains("zones"))
    #expect(decision.pendingOn == decision.pendingOn.sorted())
    // A false conjunct decides although another is unknown (Kleene).
    record.facts?.amountItems = 5
    let cheap = try #require(try decider.decisions(of: [record]).first)
    #expect(decider.outcomes(cheap)["wait"] == .false)
    let place = try #require(decider.ruleIds.firstIndex(of: "wait"))
    #expect(cheap.terms[place] == 1)
    record.facts?.zones = ["제주"]
    record.facts?.zoneMissing = false
    #expect(decider.outcomes(try #require(try decider.decisions(of: [record]).first))["island"] == .true)
  }

  @Test func aLateStateThatDecidesOtherwiseIsTooLate() throws {
    let decider = try Decider.of(Fixture.rules)
    var record = Fixture.record("A")
    record.state = .shipped
    record.lateSnapshot = record.snapshot
    record.lateFacts = record.facts
    let same = try #require(try decider.decisions(of: [record]).first)
    #expect(!same.tooLate && same.state == .shipped)
    record.lateFacts?.zones = ["제주"]
    let late = try #require(try decider.decisions(of: [record]).first)
    #expect(late.tooLate)
    // Only the alert: the labels are those of T(X).
    #expect(late.labels == same.labels)
    #expect(decider.outcomes(late)["island"] == .false)
  }

  @Test func anItemRuleLabelsOnlyItsLines() throws {
    let decider = try Decider.of(
      """
      rules:
        - {id: line, scope: item, if: amount.items >= 1, match: item.sku == "S2", then: {labels: [LINE]}}
        - {id: whole, if: amount.items >= 1, then: {labels: [LINE, WHOLE]}}
      """)
    var record = Fixture.record("A")
    var gone = ItemValue()
    gone.itemCode = "A-0"
    gone.sku = "S2"
    gone.quantity = 1
    gone.status = "C40"
    record.snapshot?.items.append(gone)
    let decision = try #require(try decider.decisions(of: [record]).first)
    let rows = decision.labels.map { "\($0.label) \($0.rules) \($0.itemCodes)" }.sorted()
    #expect(
      rows == [
        #"LINE ["line"] ["A-2"]"#, #"LINE ["whole"] ["A-1", "A-2"]"#, #"WHOLE ["whole"] ["A-1", "A-2"]"#,
      ])
  }

  @Test func codesAreSortedAndCancelledItemsCarryNothing() throws {
    let decider = try Decider.of("rules:\n  - {id: all, if: amount.items >= 0, then: {labels: [L]}}")
    var record = Fixture.record("A")
    record.snapshot?.items.reverse()
    let reversed = try #require(try decider.decisions(of: [record]).first)
    #expect(reversed.labels.map(\.itemCodes) == [["A-1", "A-2"]])
    record.snapshot?.items[0].status = "C40"
    record.snapshot?.items[1].status = "R40"
    let none = try #require(try decider.decisions(of: [record]).first)
    #expect(none.labels.isEmpty && none.outcomes == [1])
  }

  @Test func shadowAndDraftRulesAskForNothing() throws {
    let decider = try Decider.of(
      """
      rules:
        - {id: on, if: amount.items >= 1, then: {labels: [ON]}}
        - {id: shade, state: shadow, if: amount.items >= 1, then: {labels: [SHADE], gift: true}}
      """)
    let decision = try #require(try decider.decisions(of: [Fixture.record("A")]).first)
    #expect(decision.labels.map(\.label) == ["ON"] && decision.actions.isEmpty)
  }

  @Test func couponsAndReceiversAreReadFromTheRecord() throws {
    let decider = try Decider.of(
      """
      rules:
        - {id: number, if: '"C1" in coupons', then: {labels: [NUMBER]}}
        - {id: type, if: '"first_purchase" in coupons.types', then: {labels: [TYPE]}}
        - {id: several, if: receivers.count >= 2, then: {labels: [SEVERAL]}}
      """)
    var record = Fixture.record("a")
    record.snapshot?.coupons = [("C0", "first_purchase"), ("C1", "")].map { number, type in
      var coupon = CouponValue()
      coupon.couponNo = number
      coupon.issueType = type
      return coupon
    }
    record.snapshot?.receivers = [1, 2].map { number in
      var receiver = ReceiverValue()
      receiver.receiverNo = Int32(number)
      return receiver
    }
    let decisions = try decider.decisions(of: [record, Fixture.record("b")])
    #expect(decisions.map { $0.labels.map(\.label) } == [["NUMBER", "SEVERAL", "TYPE"], []])
  }

  @Test func linesOfEveryKindAreReadFromTheRecord() throws {
    let conditions = [
      #"receivers.exists(r, r.region == "서울특별시" && r.city == "중구" && r.country == "KR" && r.has_address)"#,
      "size(receivers.filter(r, !r.has_address)) == 1",
      #"claims.exists_one(c, c.kind == "return" && c.status == "completed" && c.customer_fault && c.lines == 2)"#,
      "sum(claims.map(c, c.quantity)) == 5 && sum(claims.filter(c, c.completed).map(c, c.refund)) == 15000",
      "claims.all(c, c.requested_at == order.placed_at) && claims.exists(c, isMissing(c.completed_at))",
      #"coupons.exists(c, c.number == "C1" && c.type == "first_purchase")"#,
      #"items.exists_one(i, "식품" in i.categories && size(i.categories) == 2 && !i.has_tracking)"#,
      "gift.address_due - order.placed_at == duration(\"1d\") && order.has_market_number",
      "sum(items.map(i, i.price * i.quantity)) == 120000",
    ]
    let rules = conditions.enumerated().map { "  - {id: r\($0), if: '\($1)', then: {labels: [L\($0)]}}\n" }
    let decider = try Decider.of("rules:\n" + rules.joined())
    var record = Fixture.record("a")
    var receiver = ReceiverValue()
    receiver.receiverNo = 1
    record.snapshot?.receivers = [receiver]
    (receiver.region1, receiver.region2, receiver.country, receiver.hasAddress) = ("서울특별시", "중구", "KR", true)
    record.snapshot?.receivers.append(receiver)
    let claims: [(kind: UInt8, status: UInt8, quantities: [Int32])] = [(2, 3, [1, 1]), (1, 4, [3])]
    record.snapshot?.claims = try claims.map { kind, status, quantities in
      var claim = ClaimValue()
      claim.kind = try #require(ClaimKind(rawValue: kind))
      claim.status = try #require(ClaimStatus(rawValue: status))
      claim.reason = "A"
      claim.requestedAt = Fixture.noon
      if status == 3 { (claim.completedAt, claim.refundAmount) = (Fixture.noon, 15_000) }
      claim.items = quantities.map {
        var item = ClaimItemValue()
        item.quantity = $0
        return item
      }
      return claim
    }
    var coupon = CouponValue()
    (coupon.couponNo, coupon.issueType) = ("C1", "first_purchase")
    record.snapshot?.coupons = [coupon]
    record.snapshot?.items[0].categories = ["식품", "과일"]
    record.snapshot?.items[1].hasTracking = true
    record.snapshot?.marketOrderNo = "M-1"
    record.snapshot?.addressDue = Instant(microseconds: Fixture.noon.microseconds + 86_400_000_000)
    let decision = try decider.decisions(of: [record])[0]
    #expect(Set(decision.labels.map(\.label)) == Set(conditions.indices.map { "L\($0)" }))
  }

  @Test func whatARuleDoesOtherwiseIsAskedForWhereItIsLookedAtAndFalse() throws {
    let decider = try Decider.of(
      """
      rules:
        - id: big
          if: amount.items >= 100
          then: {labels: [BIG]}
          otherwise: {labels: [SMALL], alert: {channel: default, text: small}}
        - {id: stop, if: amount.items >= 1000, priority: 9, stop: true, then: {labels: [STOP]}}
        - {id: new, if: history.orders == 0, then: {labels: [NEW]}, otherwise: {labels: [KNOWN]}}
      """)
    var unknown = Fixture.record("c", amount: 2000)
    unknown.facts?.historyKnown = false
    let decisions = try decider.decisions(
      of: [Fixture.record("a", amount: 99), Fixture.record("b", amount: 100), unknown])
    #expect(
      decisions.map { $0.labels.map(\.label) } == [["NEW", "SMALL"], ["BIG", "NEW"], ["STOP"]])
    #expect(decisions.map { $0.actions.map(\.cause) } == [["otherwise"], [], []])
    #expect(decisions[2].pendingOn.isEmpty, "a rule that is not looked at waits for nothing")
  }

  @Test func moreRecordsThanABatchHoldsGoInSeveral() throws {
    let decider = try Decider.of(Fixture.rules)
    let records = (0..<10_000).map { Fixture.record("order-\($0)", amount: $0 % 2 == 0 ? 5 : 120_000) }
    let decisions = try decider.decisions(of: records)
    #expect(decisions.map(\.orderId) == (0..<10_000).map { "order-\($0)" })
    for (index, decision) in decisions.enumerated() {
      #expect(decision.labels.contains { $0.label == "HIGH" } == (index % 2 == 1))
    }
  }

  @Test func malformedBytesNeverStopTheProcess() throws {
    let decider = try Decider.of(Fixture.rules)
    var generator = SeededGenerator.announced("malformedBytesNeverStopTheProcess", seed: 32)
    let sound = (0..<50).map { Fixture.random($0, &generator).protobuf }
    var taken = 0
    for round in 0..<20_000 {
      var bytes = sound[round % sound.count]
      switch round % 4 {
      case 0:
        for _ in 0...3 {
          bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8.random(
            in: 1...255, using: &generator)
        }
      case 1: bytes.removeLast(.random(in: 1...bytes.count, using: &generator))
      case 2:
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        bytes.replaceSubrange(
          place..<place, with: (0...9).map { _ in .random(in: 0...255, using: &generator) })
      default: bytes = (0..<(round % 200)).map { _ in .random(in: 0...255, using: &generator) }
      }
      taken += decider.bytes(of: [bytes]).count
    }
    #expect(taken > 100 && taken < 19_000)
    // And sound ones are decided as before, also in one batch with those that are not.
    let alone = decider.bytes(of: sound)
    var mixed: [[UInt8]] = []
    for record in sound { mixed += [Array(record.dropLast(3)), record] }
    let decided = decider.indexed(mixed).filter { $0.input % 2 == 1 }.map(\.bytes)
    #expect(decided == alone)
  }

  @Test func aRecordWithoutASnapshotIsNone() throws {
    let decider = try Decider.of(Fixture.rules)
    #expect(decider.bytes(of: [[UInt8]()]).isEmpty)
    var record = Fixture.record("A")
    record.snapshot = nil
    #expect(decider.bytes(of: [record]).isEmpty)
    decider.decide { _ in Issue.record("nothing was added") }
  }
}
