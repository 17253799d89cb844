extension DeadLetterValue {
  /// One line of `dead-letters.ndjson`: reasons and place, masked. The body, sealed or not, never appears.
  public func writeJSON(into json: inout JSONWriter) {
    json.beginObject()
    json.name("stage")
    json.string(stage)
    json.name("source")
    json.string(source)
    json.name(source == "file" ? "line" : "position")
    json.integer(position)
    if source != "file" {
      json.name("partition")
      json.integer(Int64(partition))
    }
    json.name("at")
    json.time(at)
    json.name("body_bytes")
    json.integer(bodyBytes)
    json.name("problems")
    json.beginArray()
    for problem in problems { problem.writeJSON(into: &json) }
    json.endArray()
    json.endObject()
    json.endLine()
  }
}

extension Problem {
  /// As in the answer to a refused request.
  public func writeJSON(into json: inout JSONWriter) {
    json.beginObject()
    json.name("code")
    json.string(code)
    json.name("field")
    json.string(field)
    json.name("expected")
    json.string(expected)
    json.name("found")
    json.string(found)
    json.endObject()
  }
}
