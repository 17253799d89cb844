import Testing

@testable import Rules

/// Measures of earlier orders in the language: `history.orders(3)`, `history.bought("SKU-1", duration("30d"))`.
@Suite struct HistoryAggregateTests {
  private static let hour: Int64 = 3_600_000_000

  private func problems(_ condition: String) -> String {
    do {
      _ = try set(condition)
      return ""
    } catch {
      return "\(error)"
    }
  }

  private func set(_ conditions: String...) throws -> RuleSet {
    var text = "rules:\n"
    for (index, condition) in conditions.enumerated() {
      text += "  - id: r\(index)\n    if: '\(condition)'\n    then: {labels: [X]}\n"
    }
    return try RuleSet.load(files: [("r.yaml", text)])
  }

  @Test func rulesSayWhichMeasuresEnrichComputes() throws {
    let set = try set(
      #"history.orders(3) >= 2 && history.bought("A", duration("30d")) >= 1 && history.orders("all") > 0"#,
      #"history.bought("A", duration("720h")) == 0 || history.orders(duration("60d")) == 0"#,
      #"order.placed_at - history.last_bought_at("제주") >= duration("90d") && history.amount("all") > 5"#,
      #"history.amount(36) >= 19.5 && has(history.last_order_at) && history.cancels(1) + history.skus(1) > 1"#
    )
    #expect(
      set.demand.aggregates.map(\.name) == [
        #"history.orders(duration("1440h"))"#, "history.orders(3)", "history.amount(36)",
        "history.cancels(1)", "history.skus(1)", #"history.bought("A", duration("720h"))"#,
        "history.last_order_at", #"history.last_bought_at("제주")"#,
      ])
    #expect(set.demand.needsHistory)
    // Those of all time stand in every record.
    #expect(set.rules[0].terms[2].references == [.fact(.historyOrders)])
    for aggregate in set.demand.aggregates { #expect(HistoryAggregate(named: aggregate.name) == aggregate) }
    #expect(HistoryAggregate(named: "history.returns(3)") == nil)
    #expect(HistoryAggregate(named: "history.orders") == nil)
    #expect(try RuleSet.load(files: RuleFileTests.shipped()).demand.aggregates.isEmpty)
  }

  @Test func twoSetsAskForWhatEitherAsks() throws {
    let one = try set("history.orders(3) > 0").demand
    let other = try set("history.orders(3) > 0", #"history.quantity("all") > 0"#).demand
    #expect(one.union(other).aggregates == other.aggregates && other.aggregates.count == 2)
    #expect(other.beyond(one) == [#"history.quantity("all")"#] && one.beyond(other).isEmpty)
  }

  @Test func windowsAndCodesThatAreNoneAreRefusedWithAHint() {
    #expect(problems(#"history.orders(duration("1h")) > 0"#).isEmpty)
    #expect(problems(#"history.orders(duration("366d")) > 0"#).isEmpty)
    #expect(problems("history.orders(36) > 0").isEmpty)
    for wrong in [#"duration("59m")"#, #"duration("367d")"#] {
      #expect(problems("history.orders(\(wrong)) > 0").contains("expected a duration from 1h to 366d"))
    }
    for wrong in ["0", "37", "-3"] {
      let told = problems("history.cancels(\(wrong)) > 0")
      #expect(told.contains("the number of months must be a whole number from 1 to 36"))
      #expect(told.contains(#"write duration("30d") for days, "all" for all time"#))
    }
    for wrong in [#""ever""#, "1.5", "order.placed_at", "true"] {
      #expect(problems("history.quantity(\(wrong)) > 0").contains("expected a window"))
    }
    #expect(problems("history.orders() > 0").contains("history.orders takes one window"))
    #expect(problems(#"history.bought("A") > 0"#).contains("takes a code in quotes and a window"))
    #expect(problems("history.bought(3, 3) > 0").contains("expected a SKU or product code in quotes"))
    #expect(problems(#"history.bought("", 3) > 0"#).contains("at most 100 bytes"))
    let long = String(repeating: "A", count: 101)
    #expect(problems(#"history.bought("\#(long)", 3) > 0"#).contains("at most 100 bytes"))
    #expect(problems(#"history.last_bought_at("A", 3) > order.placed_at"#).contains("takes a code in quotes"))
    #expect(problems("history.cancels > 0").contains("say of which window: history.cancels(3)"))
    #expect(problems("history.bought > 0").contains(#"say of which product: history.bought("SKU-1", 3)"#))
    #expect(problems("history.order(3) > 0").contains("history.orders"))
  }

  @Test func aCountAnAmountAndAnInstantHaveTheirTypes() {
    #expect(problems("history.amount(3) >= 19.9999").isEmpty)
    #expect(problems(#"history.bought("A", 3) >= history.bought_quantity("A", 3)"#).isEmpty)
    #expect(problems("history.last_order_at > history.first_order_at").isEmpty)
    #expect(problems("hour(history.last_order_at) == 3").isEmpty)
    #expect(problems("history.last_order_at > 5").contains("cannot compare timestamp with int"))
    #expect(problems("history.orders(3)").contains("expected a condition, found int"))
  }

  @Test func aSetMayAskForSoManyAndNoMore() {
    func rules(_ count: Int) -> String {
      (0..<count).map { #"history.bought("S\#($0)", 3) > 0"# }.joined(separator: "||")
    }
    // A condition has at most 250 terms, so two of them.
    func told(_ count: Int) -> String {
      do {
        _ = try set(rules(200), rules(count))
        _ = try set(
          rules(200), (200..<count).map { #"history.bought("S\#($0)", 3) > 0"# }.joined(separator: "||"))
        return ""
      } catch { return "\(error)" }
    }
    #expect(told(249).isEmpty)
    #expect(told(256).isEmpty)
    #expect(told(257).contains("the rules name 257 measures of earlier orders; there may be 256"))
  }

  @Test func aPlanOfManyShopsHasItsLimitToo() throws {
    let sets = try (0..<5).map { shop in
      try set((0..<205).map { #"history.bought("M\#(shop)-\#($0)", 3) > 0"# }.joined(separator: "||"))
    }
    #expect(throws: Plan.PlanError.tooManyAggregates(max: 1_024)) { _ = try Plan(sets) }
    let plan = try Plan(Array(sets.dropLast()))
    #expect(plan.layout.aggregates.count == 820)
    #expect(throws: Plan.PlanError.tooManyAggregates(max: 1_024)) { _ = try plan.replacing(4, with: sets[4]) }
  }

  @Test func segmentsMayAskOfEarlierOrders() throws {
    let text = """
      segments:
        휴면: 'history.orders >= 3 && history.orders(duration("60d")) == 0'
        A만: 'history.bought("A", duration("30d")) > 0 && history.bought("B", duration("30d")) == 0'
      rules:
        - {id: a, if: 'inSegment("휴면") || inSegment("A만")', then: {labels: [x]}}
      """
    #expect(try RuleSet.load(files: [("r.yaml", text)]).demand.aggregates.count == 3)
  }

  @Test func parametersOfTemplatesMayBeCodeAndWindow() throws {
    let template = """
      template: AGAIN
      description: 다시 사지 않은 고객
      parameters:
        code: {type: string, default: A, description: 상품}
        within: {type: duration, default: 90d, description: 기간}
        months: {type: int, default: 12, description: 기간}
      if: history.bought(params.code, params.within) == 0 && history.bought(params.code, params.months) > 0
      then: {labels: [재구매안내]}
      sample: x
      installed: false
      """
    let rules = "rules:\n  - {id: r, template: AGAIN, params: {code: B, within: 30d}}\n"
    let set = try RuleSet.load(files: [("AGAIN.yaml", template), ("r.yaml", rules)])
    #expect(
      set.demand.aggregates.map(\.name) == [
        #"history.bought("B", duration("720h"))"#, #"history.bought("B", 12)"#,
      ])
  }

  @Test func explanationsShowTheValueAndWhatIsMissingIsUnknown() throws {
    let set = try set(
      "history.amount(3) >= 19.99", "history.orders(3) >= 1", "history.last_order_at < order.placed_at")
    let plan = try Plan([set])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    func add(_ values: [Int64], decimals: Int) {
      batch.beginOrder(currencyDecimals: decimals)
      batch.setTimes(placedAt: 1_791_592_200_000_001, paidAt: nil)
      for (slot, aggregate) in plan.layout.aggregates.enumerated() where !values.isEmpty {
        batch.setAggregate(
          slot: slot, values[aggregate.measure == .amount ? 0 : aggregate.measure == .orders ? 1 : 2])
      }
    }
    add([1_999, 0, 1_791_592_200_000_000], decimals: 2)
    add([], decimals: 0)
    let explained = Explanation(batch: batch, row: 0, plan: plan)
    #expect(
      explained.english == [
        "r0: yes – history.amount(3) >= 19.99 (19.99)", "r1: no – history.orders(3) >= 1 (0)",
        "r2: yes – history.last_order_at < order.placed_at (history.last_order_at = 2026-10-10T09:30:00+09:00, order.placed_at = 2026-10-10T09:30:00.000001+09:00)",
      ])
    let missing = Explanation(batch: batch, row: 1, plan: plan)
    #expect(missing.rules.map(\.outcome) == [.unknown, .unknown, .unknown])
    #expect(missing.rules[0].terms[0].values.map(\.name) == ["history.amount(3)"])
    // The column engine says the same.
    let evaluator = Evaluator(plan: plan, capacity: 64)
    evaluator.evaluate(batch)
    evaluator.arrangeByRow()
    #expect((0..<3).map { evaluator.outcome(rule: $0, row: 0) } == [.true, .false, .true])
    #expect((0..<3).map { evaluator.outcome(rule: $0, row: 1) } == [.unknown, .unknown, .unknown])
  }

  @Test func theWiresNumbersFindTheSlot() throws {
    let set = try set(
      #"history.bought("A", 3) > 0 && history.bought("A", duration("1h")) > 0 && history.bought("B", 3) > 0"#)
    let layout = try Plan([set]).layout
    func slot(_ measure: Int, _ span: Int64, _ months: Int, _ code: String) -> String? {
      let bytes = Array(code.utf8)
      return bytes.withUnsafeBufferPointer {
        layout.aggregateSlot(measure: measure, spanUs: span, months: months, code: $0)
      }.map { layout.aggregates[$0].name }
    }
    #expect(slot(6, 0, 3, "A") == #"history.bought("A", 3)"#)
    #expect(slot(6, 0, 3, "B") == #"history.bought("B", 3)"#)
    #expect(slot(6, Self.hour, 0, "A") == #"history.bought("A", duration("1h"))"#)
    #expect(slot(7, 0, 3, "A") == nil && slot(6, 0, 4, "A") == nil && slot(6, Self.hour, 0, "B") == nil)
  }
}
