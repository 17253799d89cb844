/// How the rules of one set are told of in decision lines: rendered once, copied ever after. A rule's id, then what
/// it said: `"true"`, or with the term that decided, as in `{"false":"amount.items >= 100000"}`.
public struct DecisionRuleTexts: Sendable {
  /// All texts, one behind the other: of each rule, outcome × (terms + 1) + term.
  private var text: [UInt8] = []
  /// Where they end, behind a 0.
  private var ends = [0]
  /// Per rule its first text and the number of its terms + 1.
  private var rules: [(first: Int, terms: Int)] = []

  /// `ruleIds` in the order of the rule set; `termTexts[rule][term]`, the text of each term of a rule's conjunction
  /// as the rule compiler prints it. Both may be shorter than the outcomes: a rule without id is shown by its
  /// number, a term without text is left out.
  public init(ruleIds: [String] = [], termTexts: [[String]] = []) {
    for (rule, id) in ruleIds.enumerated() {
      let terms = rule < termTexts.count ? termTexts[rule] : []
      rules.append((ends.count - 1, terms.count + 1))
      for outcome in RuleOutcome.allCases.sorted(by: { $0.rawValue < $1.rawValue }) {
        for term in 0...terms.count {
          var json = JSONWriter(capacity: 128)
          json.name(utf8: id)
          if term > 0 {
            json.beginObject()
            json.name(utf8: outcome.text)
            json.string(terms[term - 1])
            json.endObject()
          } else {
            json.string(outcome.text)
          }
          text += json.bytes
          ends.append(text.count)
        }
      }
    }
  }

  func write(rule: Int, outcome raw: UInt8, term: Int, into json: inout JSONWriter) {
    let outcome = RuleOutcome(rawValue: raw) ?? .unknown
    if rule < rules.count {
      let (first, terms) = rules[rule]
      let place = first + Int(outcome.rawValue) * terms + (term < terms ? term : 0)
      return text.withUnsafeBytes {
        json.rendered(UnsafeRawBufferPointer(rebasing: $0[ends[place]..<ends[place + 1]]))
      }
    }
    json.name(utf8: String(rule))
    json.string(outcome.text)
  }
}

extension DecisionValue {
  /// One line of `decisions.ndjson` and `passflow tap decisions`: the whole decision, and per rule what it said.
  public func writeJSON(into json: inout JSONWriter, texts: DecisionRuleTexts) {
    json.beginObject()
    writeIdentity(into: &json)
    writeLabels(into: &json)
    writeActions(into: &json)
    json.name("rules")
    json.beginObject()
    for (rule, raw) in outcomes.enumerated() {
      texts.write(rule: rule, outcome: raw, term: rule < terms.count ? Int(terms[rule]) : 0, into: &json)
    }
    json.endObject()
    json.name("pending_on")
    json.strings(pendingOn)
    if let facts {
      json.name("facts")
      facts.writeJSON(into: &json, currency: currency)
    }
    json.name("input")
    json.position(position)
    json.endObject()
    json.endLine()
  }

  /// The same with the texts at hand.
  public func writeJSON(into json: inout JSONWriter, ruleIds: [String] = [], termTexts: [[String]] = []) {
    let ids = ruleIds.isEmpty ? self.ruleIds : ruleIds
    writeJSON(into: &json, texts: DecisionRuleTexts(ruleIds: ids, termTexts: termTexts))
  }

  private func writeIdentity(into json: inout JSONWriter) {
    json.name("mall_id")
    json.string(mallId)
    json.name("shop_no")
    json.integer(Int64(shopNo))
    json.name("order_id")
    json.string(orderId)
    var hash = ruleSet
    hash.withUTF8 { writeStanding(into: &json, ruleSet: UnsafeRawBufferPointer($0)) }
  }

  /// Everything between the identity and the labels.
  func writeStanding(into json: inout JSONWriter, ruleSet: UnsafeRawBufferPointer) {
    json.name("version")
    json.integer(version)
    json.name("latest_version")
    json.integer(latestVersion)
    json.name("rule_set")
    json.string(utf8: ruleSet)
    json.name("state")
    json.string(state.text)
    json.name("placed_at")
    json.time(placedAt)
    json.name("event_time")
    json.time(inputEventTime)
    json.name("own")
    json.bool(own)
    json.name("too_late")
    json.bool(tooLate)
    json.name("first_seen_closed")
    json.bool(firstSeenClosed)
  }

  private func writeLabels(into json: inout JSONWriter) {
    let table = ItemTable.table(of: labels.map(\.itemCodes))
    json.name("items")
    json.strings(table)
    json.name("labels")
    json.beginArray()
    for label in labels {
      json.beginObject()
      json.name("label")
      json.string(label.label)
      json.name("items")
      if label.itemCodes == table { json.string("all") } else { json.strings(label.itemCodes) }
      json.name("rules")
      json.strings(label.rules)
      json.name("on_cancel")
      json.string(label.keepOnCancel ? "keep" : "withdraw")
      json.endObject()
    }
    json.endArray()
  }

  private func writeActions(into json: inout JSONWriter) {
    json.name("actions")
    json.beginArray()
    for action in actions { action.writeJSON(into: &json) }
    json.endArray()
  }
}

extension RuleOutcome {
  /// `true`, `false`, `unknown`.
  public var text: String {
    switch self {
    case .false: "false"
    case .true: "true"
    case .unknown: "unknown"
    }
  }
}

extension OrderState {
  /// `open`, `shipped`, `cancelled`.
  public var text: String {
    switch self {
    case .open: "open"
    case .shipped: "shipped"
    case .cancelled: "cancelled"
    }
  }
}

extension DesiredActionValue {
  func writeJSON(into json: inout JSONWriter) {
    json.beginObject()
    json.name("kind")
    json.string(kind)
    json.name("rule")
    json.string(rule)
    json.name("cause")
    json.string(cause)
    json.name("text")
    json.string(text)
    if !channel.isEmpty {
      json.name("channel")
      json.string(channel)
    }
    if !team.isEmpty {
      json.name("team")
      json.string(team)
    }
    json.endObject()
  }
}
