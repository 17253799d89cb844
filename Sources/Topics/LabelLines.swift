public import Orders

/// Writes the action lines of labels that went onto all items of an order, or came off them, straight from the
/// bytes: as `ActionValue.writeJSON` has them, but with the number of the items in place of their codes, which stand
/// in the line of the decision. One line for each label.
public struct LabelLines {
  private var position = JSONWriter(capacity: 64)
  private var time = JSONWriter(capacity: 64)

  public init() {}

  /// - Parameters:
  ///   - change: `label.added` or `label.removed`.
  ///   - places: Of the labels, in `desire.labels`.
  public mutating func write(
    _ change: StaticString, _ header: DecisionHeader, _ desire: UniformDesire, _ places: [Int], at: Instant,
    into json: inout JSONWriter
  ) {
    position.removeAll()
    position.position(header.position)
    time.removeAll()
    time.time(at)
    for place in places {
      json.beginObject()
      json.name("mall_id")
      json.string(utf8: header.mallId)
      json.name("shop_no")
      json.integer(Int64(header.shopNo))
      json.name("order_id")
      json.string(utf8: header.orderId)
      json.name("kind")
      json.string(utf8: UnsafeRawBufferPointer(start: change.utf8Start, count: change.utf8CodeUnitCount))
      json.name("label")
      json.string(utf8: desire.labels[place])
      json.name("items")
      json.string("all")
      json.name("item_count")
      json.integer(Int64(desire.codes.count))
      json.name("rules")
      json.beginArray()
      for rule in desire.rules(of: place) { json.string(utf8: rule) }
      json.endArray()
      json.name("result")
      json.string("done")
      json.name("by")
      json.string("passflow")
      json.name("at")
      time.withBytes { json.rendered($0) }
      json.name("decision")
      position.withBytes { json.rendered($0) }
      json.name("rule_set")
      json.string(utf8: header.ruleSet)
      json.endObject()
      json.endLine()
    }
  }
}
