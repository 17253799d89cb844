public import Orders

/// Writes the action lines of labels that went onto all items of an order, straight from the decision's bytes: the
/// same text as `ActionValue.writeJSON`, one line for each label.
public struct LabelsAddedLines {
  private var items = JSONWriter(capacity: 4096)
  private var position = JSONWriter(capacity: 64)

  public init() {}

  public mutating func write(
    _ header: DecisionHeader, _ desire: UniformDesire, at: Instant, into json: inout JSONWriter
  ) {
    items.removeAll()
    items.strings(utf8: desire.codes)
    position.removeAll()
    position.position(header.position)
    for (place, label) in desire.labels.enumerated() {
      json.beginObject()
      json.name("mall_id")
      json.string(utf8: header.mallId)
      json.name("shop_no")
      json.integer(Int64(header.shopNo))
      json.name("order_id")
      json.string(utf8: header.orderId)
      json.name("kind")
      json.string("label.added")
      json.name("label")
      json.string(utf8: label)
      json.name("items")
      items.withBytes { json.rendered($0) }
      json.name("rules")
      json.beginArray()
      for rule in desire.rules(of: place) { json.string(utf8: rule) }
      json.endArray()
      json.name("result")
      json.string("done")
      json.name("by")
      json.string("passflow")
      json.name("at")
      json.time(at)
      json.name("decision")
      position.withBytes { json.rendered($0) }
      json.name("rule_set")
      json.string(utf8: header.ruleSet)
      json.endObject()
      json.endLine()
    }
  }
}
