import Testing

@testable import Rules

@Suite struct TimedFactTests {
  private func problems(_ text: String) -> String {
    do {
      _ = try RuleSet.load(files: [
        ("r.yaml", "rules:\n  - id: r\n    if: \(text)\n    then: {labels: [X]}\n")
      ])
      return ""
    } catch {
      return "\(error)"
    }
  }

  private func set(_ conditions: String...) throws -> RuleSet {
    var text = "rules:\n"
    for (index, condition) in conditions.enumerated() {
      text += "  - id: r\(index)\n    if: \(condition)\n    then: {labels: [X]}\n"
    }
    return try RuleSet.load(files: [("r.yaml", text)])
  }

  @Test func rulesSayWhichSpansEnrichComputes() throws {
    let set = try set(
      "overdue(\"unpaid\", duration(\"72h\")) && duplicate.partners(duration(\"10m\")) >= 1",
      "overdue(\"unpaid\", duration(\"3d\"))", "overdue(\"gift_address\", duration(\"4d\"))",
      "overdue(\"unshipped\", duration(\"168h\"))")
    let hour: Int64 = 3_600_000_000
    #expect(
      set.demand.timedFacts == [
        TimedFact(.duplicates, span: hour / 6), TimedFact(.unpaid, span: 72 * hour),
        TimedFact(.giftAddress, span: 96 * hour), TimedFact(.unshipped, span: 168 * hour),
      ])
    #expect(
      set.demand.timedFacts.map(\.name) == [
        "duplicate.partners(duration(\"10m\"))", "overdue(\"unpaid\", duration(\"72h\"))",
        "overdue(\"gift_address\", duration(\"96h\"))", "overdue(\"unshipped\", duration(\"168h\"))",
      ])
    #expect(try RuleSet.load(files: RuleFileTests.shipped()).demand.timedFacts.isEmpty)
  }

  @Test func aPurchaseIsAskedOfAnythingOrOfACode() throws {
    let set = try set(
      "overdue(\"purchase\", \"SKU-A\", duration(\"90d\")) || overdue(\"purchase\", duration(\"60d\"))",
      "overdue(\"purchase\", \"SKU-B\", duration(\"2160h\"))")
    let day: Int64 = 86_400_000_000
    #expect(
      set.demand.timedFacts == [
        TimedFact(.purchase, span: 60 * day), TimedFact(.purchase, span: 90 * day, code: Array("SKU-A".utf8)),
        TimedFact(.purchase, span: 90 * day, code: Array("SKU-B".utf8)),
      ])
    #expect(
      set.demand.timedFacts.map(\.name) == [
        "overdue(\"purchase\", duration(\"1440h\"))", "overdue(\"purchase\", \"SKU-A\", duration(\"2160h\"))",
        "overdue(\"purchase\", \"SKU-B\", duration(\"2160h\"))",
      ])
    let layout = try Plan([set]).layout
    let slots = ["", "SKU-A", "SKU-B", "SKU-C"].map { code in
      Array(code.utf8).withUnsafeBytes {
        layout.timedSlot(4, span: (code.isEmpty ? 60 : 90) * day, code: $0)
      }
    }
    #expect(slots == [0, 1, 2, nil])
    let lapsed = "segments: {a: 'history.orders > 1 && overdue(\"purchase\", duration(\"60d\"))'}\n"
    #expect(throws: Never.self) { try RuleSet.load(files: [("r.yaml", lapsed)]) }
    let unpaid = "segments: {a: 'overdue(\"unpaid\", duration(\"60d\"))'}\n"
    #expect(throws: (any Error).self) { try RuleSet.load(files: [("r.yaml", unpaid)]) }
    #expect(problems("overdue(\"unpaid\", \"A\", duration(\"72h\"))").contains("unpaid is of no product"))
    #expect(
      problems("overdue(\"purchase\", \"\", duration(\"72h\"))").contains("a SKU or product code in quotes"))
    #expect(
      problems("overdue(\"purchase\", 3, duration(\"72h\"))").contains("a SKU or product code in quotes"))
    #expect(problems("overdue(\"purchase\", \"A\", duration(\"367d\"))").contains("1m to 366d"))
  }

  @Test func couponsAndCartsAreAskedWithTheirSpans() throws {
    let set = try set(
      "expiring(\"coupon\", duration(\"1d\"))",
      "overdue(\"cart\", \"P1\", duration(\"72h\")) || overdue(\"cart\", duration(\"24h\"))")
    #expect(
      set.demand.timedFacts.map(\.name) == [
        "expiring(\"coupon\", duration(\"24h\"))", "overdue(\"cart\", duration(\"24h\"))",
        "overdue(\"cart\", \"P1\", duration(\"72h\"))",
      ])
    #expect(problems("expiring(\"cart\", duration(\"24h\"))").contains("\"coupon\" and a duration"))
    #expect(problems("expiring(\"coupon\", duration(\"30s\"))").contains("1m to 366d"))
    let segment = "segments: {a: 'expiring(\"coupon\", duration(\"24h\"))'}\n"
    #expect(throws: Never.self) { try RuleSet.load(files: [("r.yaml", segment)]) }
  }

  @Test func spansAndStatesThatAreNoneAreRefused() {
    #expect(problems("duplicate.partners(duration(\"1m\")) >= 1").isEmpty)
    #expect(problems("duplicate.partners(duration(\"61m\")) >= 1").contains("1m to 60m"))
    #expect(problems("duplicate.partners(duration(\"59s\")) >= 1").contains("1m to 60m"))
    #expect(problems("duplicate.partners >= 1").contains("say within which time"))
    #expect(problems("duplicate.partners(10) >= 1").contains("1m to 60m"))
    #expect(problems("overdue(\"paid\", duration(\"72h\"))").contains("unpaid, gift_address, unshipped"))
    #expect(problems("overdue(\"unpaid\", duration(\"367d\"))").contains("1m to 366d"))
    #expect(problems("overdue(\"unpaid\")").contains("a state in quotes and a duration"))
    let spans = (1...65).map { "overdue(\"unpaid\", duration(\"\($0)h\"))" }.joined(separator: " || ")
    #expect(problems(spans).contains("more than 64 spans"))
  }

  @Test func theTemplateOfDuplicatesIsARuleOnlyWhereOneIsMadeOfIt() throws {
    let template = ("d.yaml", try RuleFileTests.text(of: "config/templates/DUPLICATE_ORDER.yaml"))
    #expect(try RuleSet.load(files: [template]).rules.isEmpty)
    let shop = "rules:\n  - {id: twice, template: DUPLICATE_ORDER, params: {within: 5m}}\n"
    let set = try RuleSet.load(files: [template, ("s.yaml", shop)])
    #expect(set.rules.map(\.id) == ["twice"] && set.rules[0].actions.labels == ["중복주문의심"])
    #expect(set.demand.timedFacts == [TimedFact(.duplicates, span: 300_000_000)])
  }

  @Test func explanationsShowTheValueAndWhatIsMissingIsUnknown() throws {
    let set = try set(
      "duplicate.partners(duration(\"10m\")) >= 1", "overdue(\"unpaid\", duration(\"72h\"))")
    let plan = try Plan([set])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    for row in 0..<3 {
      batch.beginOrder()
      guard row < 2 else { continue }
      for (slot, _) in plan.layout.timedFacts.enumerated() { batch.setTimed(slot: slot, Int64(row)) }
    }
    #expect(
      Explanation(batch: batch, row: 1, plan: plan).english == [
        "r0: yes – duplicate.partners(duration(\"10m\")) >= 1 (1)",
        "r1: yes – overdue(\"unpaid\", duration(\"72h\")) (true)",
      ])
    #expect(Explanation(batch: batch, row: 0, plan: plan).english[1].hasSuffix("(false)"))
    #expect(Explanation(batch: batch, row: 2, plan: plan).rules.map(\.outcome) == [.unknown, .unknown])
  }
}
