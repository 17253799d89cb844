import Orders
public import Rules

/// What two rule sets differ in, rule by rule.
public enum RuleDiff {
  /// Empty when nothing that counts differs.
  public static func text(_ old: RuleSet, _ new: RuleSet) -> String {
    let before = Dictionary(old.rules.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    let after = Dictionary(new.rules.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    var text = ""
    for id in Set(before.keys).union(after.keys).sorted(by: bytesPrecede) {
      switch (before[id], after[id]) {
      case (nil, .some(let rule)):
        text += "added \(id): \(rule.name)\n" + fields(rule).map { "  + \($0.name): \($0.text)\n" }.joined()
      case (.some(let rule), nil): text += "removed \(id): \(rule.name)\n"
      case (.some(let first), .some(let second)):
        let changes = changes(first, second)
        if !changes.isEmpty { text += "changed \(id): \(second.name)\n" + changes }
      case (nil, nil): break
      }
    }
    return text
  }

  private static func changes(_ first: Rule, _ second: Rule) -> String {
    let old = fields(first)
    let new = fields(second)
    var text = ""
    var names = old.map(\.name)
    for field in new where !names.contains(field.name) { names.append(field.name) }
    for name in names {
      let left = old.first { $0.name == name }?.text
      let right = new.first { $0.name == name }?.text
      if left == right { continue }
      if let left { text += "  - \(name): \(left)\n" }
      if let right { text += "  + \(name): \(right)\n" }
    }
    return text
  }

  /// What a rule says, field by field; what is as when left out is left out.
  private static func fields(_ rule: Rule) -> [(name: String, text: String)] {
    var fields: [(String, String)] = [("name", rule.name)]
    func add(_ name: String, _ text: String?) {
      if let text, !text.isEmpty { fields.append((name, text)) }
    }
    add("description", rule.description)
    add("owner", rule.owner)
    add("template", rule.template)
    add("when", rule.when.joined(separator: ", "))
    add("if", rule.condition?.description)
    add("match", rule.match?.description)
    add("effective_from", rule.effectiveFrom?.rfc3339())
    add("effective_until", rule.effectiveUntil?.rfc3339())
    add("state", rule.state == .active ? nil : rule.state.rawValue)
    add("priority", rule.priority == 0 ? nil : String(rule.priority))
    add("on_cancel", rule.keepsOnCancel ? "keep" : nil)
    add("stop", rule.stops ? "true" : nil)
    add("group", rule.group)
    fields += actions("then", rule.actions)
    if let otherwise = rule.otherwise { fields += actions("otherwise", otherwise) }
    return fields
  }

  private static func actions(_ name: String, _ actions: Rule.Actions) -> [(String, String)] {
    var fields: [(String, String)] = []
    if !actions.labels.isEmpty { fields.append(("\(name).labels", actions.labels.joined(separator: ", "))) }
    let alert = [actions.alertChannel, actions.alertText].compactMap(\.self)
    if !alert.isEmpty { fields.append(("\(name).alert", alert.joined(separator: ": "))) }
    if actions.gift { fields.append(("\(name).gift", "true")) }
    if let mark = actions.mark { fields.append(("\(name).mark", mark)) }
    if let team = actions.markTeam { fields.append(("\(name).mark.team", team)) }
    if let hold = actions.hold { fields.append(("\(name).hold", hold)) }
    if let memo = actions.memo { fields.append(("\(name).memo", memo)) }
    if actions.surcharge { fields.append(("\(name).surcharge", "true")) }
    if actions.stockAlert { fields.append(("\(name).stock_alert", "true")) }
    return fields
  }
}
