internal import Orders
public import Rules

/// Rules as a rule file that reads back as the same rules, templates and named conditions filled in.
public enum RulePrinter {
  public static func text(_ rules: [Rule]) -> String {
    if rules.isEmpty { return "rules: []\n" }
    return "rules:\n" + rules.map(text).joined()
  }

  private static func text(_ rule: Rule) -> String {
    var text = "  - id: \(YAMLText.quoted(rule.id))\n"
    func add(_ key: String, _ value: String) { text += "    \(key): \(value)\n" }
    add("name", YAMLText.quoted(rule.name))
    if !rule.description.isEmpty { add("description", YAMLText.quoted(rule.description)) }
    if !rule.owner.isEmpty { add("owner", YAMLText.quoted(rule.owner)) }
    add("state", rule.state.rawValue)
    add("priority", String(rule.priority))
    if !rule.group.isEmpty { add("group", YAMLText.quoted(rule.group)) }
    if rule.stops { add("stop", "true") }
    if let from = rule.effectiveFrom { add("effective_from", YAMLText.quoted(from.rfc3339())) }
    if let until = rule.effectiveUntil { add("effective_until", YAMLText.quoted(until.rfc3339())) }
    if !rule.when.isEmpty { add("when", "[\(rule.when.joined(separator: ", "))]") }
    if let condition = rule.condition { add("if", YAMLText.quoted(condition.description)) }
    if let match = rule.match {
      add("scope", "item")
      add("match", YAMLText.quoted(match.description))
    }
    add("then", actions(rule.actions))
    if let otherwise = rule.otherwise { add("otherwise", actions(otherwise)) }
    add("on_cancel", rule.keepsOnCancel ? "keep" : "withdraw")
    return text
  }

  private static func actions(_ actions: Rule.Actions) -> String {
    var parts: [String] = []
    if !actions.labels.isEmpty {
      parts.append("labels: [\(actions.labels.map(YAMLText.quoted).joined(separator: ", "))]")
    }
    if actions.alertChannel != nil || actions.alertText != nil {
      let channel = YAMLText.quoted(actions.alertChannel ?? "default")
      parts.append("alert: {channel: \(channel), text: \(YAMLText.quoted(actions.alertText ?? ""))}")
    }
    if actions.gift { parts.append("gift: true") }
    if let mark = actions.mark {
      let team = actions.markTeam.map { ", team: \(YAMLText.quoted($0))" }
      parts.append(
        team.map { "mark: {name: \(YAMLText.quoted(mark))\($0)}" } ?? "mark: \(YAMLText.quoted(mark))")
    }
    if let hold = actions.hold { parts.append("hold: \(YAMLText.quoted(hold))") }
    if let memo = actions.memo { parts.append("memo: \(YAMLText.quoted(memo))") }
    if actions.surcharge { parts.append("surcharge: true") }
    if actions.stockAlert { parts.append("stock_alert: true") }
    return "{\(parts.joined(separator: ", "))}"
  }
}
