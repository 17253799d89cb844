import HTTP
import Topics

/// What ingest says to its senders. Nothing in it comes out of a request but counts, lines and classes.
enum IngestAnswers {
  /// Problems listed in one answer; `problems_left_out` counts the rest.
  static let problemsMax = 1_000

  static let oneAccepted = HTTPResponse.json(202, "{\"accepted\":1}")
  static let done = HTTPResponse.json(200, "{\"status\":\"ok\"}")
  static let ignored = HTTPResponse.json(200, "{\"status\":\"ignored\"}")
  static let contextAccepted = HTTPResponse.json(202, "{\"accepted\":1}")

  static let notAcknowledged = unavailable(
    "not_acknowledged",
    "The broker has not acknowledged it in time. Send it again: a repetition changes nothing", after: 5)
  static let starting = unavailable("starting", "The broker has not been reached yet", after: 2)
  static let stopping = unavailable("stopping", "The server is stopping", after: 1)
  static let full = unavailable(
    "too_many_waiting", "Too much waits for the broker's acknowledgement", after: 1)
  static let broken = unavailable("broker", "The broker does not take records", after: 5)
  static let unauthorized = HTTPResponse.error(
    401, code: "unauthorized", message: "The X-API-Key is missing or not this mall's")
  static let empty = problems(
    400, [Problem(code: "json.empty", field: "", expected: "a JSON object", found: "nothing")])

  private static func unavailable(_ code: String, _ message: String, after seconds: Int) -> HTTPResponse {
    .error(503, code: code, message: message, headers: [("Retry-After", "\(seconds)")])
  }

  /// All problems of something that is no list of events.
  static func problems(_ status: Int, _ problems: [Problem]) -> HTTPResponse {
    orders(status, accepted: 0, refusals: problems.map { (1, $0) }, refused: 1, leftOut: 0)
  }

  /// What became of the events of one request.
  static func orders(
    _ status: Int, accepted: Int, refusals: [(line: Int64, problem: Problem)], refused: Int, leftOut: Int
  ) -> HTTPResponse {
    var json = JSONWriter(capacity: 256)
    json.beginObject()
    json.name("accepted")
    json.integer(Int64(accepted))
    json.name("refused")
    json.integer(Int64(refused))
    json.name("problems")
    json.beginArray()
    for (line, problem) in refusals { write(problem, line, into: &json) }
    json.endArray()
    if leftOut > 0 {
      json.name("problems_left_out")
      json.integer(Int64(leftOut))
    }
    json.endObject()
    return HTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: json.bytes)
  }

  private static func write(_ problem: Problem, _ line: Int64, into json: inout JSONWriter) {
    json.beginObject()
    json.name("line")
    json.integer(line)
    json.name("code")
    json.string(problem.code)
    json.name("field")
    json.string(problem.field)
    json.name("expected")
    json.string(problem.expected)
    json.name("found")
    json.string(problem.found)
    json.endObject()
  }
}
