extension DecisionValue {
  /// One line of `decisions.ndjson` and `passflow tap decisions`: the whole decision, and per rule what it said.
  ///
  /// `ruleIds` in the order of the rule set (empty: the decision's own `ruleIds`); `termTexts[rule][term]`, the text
  /// of each term of a rule's conjunction as the rule compiler prints it. Both may be shorter than the outcomes: a
  /// rule without id is shown by its number, a term without text is left out.
  public func writeJSON(
    into json: inout JSONWriter, ruleIds: [String] = [], termTexts: [[String]] = []
  ) {
    json.beginObject()
    writeIdentity(into: &json)
    writeLabels(into: &json)
    writeActions(into: &json)
    writeRules(into: &json, ruleIds.isEmpty ? self.ruleIds : ruleIds, termTexts)
    json.name("pending_on")
    json.strings(pendingOn)
    if let facts {
      json.name("facts")
      facts.writeJSON(into: &json, currency: currency)
    }
    json.name("input")
    json.string(position.description)
    json.endObject()
    json.endLine()
  }

  private func writeIdentity(into json: inout JSONWriter) {
    json.name("mall_id")
    json.string(mallId)
    json.name("shop_no")
    json.integer(Int64(shopNo))
    json.name("order_id")
    json.string(orderId)
    json.name("version")
    json.integer(version)
    json.name("latest_version")
    json.integer(latestVersion)
    json.name("rule_set")
    json.string(ruleSet)
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
    json.name("labels")
    json.beginArray()
    for label in labels {
      json.beginObject()
      json.name("label")
      json.string(label.label)
      json.name("items")
      json.strings(label.itemCodes)
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
    for action in actions {
      json.beginObject()
      json.name("kind")
      json.string(action.kind)
      json.name("rule")
      json.string(action.rule)
      json.name("cause")
      json.string(action.cause)
      json.name("text")
      json.string(action.text)
      json.endObject()
    }
    json.endArray()
  }

  private func writeRules(into json: inout JSONWriter, _ ids: [String], _ texts: [[String]]) {
    json.name("rules")
    json.beginArray()
    for (rule, raw) in outcomes.enumerated() {
      let outcome = RuleOutcome(rawValue: raw) ?? .unknown
      json.beginObject()
      json.name("rule")
      if rule < ids.count { json.string(ids[rule]) } else { json.integer(Int64(rule)) }
      json.name("outcome")
      json.string(outcome.text)
      let term = rule < terms.count ? Int(terms[rule]) : 0
      if term > 0, rule < texts.count, term <= texts[rule].count {
        json.name(outcome == .unknown ? "missing" : "failing")
        json.string(texts[rule][term - 1])
      }
      json.endObject()
    }
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
