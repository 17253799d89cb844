import Orders

/// Everything of rules that can change a decision or what an operator reads about it, in one fixed form: what a rule
/// set's hash is of. Equal rules give equal bytes, for ever: hashes stand in decisions.
struct CanonicalContent {
  private(set) var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(8_192) }

  mutating func add(_ rule: Rule) {
    add("id", rule.id)
    add("name", rule.name)
    add("description", rule.description)
    add("owner", rule.owner)
    add("state", rule.state.rawValue)
    add("priority", String(rule.priority))
    add("on_cancel", rule.keepsOnCancel ? "keep" : "withdraw")
    add("if", rule.conditionText)
    add("match", rule.match?.description ?? "")
    add("from", rule.effectiveFrom.map { String($0.microseconds) } ?? "")
    add("until", rule.effectiveUntil.map { String($0.microseconds) } ?? "")
    add("template", rule.template ?? "")
    add(rule.actions, "")
    for event in rule.when { add("when", event) }
    for label in rule.actions.labels { add("label", label) }
    if rule.stops { add("stop", "true") }
    if !rule.group.isEmpty { add("group", rule.group) }
    if let otherwise = rule.otherwise {
      add(otherwise, "otherwise.")
      for label in otherwise.labels { add("otherwise.label", label) }
    }
    bytes.append(10)
  }

  /// Actions beside labels. What came after the first version is named only where it is there, so that the hashes of
  /// older rule files stay.
  private mutating func add(_ actions: Rule.Actions, _ prefix: String) {
    add(prefix, "gift", actions.gift ? "true" : "")
    add(prefix, "alert.channel", actions.alertChannel ?? "")
    add(prefix, "alert.text", actions.alertText ?? "")
    add(prefix, "mark", actions.mark ?? "")
    add(prefix, "hold", actions.hold ?? "")
    if let markTeam = actions.markTeam { add(prefix, "mark.team", markTeam) }
    if let memo = actions.memo { add(prefix, "memo", memo) }
    if actions.surcharge { add(prefix, "surcharge", "true") }
    if actions.stockAlert { add(prefix, "stock_alert", "true") }
  }

  private mutating func add(_ name: StaticString, _ value: String) { add("", name, value) }

  private mutating func add(_ prefix: String, _ name: StaticString, _ value: String) {
    bytes += prefix.utf8
    name.withUTF8Buffer { bytes += $0 }
    bytes.append(58)
    add(value.utf8.count)
    bytes.append(58)
    bytes += value.utf8
    bytes.append(10)
  }

  private mutating func add(_ number: Int) {
    if number >= 10 { add(number / 10) }
    bytes.append(UInt8(truncatingIfNeeded: 48 + number % 10))
  }
}

extension Rule {
  /// The condition as printed; empty where there is none. One that is a single term was printed as that.
  fileprivate var conditionText: String {
    guard let condition else { return "" }
    if case .and = condition.kind { return condition.description }
    return terms.indices.contains(guardCount) ? terms[guardCount].text : condition.description
  }

  /// Its part of a set's content.
  var canonicalText: String {
    var content = CanonicalContent()
    content.add(self)
    return String(decoding: content.bytes, as: UTF8.self)
  }
}
