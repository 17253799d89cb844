import Testing

@testable import Rules

/// `segments:` of rule files and `inSegment("…")`.
@Suite struct SegmentTests {
  private func problems(_ text: String) -> [String] {
    do {
      _ = try RuleSet.load(files: [("r.yaml", text)])
      return []
    } catch {
      return "\(error)".split(separator: "\n").map(String.init)
    }
  }

  @Test func aSegmentStandsForItsConditionWhereverItIsAsked() throws {
    let segments = """
      segments:
        단골: history.orders >= 3 && history.returns(3) == 0
        큰손: inSegment("단골") && history.amount >= 1000000

      """
    let rules = """
      conditions: {care: 'inSegment("큰손") && ip.foreign'}
      rules:
        - {id: a, if: 'inSegment("단골") || grade == "vip"', then: {labels: [x]}}
        - {id: b, if: cond.care, then: {labels: [x]}}
      """
    let set = try RuleSet.load(files: [("s.yaml", segments), ("r.yaml", rules)])
    #expect(
      set.rules.map { $0.condition?.description } == [
        "history.orders >= 3 && history.returns(3) == 0 || grade == \"vip\"",
        "((history.orders >= 3 && history.returns(3) == 0) && history.amount >= 1000000) && ip.foreign",
      ])
  }

  @Test func aSegmentMayBeMadeOfTheCustomersProfile() throws {
    let set = try RuleSet.load(files: [
      (
        "r.yaml",
        """
        segments:
          쿠폰부자: customer.coupons >= 3 && heldCoupons.exists(c, c.type == "signup")
          담은사람: customer.grade != "guest" && buyer.is_member && cart.amount >= 50000 && cart.exists(c, c.sku == "A")
        rules:
          - {id: a, if: 'inSegment("쿠폰부자") || inSegment("담은사람")', then: {labels: [x]}}
        """
      )
    ])
    #expect(set.demand.needsCart && set.demand.needsHeldCoupons && set.demand.needsCustomerGrade)
    #expect(
      problems("segments: {a: 'cart.exists(c, c.quantity > 1 && amount.items > 1)'}\n")[0].contains(
        "of the customer alone, not of amount.items"))
  }

  @Test func whatIsNoSegmentIsToldAtItsPlace() {
    let rule = "rules:\n  - {id: a, if: 'inSegment(\"vipp\")', then: {labels: [x]}}\n"
    let unknown = problems("segments: {vip: history.orders > 1}\n" + rule)
    #expect(unknown.first?.contains("unknown segment: inSegment(\"vipp\")") == true)
    #expect(unknown.contains { $0.contains("did you mean inSegment(\"vip\")?") })
    #expect(
      problems("segments: {vip: amount.items > 1}\n")[0].contains(
        "of the customer alone, not of amount.items"))
    #expect(problems("segments: {a: 'inSegment(\"b\")', b: 'inSegment(\"a\")'}\n")[0].contains("circle"))
    #expect(problems("mall: m\nsegments: {a: history.orders > 1}\nrules: []\n")[0].contains("of all malls"))
    #expect(problems("segments: {a: history.orders}\n")[0].contains("expected a condition"))
  }
}
