extension ActionValue {
  /// One line of `actions.ndjson` and of a timeline.
  public func writeJSON(into json: inout JSONWriter) {
    json.beginObject()
    json.name("mall_id")
    json.string(mallId)
    json.name("shop_no")
    json.integer(Int64(shopNo))
    json.name("order_id")
    json.string(orderId)
    json.name("kind")
    json.string(kind)
    if !label.isEmpty {
      json.name("label")
      json.string(label)
    }
    json.name("items")
    json.strings(itemCodes)
    json.name("rules")
    json.strings(rules)
    if !cause.isEmpty {
      json.name("cause")
      json.string(cause)
    }
    json.name("result")
    json.string(result)
    json.name("by")
    json.string(by)
    json.name("at")
    json.time(at)
    json.name("decision")
    json.string(decisionId)
    json.name("rule_set")
    json.string(ruleSet)
    json.endObject()
    json.endLine()
  }
}
