import Testing

@testable import Rules

/// Priorities, rules that stop, exclusive groups, `otherwise`, named conditions, rules of one mall.
@Suite struct RuleOrderTests {
  private struct Seen: Equatable {
    var outcomes: [String: Outcome] = [:]
    var otherwise: Set<String> = []
  }

  /// Decides one order by columns and by the scalar evaluator, which must agree.
  private func decide(_ text: String, _ fill: (FactBatch) -> Void) throws -> Seen {
    try decide(RuleSet.load(files: [("r.yaml", text)]), fill)
  }

  private func decide(_ set: RuleSet, _ fill: (FactBatch) -> Void) throws -> Seen {
    let plan = try Plan([set])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    batch.beginOrder()
    batch.setTimes(placedAt: 0, paidAt: nil)
    batch.setString(.event, "order.placed")
    fill(batch)
    let evaluator = Evaluator(plan: plan, capacity: 64)
    evaluator.evaluate(batch)
    var seen = Seen()
    for (index, planned) in plan.rules.enumerated() {
      let id = set.rules[planned.rule].id
      seen.outcomes[id] = evaluator.outcome(rule: index, row: 0)
      if evaluator.isOtherwise(rule: index, row: 0) { seen.otherwise.insert(id) }
    }
    var scalar = ScalarEvaluator(batch: batch, row: 0, zone: plan.zone)
    var other = Seen()
    for (rule, answer) in zip(set.rules, scalar.decide(set.rules)) {
      guard let answer else { continue }
      other.outcomes[rule.id] = answer.outcome
      if answer.isOtherwise, rule.otherwise != nil { other.otherwise.insert(rule.id) }
    }
    #expect(seen == other)
    return seen
  }

  private func problems(_ files: [String]) -> [Diagnostic] {
    do throws(Diagnostics) {
      _ = try RuleBook.load(files: files.enumerated().map { ("\($0.offset).yaml", $0.element) })
      return []
    } catch { return error.list }
  }

  @Test func aRuleThatStopsKeepsLowerPrioritiesFromActingAndNotItsOwn() throws {
    let text = """
      rules:
        - {id: a, if: amount.items >= 100, priority: 5, stop: true, then: {labels: [a]}}
        - {id: b, if: amount.items >= 1, priority: 5, then: {labels: [b]}}
        - {id: c, if: amount.items >= 1, priority: 4, then: {labels: [c]}, otherwise: {labels: [d]}}
        - {id: e, if: amount.items >= 1000, then: {labels: [e]}, otherwise: {labels: [f]}}
      """
    let stopped = try decide(text) { $0.setMoney(.amountItems, minorUnits: 100) }
    #expect(stopped.outcomes == ["a": .true, "b": .true, "c": .false, "e": .false])
    #expect(stopped.otherwise.isEmpty, "what is not looked at does nothing, nor what it does otherwise")
    let open = try decide(text) { $0.setMoney(.amountItems, minorUnits: 99) }
    #expect(open.outcomes == ["a": .false, "b": .true, "c": .true, "e": .false] && open.otherwise == ["e"])
  }

  @Test func anUnknownRuleNeitherStopsNorTakesTheGroup() throws {
    let text = """
      rules:
        - {id: a, if: history.orders == 0, priority: 5, stop: true, then: {labels: [a]}}
        - {id: b, if: amount.items >= 1, group: g, then: {labels: [b]}}
        - {id: c, if: history.orders == 0, priority: 1, group: g, then: {labels: [c]}, otherwise: {labels: [x]}}
      """
    let open = try decide(text) { $0.setMoney(.amountItems, minorUnits: 5) }
    #expect(open.outcomes == ["a": .unknown, "b": .true, "c": .unknown] && open.otherwise.isEmpty)
  }

  @Test func ofAGroupOnlyTheFirstThatIsTrueActs() throws {
    let text = """
      rules:
        - {id: a3, if: amount.items >= 300, priority: 3, group: size, then: {labels: [big]}}
        - {id: b2, if: amount.items >= 200, priority: 2, group: size, then: {labels: [middle]}}
        - {id: c1, if: amount.items >= 100, priority: 1, group: size, then: {labels: [small]}}
        - {id: d1, if: amount.items >= 100, priority: 1, group: size, then: {labels: [same]}}
        - {id: z9, if: amount.items >= 100, priority: 9, group: other, then: {labels: [other]}}
      """
    func acting(_ amount: Int64) throws -> [String] {
      try decide(text) { $0.setMoney(.amountItems, minorUnits: amount) }
        .outcomes.filter { $0.value == .true }.keys.sorted()
    }
    #expect(try acting(300) == ["a3", "z9"])
    #expect(try acting(200) == ["b2", "z9"])
    #expect(try acting(100) == ["c1", "z9"], "of equal priorities the smaller id goes first")
    #expect(try acting(99) == [])
  }

  @Test func aRuleThatLostItsGroupDoesNotStop() throws {
    let text = """
      rules:
        - {id: a, if: "true", priority: 3, group: g, then: {labels: [a]}}
        - {id: b, if: "true", priority: 2, group: g, stop: true, then: {labels: [b]}}
        - {id: c, if: "true", priority: 1, then: {labels: [c]}}
      """
    #expect(try decide(text) { _ in }.outcomes == ["a": .true, "b": .false, "c": .true])
  }

  @Test func aShadowRuleStopsOnlyShadowRulesAndADraftNothing() throws {
    let text = """
      rules:
        - {id: a, if: "true", priority: 9, stop: true, state: draft, then: {labels: [a]}}
        - {id: b, if: "true", priority: 8, stop: true, state: shadow, then: {labels: [b]}}
        - {id: c, if: "true", then: {labels: [c]}}
        - {id: d, if: "true", state: shadow, then: {labels: [d]}}
      """
    #expect(try decide(text) { _ in }.outcomes == ["b": .true, "c": .true, "d": .false])
  }

  @Test func otherwiseActsWhereTheConditionIsFalseAndTheRuleIsLookedAt() throws {
    let text = """
      rules:
        - {id: a, if: amount.paid >= 10, then: {labels: [a]}, otherwise: {labels: [b]}}
        - {id: c, if: amount.paid >= 10, when: [order.paid], then: {labels: [c]}, otherwise: {labels: [d]}}
        - id: e
          if: amount.paid >= 10
          effective_from: "1970-01-02T00:00:00Z"
          then: {labels: [e]}
          otherwise: {labels: [f]}
      """
    #expect(try decide(text) { $0.setMoney(.amountPaid, minorUnits: 9) }.otherwise == ["a"])
    #expect(try decide(text) { $0.setMoney(.amountPaid, minorUnits: 10) }.otherwise.isEmpty)
    #expect(try decide(text) { _ in }.otherwise.isEmpty, "unknown is not false")
    let paid = try decide(text) {
      $0.setMoney(.amountPaid, minorUnits: 9)
      $0.setString(.event, "order.paid")
      $0.setTimes(placedAt: 86_400_000_000, paidAt: nil)
    }
    #expect(paid.otherwise == ["a", "c", "e"])
  }

  @Test func aNamedConditionStandsForItsDefinitionInOthersAsWell() throws {
    let text = """
      conditions:
        vip: history.amount >= 1000000 || grade == "vip"
        big_vip: cond.vip && amount.items >= 500
        fragile: item.sku.startsWith("GL")
      rules:
        - {id: a, if: cond.big_vip, then: {labels: [a]}}
        - {id: b, if: "!cond.vip", then: {labels: [b]}}
        - {id: c, scope: item, match: cond.fragile && item.quantity >= 2, then: {labels: [c]}}
      """
    let set = try RuleSet.load(files: [("r.yaml", text)])
    #expect(set.rules[0].terms.map(\.text).first == "history.amount >= 1000000 || grade == \"vip\"")
    let seen = try decide(set) {
      $0.setMoney(.amountItems, minorUnits: 500)
      $0.setString(.grade, "vip")
      $0.addItem(live: true, gift: false)
      $0.setItemString(.itemSku, "GL-1")
      $0.setItemInt(.itemQuantity, 2)
    }
    #expect(seen.outcomes == ["a": .true, "b": .false, "c": .true])
  }

  @Test func slipsInNamedConditionsAreToldOnceAndCirclesAreRefused() {
    #expect(problems(["conditions: {a: cond.b, b: cond.a}\nrules: []"]).count == 1)
    let unknown = problems([
      "conditions: {vip: amount.item > 1}\nrules:\n- {id: a, if: cond.vip, then: {labels: [a]}}"
    ])
    #expect(unknown.count == 1 && unknown[0].line == 1)
    let slip = problems(["conditions: {vip: \"true\"}\nrules:\n- {id: a, if: cond.vipp, then: {labels: [a]}}"]
    )
    #expect(slip.first?.hint == "did you mean cond.vip?")
    let doubling = (1..<30).map { "  c\($0): cond.c\($0 - 1) && cond.c\($0 - 1)" }
    #expect(
      !problems(["conditions:\n  c0: \"true\"\n" + doubling.joined(separator: "\n") + "\nrules: []"]).isEmpty)
    #expect(!problems(["mall: m\nconditions: {a: \"true\"}\nrules: []"]).isEmpty)
  }

  @Test func aMallHasTheSharedRulesWithItsOwnChanges() throws {
    let template = try RuleFileTests.shipped().filter { $0.path.contains("HIGH_VALUE") }
    let book = try RuleBook.load(
      files: template + [
        ("shop.yaml", "mall: m\nshop: 2\nrules:\n  - {id: HIGH_VALUE, state: retired}\n"),
        (
          "mall.yaml",
          "mall: m\nrules:\n  - {id: HIGH_VALUE, params: {at_least: 5}}\n  - {id: own, if: \"true\", then: {labels: [o]}}"
        ),
        ("shared.yaml", "rules:\n  - {id: all, if: \"true\", then: {labels: [x]}}\n"),
      ])
    func terms(_ mall: String, _ shop: Int) -> [String] {
      book.ruleSet(mall: mall, shop: shop).rules.filter(\.isDecided).flatMap { $0.terms.map(\.text) }
    }
    #expect(terms("other", 1) == ["amount.items >= 100000", "true"])
    #expect(terms("m", 1) == ["amount.items >= 5", "true", "true"])
    #expect(terms("m", 2) == ["true", "true"])
    #expect(book.scopes == [RuleScope(mall: "m"), RuleScope(mall: "m", shop: 2)])
    #expect(book.ruleSet(mall: "m", shop: 1).hash != book.shared.hash)
  }

  @Test func rulesOfOneMallAreNotTakenForThoseOfAll() {
    #expect(throws: Diagnostics.self) {
      _ = try RuleSet.load(files: [("r.yaml", "mall: m\nrules: [{id: a, if: \"true\", then: {labels: [a]}}]")]
      )
    }
    #expect(!problems(["shop: 1\nrules: []"]).isEmpty)
    #expect(
      !problems(["mall: m\nrules: [{id: a, state: retired}]"]).isEmpty, "there is no such rule to change")
  }
}
