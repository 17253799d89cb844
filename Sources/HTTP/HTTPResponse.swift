/// What is sent back.
public struct HTTPResponse: Sendable {
  public let status: Int
  public let headers: [(name: String, value: String)]
  public let body: [UInt8]

  public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// A JSON body that is ready.
  public static func json(_ status: Int, _ text: String) -> HTTPResponse {
    HTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: Array(text.utf8))
  }

  /// `{"error":code,"message":message}`; both are escaped.
  public static func error(
    _ status: Int, code: String, message: String, headers: [(name: String, value: String)] = []
  ) -> HTTPResponse {
    let text = "{\"error\":\(quoted(code)),\"message\":\(quoted(message))}"
    return HTTPResponse(
      status: status, headers: [("Content-Type", "application/json")] + headers, body: Array(text.utf8))
  }

  /// A JSON string with its quotes.
  public static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\u{0}"..<"\u{20}":
        let hex = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
