import Orders
import Testing

@testable import Rules

@Suite struct MeaningTests {
  private func decide(_ currencyDecimals: Int = 0, _ fill: (FactBatch) -> Void) throws -> [String: Outcome] {
    let plan = try Plan([RuleSet.load(files: RuleFileTests.shipped())])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    batch.beginOrder(currencyDecimals: currencyDecimals)
    fill(batch)
    let evaluator = Evaluator(plan: plan, capacity: 64)
    evaluator.evaluate(batch)
    var outcomes: [String: Outcome] = [:]
    for (index, rule) in plan.rules.enumerated() {
      outcomes[plan.ruleSets[0].rules[rule.rule].id] = evaluator.outcome(rule: index, row: 0)
    }
    return outcomes
  }

  @Test func thresholdsIncludeTheirBoundaryInEveryCurrency() throws {
    #expect(try decide { $0.setMoney(.amountItems, minorUnits: 99_999) }["HIGH_VALUE"] == .false)
    #expect(try decide { $0.setMoney(.amountItems, minorUnits: 100_000) }["HIGH_VALUE"] == .true)
    #expect(try decide(2) { $0.setMoney(.amountItems, minorUnits: 9_999_999) }["HIGH_VALUE"] == .false)
    #expect(try decide(2) { $0.setMoney(.amountItems, minorUnits: 10_000_000) }["HIGH_VALUE"] == .true)
  }

  @Test func anIslandAmongTheReceiversIsEnoughAndAMissingOneKeepsItOpen() throws {
    let both = try decide {
      $0.addZone("none")
      $0.addZone("제주")
      $0.setZoneMissing()
    }
    #expect(both["ISLAND_SHIP"] == .true)
    #expect(try decide { $0.addZone("none") }["ISLAND_SHIP"] == .false)
    let open = try decide {
      $0.addZone("none")
      $0.setZoneMissing()
    }
    #expect(open["ISLAND_SHIP"] == .unknown)
  }

  @Test func aMissingDatumIsUnknownUnlessAnotherTermIsFalse() throws {
    let high = try decide { $0.setMoney(.amountItems, minorUnits: 100_000) }
    #expect(
      high["FRAUD_CHECK"] == .unknown && high["FIRST_ORDER"] == .unknown && high["RETURN_RISK"] == .unknown)
    #expect(try decide { $0.setMoney(.amountItems, minorUnits: 5) }["FRAUD_CHECK"] == .false)
    let european = try decide {
      $0.setMoney(.amountItems, minorUnits: 100_000)
      $0.setString(.ipCountry, "EU")
    }
    #expect(european["FRAUD_CHECK"] == .true)
  }

  @Test func withoutACustomerKeyEveryHistoryFactIsMissing() throws {
    let outcomes = try decide { $0.setMoney(.amountItems, minorUnits: 500_000) }
    for id in [
      "FIRST_ORDER", "VIP_GIFT", "BUNDLE_SHIP", "RETURN_RISK", "example-vip", "example-bundle",
      "example-cs-care", "example-high-risk",
    ] { #expect(outcomes[id] == .unknown, "\(id)") }
    let alone = try decide { $0.setInt(.bundlePartners, 0) }
    #expect(alone["BUNDLE_SHIP"] == .false)
  }

  @Test func stockLooksAtGiftLinesButNotAtCancelledOnes() throws {
    func stock(live: Bool, gift: Bool) throws -> Outcome? {
      try decide { batch in
        batch.addItem(live: live, gift: gift)
        batch.setStock(itemIndex: 0, after: 1, safety: 5)
      }["STOCK_ALERT"]
    }
    #expect(try stock(live: true, gift: true) == .true)
    #expect(try stock(live: false, gift: false) == .false)
  }

  @Test func theShippedRulesSayWhatTheContractSays() throws {
    let set = try RuleSet.load(files: RuleFileTests.shipped())
    let islands = "\"제주\" in zones || \"도서산간\" in zones"
    let expected = [
      "FIRST_ORDER": "history.orders == 0", "ISLAND_SHIP": islands,
      "HIGH_VALUE": "amount.items >= 100000",
      "BUNDLE_SHIP": "bundle.partners(duration(\"60m\")) >= 1",
      "BANK_ALERT": "\"cash\" in payment.methods && payment.status == \"unpaid\"",
      "VIP_GIFT": "history.amount >= 500000", "FRAUD_CHECK": "ip.foreign && amount.items >= 100000",
      "RETURN_RISK": "history.claims(3) >= 2",
      "SAME_DAY": "inList(\"same_day\") && payment.status == \"paid\""
        + " && timeOfDay(order.paid_or_placed_at) < \"11:00\""
        + " && !(dayOfWeek(order.paid_or_placed_at) in [0, 6]) && !isHoliday(order.paid_or_placed_at)",
      "STOCK_ALERT": "allItems.exists(i, i.live && i.stock.after <= i.stock.safety)",
      "example-vip": "history.amount >= 1000000", "example-jeju": islands,
      "example-high-risk": "amount.items >= 100000 && history.orders == 0 && ip.foreign",
      "example-event": "inList(\"event\")", "example-cs-care": "history.returns(3) >= 2",
      "example-dawn-same-day": "inList(\"same_day\") && timeOfDay(order.placed_at) < \"05:00\"",
      "example-bundle": "bundle.partners >= 1",
      "example-marketing": "inList(\"new\") || inList(\"best\")",
      "example-high-value": "amount.items >= 300000",
    ]
    let conditions = set.rules.map { ($0.id, $0.condition?.description ?? "") }
    #expect(Dictionary(uniqueKeysWithValues: conditions) == expected)
    let labels = set.rules.filter { $0.template == nil }.map { $0.actions.labels.joined(separator: "+") }
    #expect(
      labels == [
        "합포장가능", "CS주의+검토필요", "당일배송+출고우선", "이벤트주문", "고위험주문", "고액주문",
        "제주배송+추가배송비대상", "마케팅분석대상", "VIP",
      ])
  }

  @Test func stockIsTrueBeforeUnknownBeforeFalse() throws {
    func stock(_ levels: [Int64?]) throws -> Outcome? {
      try decide { batch in
        for level in levels {
          batch.addItem(live: true, gift: false)
          if let level { batch.setStock(itemIndex: batch.itemCount - 1, after: level, safety: 5) }
        }
      }["STOCK_ALERT"]
    }
    #expect(try stock([nil, 5]) == .true)
    #expect(try stock([nil, 6]) == .unknown)
    #expect(try stock([6, 7]) == .false)
    #expect(try stock([]) == .false)
  }

  @Test func sameDayEndsAtTheCutoffAndRestsOnWeekendsAndHolidays() throws {
    func sameDay(_ time: String, holiday: Bool = false, listed: Bool = true) throws -> Outcome? {
      let instant = try #require(Instant(rfc3339: time))
      return try decide { batch in
        batch.setTimes(placedAt: 0, paidAt: instant.microseconds)
        batch.setPaymentStatus(wire: 3)
        batch.setBool(.paidHoliday, holiday)
        batch.addItem(live: true, gift: false)
        batch.addList("other")
        batch.addList("same_day")
        batch.setListMembership(itemIndex: 0, mask: listed ? 2 : 1)
      }["SAME_DAY"]
    }
    #expect(try sameDay("2026-10-13T10:59:59+09:00") == .true)
    #expect(try sameDay("2026-10-13T11:00:00+09:00") == .false)
    #expect(try sameDay("2026-10-13T01:59:59Z") == .true)
    #expect(try sameDay("2026-10-10T09:00:00+09:00") == .false)
    #expect(try sameDay("2026-10-11T09:00:00+09:00") == .false)
    #expect(try sameDay("2026-10-13T09:00:00+09:00", holiday: true) == .false)
    #expect(try sameDay("2026-10-13T09:00:00+09:00", listed: false) == .false)
  }

  @Test func textsAreTheSameOnlyWhenTheirBytesAre() throws {
    let composed = "\u{E9}"
    let decomposed = "e\u{301}"
    let text = """
      rules:
        - {id: a1, if: 'grade == "\(composed)"', then: {labels: ["\(composed)", "\(decomposed)"]}}
        - {id: a2, if: 'grade == "\(decomposed)"', then: {labels: [x]}}
        - {id: b1, if: '"\(composed)" in payment.methods', then: {labels: [x]}}
        - {id: b2, if: '"\(decomposed)" in payment.methods', then: {labels: [x]}}
        - {id: c1, if: 'inList("\(composed)")', then: {labels: [x]}}
        - {id: c2, if: 'inList("\(decomposed)")', then: {labels: [x]}}
        - {id: d1, if: 'grade in ["a", "\(composed)"]', then: {labels: [x]}}
        - {id: d2, if: 'grade in ["\(decomposed)", "\(composed)"]', then: {labels: [x]}}
      """
    let set = try RuleSet.load(files: [("r.yaml", text)])
    #expect(set.rules[0].actions.labels.count == 2)
    #expect(set.demand.lists.count == 2)
    let plan = try Plan([set])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    batch.beginOrder()
    batch.setString(.grade, decomposed)
    batch.addMethod(decomposed)
    batch.addList(decomposed)
    let evaluator = Evaluator(plan: plan, capacity: 64)
    evaluator.evaluate(batch)
    let outcomes = (0..<8).map { evaluator.outcome(rule: $0, row: 0) }
    #expect(outcomes == [.false, .true, .false, .true, .unknown, .false, .false, .true])
  }

  @Test func anExplanationNamesTheTermAndItsValue() throws {
    let plan = try Plan([RuleSet.load(files: RuleFileTests.shipped())])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    batch.beginOrder()
    batch.setMoney(.amountItems, minorUnits: 45_000)
    let explanation = Explanation(batch: batch, row: 0, plan: plan)
    #expect(explanation.korean.contains("HIGH_VALUE: 아님 – amount.items >= 100000 (45000)"))
    #expect(explanation.english.contains("FIRST_ORDER: unknown – history.orders == 0 (missing)"))
  }
}
