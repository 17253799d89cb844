import EvaluateStage
import Orders
import Rules
import Testing
import Topics

/// `stock_alert: true`: one message per SKU that has run low, named by its crossing.
struct StockMessageTests {
  private func messages(_ rules: String, _ change: (inout EnrichedOrderValue) -> Void) throws -> [String] {
    let decider = try Decider.of("rules:\n" + rules)
    var record = Fixture.record("A")
    change(&record)
    let decision = try #require(try decider.decisions(of: [record]).first)
    #expect(decision.actions.allSatisfy { $0.kind == "stock_alert" })
    return decision.actions.map { "\($0.rule) \($0.cause)" }
  }

  private let low =
    "  - {id: low, if: 'allItems.exists(i, i.stock.after <= i.stock.safety)', then: {stock_alert: true}}"

  @Test func eachSkuIsNamedOnceWithItsCrossing() throws {
    let earlier = Instant(microseconds: Fixture.noon.microseconds - 60_000_000)
    let shown = try messages(low) { record in
      // Two lines of one SKU; the SKU that sorts first stands last.
      var items = record.snapshot?.items ?? []
      items[0].sku = "S2"
      items.append(items[0])
      items[2].sku = "S1"
      record.snapshot?.items = items
      record.facts?.stock = [
        Fixture.stock(0, 5), Fixture.stock(1, -1), Fixture.stock(2, 5, armedAt: earlier),
      ]
    }
    #expect(shown == ["low S1@2026-10-13T11:59:00+09:00", "low S2@2026-10-13T12:00:00+09:00"])
  }

  @Test func whatIsAboveItsSafetyStockOrNotKnownIsNotTold() throws {
    let always = "  - {id: always, if: true, then: {stock_alert: true}}"
    #expect(try messages(always) { $0.facts?.stock = [Fixture.stock(0, 6)] } == [])
    #expect(try messages(always) { $0.facts?.stock = [] } == [])
    #expect(
      try messages(always) { $0.facts?.stock = [Fixture.stock(1, 5)] } == ["always S2@2026-10-13T12:00:00+09:00"])
    let set = try RuleSet.load(files: [("r.yaml", "rules:\n" + always)])
    #expect(set.demand.needsStock, "enrich must compute what the message speaks of")
  }

  @Test func aRuleOfItemsSpeaksOfTheItemsItMatches() throws {
    let second = """
        - {id: one, scope: item, match: 'item.sku == "S2"', then: {labels: [L], stock_alert: true}}
      """
    let shown = try messages(second) { $0.facts?.stock = [Fixture.stock(0, 1), Fixture.stock(1, 1)] }
    #expect(shown == ["one S2@2026-10-13T12:00:00+09:00"])
  }

  @Test func otherwiseTellsTheSameCrossing() throws {
    let rule = "  - {id: not, if: false, then: {labels: [A]}, otherwise: {stock_alert: true}}"
    #expect(
      try messages(rule) { $0.facts?.stock = [Fixture.stock(0, 1)] } == ["not S1@2026-10-13T12:00:00+09:00"])
  }
}
