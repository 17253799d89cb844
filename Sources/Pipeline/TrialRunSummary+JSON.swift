import Topics

extension TrialRunSummary {
  /// Writes `summary.json`.
  func write(to path: String) throws {
    var json = JSONWriter()
    func rounded(_ value: Double) -> Int64 { Int64(value.rounded()) }
    json.beginObject()
    json.name("read")
    json.integer(Int64(read))
    json.name("decided")
    json.integer(Int64(decided))
    json.name("dead_lettered")
    json.integer(Int64(deadLettered))
    json.name("labels")
    json.beginObject()
    for label in labels {
      json.name(utf8: label.name)
      json.integer(Int64(label.rows))
    }
    json.endObject()
    json.name("orders_by_label")
    json.beginObject()
    for label in labels {
      json.name(utf8: label.name)
      json.integer(Int64(label.orders))
    }
    json.endObject()
    json.name("decisions")
    json.integer(Int64(decisions))
    json.name("actions")
    json.integer(Int64(actions))
    json.name("seconds")
    json.money(rounded(seconds * 1000), decimals: 3)
    json.name("orders_per_second")
    json.integer(rounded(ordersPerSecond))
    json.name("rule_set")
    json.string(ruleSet)
    json.endObject()
    json.endLine()
    let file = try OutputFile(path)
    try file.write(json.bytes)
    try file.flush()
  }
}
