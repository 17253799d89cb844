import Orders
import TestKit
import Testing

@testable import Rules

/// Hashes of rule sets stand in decisions: what they are of never changes.
@Suite struct HashTests {
  /// The content in its fixed form, field by field.
  private static func content(_ rule: Rule) -> String {
    func actions(_ actions: Rule.Actions, _ prefix: String) -> [(String, String)] {
      var fields = [
        ("gift", actions.gift ? "true" : ""), ("alert.channel", actions.alertChannel ?? ""),
        ("alert.text", actions.alertText ?? ""), ("mark", actions.mark ?? ""), ("hold", actions.hold ?? ""),
      ]
      if let team = actions.markTeam { fields.append(("mark.team", team)) }
      if let memo = actions.memo { fields.append(("memo", memo)) }
      if actions.surcharge { fields.append(("surcharge", "true")) }
      if actions.stockAlert { fields.append(("stock_alert", "true")) }
      return fields.map { (prefix + $0.0, $0.1) }
    }
    var fields: [(String, String)] = [
      ("id", rule.id), ("name", rule.name), ("description", rule.description), ("owner", rule.owner),
      ("state", rule.state.rawValue), ("priority", "\(rule.priority)"),
      ("on_cancel", rule.keepsOnCancel ? "keep" : "withdraw"), ("if", rule.condition?.description ?? ""),
      ("match", rule.match?.description ?? ""),
      ("from", rule.effectiveFrom.map { "\($0.microseconds)" } ?? ""),
      ("until", rule.effectiveUntil.map { "\($0.microseconds)" } ?? ""), ("template", rule.template ?? ""),
    ]
    fields += actions(rule.actions, "") + rule.when.map { ("when", $0) }
    fields += rule.actions.labels.map { ("label", $0) }
    if rule.stops { fields.append(("stop", "true")) }
    if !rule.group.isEmpty { fields.append(("group", rule.group)) }
    if let otherwise = rule.otherwise {
      fields += actions(otherwise, "otherwise.") + otherwise.labels.map { ("otherwise.label", $0) }
    }
    return fields.map { "\($0):\($1.utf8.count):\($1)\n" }.joined() + "\n"
  }

  private static let text = """
    template: T
    name: 템플릿
    description: Für alle
    if: amount.items >= params.n && (grade == "VIP" || history.orders < 3)
    parameters:
      n: {type: decimal, default: 1.5}
    then: {labels: [T]}
    """

  @Test func theHashIsOfTheContentInItsFixedForm() throws {
    let rules = """
      rules:
        - {id: b, if: 'ip.foreign', when: [order.paid, order.placed], then: {labels: [ㄴ, a], gift: true}}
        - {id: a, if: 'a.b == 1', state: draft, then: {labels: [x]}}
        - {id: c, scope: item, match: 'item.sku == "S\\"1"', stop: true, priority: -3, owner: me, then: {labels: [y]}}
        - id: d
          if: '!(ip.foreign || amount.items > 2.50) && (ip.foreign ? amount.items < 3 : "KR" in zones)'
          group: g
          on_cancel: keep
          effective_from: "2026-10-10T00:00:00+09:00"
          effective_until: "2026-11-10T00:00:00+09:00"
          then: {alert: {channel: c, text: t}, mark: {name: m, team: q}, hold: h, memo: n, surcharge: true}
          otherwise: {labels: [z], stock_alert: true}
        - {id: e, template: T, params: {n: 7}, then: {labels: [x]}}
      """
    let files = [("t.yaml", Self.text), ("r.yaml", rules.replacing("a.b == 1", with: "history.orders == 1"))]
    let set = try RuleSet.load(files: files)
    #expect(set.rules.map(\.id) == ["T", "a", "b", "c", "d", "e"])
    #expect(set.hash == SHA256.hex(Array(set.rules.map { Self.content($0) }.joined().utf8)))
    for rule in set.rules { #expect(rule.canonicalText == Self.content(rule), "\(rule.id)") }
    // Worked out once, by another program over the form above.
    let one = try RuleSet.load(files: [("r.yaml", "rules:\n  - {id: a, if: ip.foreign, then: {labels: [x]}}")]
    )
    #expect(
      Self.content(one.rules[0]).hasPrefix("id:1:a\nname:1:a\ndescription:0:\nowner:0:\nstate:6:active\n"))
    #expect(one.hash == "6d624c5dace1bb6d74f4f723550926af341f315425405d4ce02d7ce4ed3697ea")
  }

  @Test func generatedRulesHaveTheHashOfTheirContent() throws {
    var generated = Generated(random: SeededGenerator.announced("hash", seed: 3))
    for index in 0..<300 {
      let condition = (0..<(1 + index % 3)).map { _ in generated.condition(.order, 2) }.joined(
        separator: " && ")
      let expression = try Parser.parse(condition).get()
      guard case .success(let typed) = Checker.check(expression) else { continue }
      var rule = Rule(id: "r", name: "r", condition: expression, match: nil, typedMatch: nil)
      generated.setLife(&rule)
      rule.buildTerms(typedConjuncts: expression.typedConjuncts(typed))
      #expect(RuleSet([rule]).hash == SHA256.hex(Array(Self.content(rule).utf8)), "\(condition)")
    }
  }
}
