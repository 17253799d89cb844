import Files
import Glibc
import Testing

@testable import RuleTools

/// What is of the customer as of now, in the tools around the rules.
struct CustomerTimerTests {
  @Test func eachIsCalledByItsOwnWords() {
    let korean = Wording(language: .ko)
    let names = [
      "overdue(\"unpaid\", duration(\"72h\"))", "overdue(\"purchase\", duration(\"1440h\"))",
      "overdue(\"purchase\", \"A, B\", duration(\"2160h\"))", "overdue(\"cart\", duration(\"24h\"))",
      "overdue(\"cart\", \"P1\", duration(\"72h\"))", "expiring(\"coupon\", duration(\"24h\"))",
    ].map { korean.name($0) }
    #expect(Set(names).count == 6)
    #expect(names[0].hasPrefix("미입금") && names[1].hasSuffix("구매가 없음") && names[2].contains("마지막으로 산"))
    #expect(names[3].contains("담긴 채 사지 않은") && names[4].contains("담긴 채 사지 않음"))
    #expect(names[5].contains("만료"))
    #expect(korean.missing("overdue(\"purchase\", duration(\"1440h\"))")?.contains("고객을 알아볼") == true)
    #expect(korean.missing("overdue(\"cart\", duration(\"24h\"))")?.contains("프로필") == true)
    #expect(
      Wording(language: .en).missing("expiring(\"coupon\", duration(\"24h\"))")?.contains("profile") == true)
  }

  @Test func aTestOfRulesMayGiveThem() throws {
    let folder = "/tmp/passflow-timers-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    try Files.makeDirectory(folder)
    defer { Files.removeDirectory(folder) }
    let rules = """
      rules:
        - {id: away, if: 'overdue("purchase", "S-A", duration("90d"))', then: {labels: [재구매]}}
        - {id: soon, if: 'expiring("coupon", duration("24h"))', then: {labels: [쿠폰]}}

      """
    let tests = """
      tests:
        - name: given
          facts: {'overdue("purchase", "S-A", duration("2160h"))': true}
          expect: {labels: [재구매], rules: {soon: unknown}, pending: ['expiring("coupon", duration("24h"))']}
        - name: not yet
          order: {items: [{sku: S-A}]}
          expect: {labels: [], rules: {away: false}}

      """
    for (name, text) in [("a.yaml", rules), ("a.test.yaml", tests)] {
      let file = try #require(fopen("\(folder)/\(name)", "w"))
      fputs(text, file)
      fclose(file)
    }
    var run = RuleTestRun(language: .en)
    try run.run(path: folder + "/a.test.yaml")
    #expect(run.failed == 0 && run.passed == 2, "\(run.text)")
  }
}
