internal import Rules
internal import Topics

extension OrderAnswer {
  /// One object, `passflow.explanation/1` (docs/rules.md). Names no personal data.
  public func json(rules only: Set<String> = []) -> String {
    var json = JSONWriter()
    json.beginObject()
    json.name("schema")
    json.string("passflow.explanation/1")
    json.name("order")
    writeOrder(into: &json)
    json.name("labels")
    json.strings(decision.labels.map(\.label))
    json.name("effects")
    json.beginArray()
    for action in decision.actions {
      json.beginObject()
      json.name("kind")
      json.string(action.kind)
      json.name("rule")
      json.string(action.rule)
      json.endObject()
    }
    json.endArray()
    json.name("pending_on")
    json.strings(decision.pendingOn)
    json.name("rules")
    json.beginArray()
    for rule in rules where only.isEmpty || only.contains(rule.rule.id) { rule.write(into: &json) }
    json.endArray()
    json.endObject()
    json.endLine()
    return String(decoding: json.bytes, as: UTF8.self)
  }

  private func writeOrder(into json: inout JSONWriter) {
    let state =
      switch decision.state {
      case .open: "open"
      case .shipped: "shipped"
      case .cancelled: "cancelled"
      }
    json.beginObject()
    json.name("mall_id")
    json.string(decision.mallId)
    json.name("shop_no")
    json.integer(Int64(decision.shopNo))
    json.name("order_id")
    json.string(decision.orderId)
    json.name("placed_at")
    json.time(decision.placedAt)
    json.name("state")
    json.string(state)
    json.endObject()
  }
}

extension RuleAnswer {
  fileprivate func write(into json: inout JSONWriter) {
    json.beginObject()
    json.name("id")
    json.string(rule.id)
    json.name("name")
    json.string(rule.name)
    json.name("state")
    json.string(rule.state.rawValue)
    json.name("outcome")
    json.string(outcome.word)
    json.name("otherwise")
    json.bool(isOtherwise)
    json.name("labels")
    json.strings(actions?.labels ?? [])
    json.name("decisive_term")
    if let decisive { json.integer(Int64(decisive)) } else { json.null() }
    json.name("terms")
    json.beginArray()
    for term in terms { term.write(into: &json) }
    json.endArray()
    json.endObject()
  }
}

extension ConditionAnswer {
  fileprivate func write(into json: inout JSONWriter) {
    json.beginObject()
    json.name("kind")
    json.string(kind.rawValue)
    if kind != .line {
      json.name("text")
      json.string(text)
    }
    json.name("outcome")
    json.string(outcome.word)
    if let line, kind == .line {
      json.name("line")
      json.integer(Int64(line + 1))
      json.name("left_out")
      json.bool(isLeftOut)
    }
    writeValues(into: &json)
    if outcome != .true, kind != .line { writeReason(into: &json) }
    if !blockers.isEmpty {
      json.name("blocked_by")
      json.strings(blockers)
    }
    if kind == .lines || kind == .fold {
      json.name("list")
      json.string(list)
      json.name("question")
      json.string(question)
      json.name("line_count")
      json.integer(Int64(lineCount))
    }
    if !parts.isEmpty {
      json.name("parts")
      json.beginArray()
      for part in parts { part.write(into: &json) }
      json.endArray()
    }
    json.endObject()
  }

  private func writeValues(into json: inout JSONWriter) {
    // Those of what is made of parts stand with the parts.
    guard kind == .single || kind == .fold || kind == .line else { return }
    json.name("values")
    json.beginArray()
    for value in values where !value.name.isEmpty {
      json.beginObject()
      json.name("name")
      json.string(value.name)
      json.name("value")
      if let text = value.value { json.string(text) } else { json.null() }
      json.endObject()
    }
    json.endArray()
  }

  private func writeReason(into json: inout JSONWriter) {
    guard let korean = Wording(language: .ko).why(self), let english = Wording(language: .en).why(self) else {
      return
    }
    json.name("why")
    json.beginObject()
    json.name("ko")
    json.string(korean)
    json.name("en")
    json.string(english)
    json.endObject()
  }
}

extension Outcome {
  fileprivate var word: String {
    switch self {
    case .true: "true"
    case .false: "false"
    case .unknown: "unknown"
    }
  }
}
