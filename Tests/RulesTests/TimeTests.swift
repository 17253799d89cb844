import Orders
import Testing

@testable import Rules

/// Civil time and calendar months (D9).
@Suite struct TimeTests {
  private func holds(_ condition: String, placed: String) throws -> Outcome {
    let set = try RuleSet.load(files: [
      ("r.yaml", "rules:\n  - {id: a, if: '\(condition)', then: {labels: [x]}}\n")
    ])
    let plan = try Plan([set])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    batch.beginOrder()
    batch.setTimes(placedAt: try #require(Instant(rfc3339: placed)).microseconds, paidAt: nil)
    let evaluator = Evaluator(plan: plan, capacity: 64)
    evaluator.evaluate(batch)
    return evaluator.outcome(rule: 0, row: 0)
  }

  @Test func partsOfATimeAreThoseOfTheShopsZoneCountedAsInCEL() throws {
    let parts = [
      "getFullYear() == 2025", "getMonth() == 0", "getDate() == 1", "getDayOfMonth() == 0",
      "getDayOfWeek() == 3",
      "getDayOfYear() == 0", "getHours() == 0", "getMinutes() == 4", "getSeconds() == 5",
    ]
    for part in parts {
      #expect(try holds("order.placed_at.\(part)", placed: "2024-12-31T15:04:05Z") == .true, "\(part)")
    }
    #expect(try holds("order.placed_at.getDayOfYear() == 365", placed: "2024-12-31T12:00:00+09:00") == .true)
  }

  @Test func monthsEndOnTheLastDayThatThereIs() throws {
    func adds(_ months: Int, _ from: String, _ to: String) throws -> Outcome {
      try holds("addMonths(order.placed_at, \(months)) == timestamp(\"\(to)\")", placed: from)
    }
    #expect(try adds(1, "2026-01-31T09:30:00+09:00", "2026-02-28T09:30:00+09:00") == .true)
    #expect(try adds(1, "2024-01-31T09:30:00+09:00", "2024-02-29T09:30:00+09:00") == .true)
    #expect(try adds(-3, "2026-05-31T00:00:00+09:00", "2026-02-28T00:00:00+09:00") == .true)
    #expect(try adds(-12, "2024-02-29T23:59:59+09:00", "2023-02-28T23:59:59+09:00") == .true)
    // The day is the shop's, not that of UTC.
    #expect(try adds(1, "2026-01-30T20:00:00Z", "2026-02-28T05:00:00+09:00") == .true)
    #expect(try adds(0, "2026-01-31T09:30:00.000001Z", "2026-01-31T09:30:00.000001Z") == .true)
    #expect(try adds(-1_200, "0050-01-01T00:00:00Z", "0001-01-01T00:00:00Z") == .false)
  }

  @Test func timesAndDurationsAreCalculatedWith() throws {
    let placed = "2026-10-10T09:30:00+09:00"
    #expect(
      try holds(
        "order.placed_at - timestamp(\"2026-10-10T00:00:00+09:00\") == duration(\"9h30m\")", placed: placed)
        == .true)
    #expect(
      try holds(
        "timestamp(\"2026-10-11T00:00:00+09:00\") - duration(\"1d\") <= order.placed_at", placed: placed)
        == .true)
    #expect(
      try holds(
        "duration(\"1d\") + order.placed_at > timestamp(\"2026-10-11T09:29:59+09:00\")", placed: placed)
        == .true)
    #expect(try holds("order.paid_at + duration(\"1d\") > order.placed_at", placed: placed) == .unknown)
  }
}
