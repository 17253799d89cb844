/// The methods a route can have. HEAD is answered by a route for GET, without its body.
public enum HTTPMethod: String, Sendable, Hashable, CaseIterable {
  case get = "GET"
  case post = "POST"
  case put = "PUT"
  case delete = "DELETE"
}

/// A method, a path pattern and what answers it.
public struct HTTPRoute: Sendable {
  public let method: HTTPMethod
  /// As `/v1/orders/{mall}/context`: a segment in braces takes any one segment that is not empty.
  public let pattern: String
  /// A larger body is read to its end, thrown away and answered 413.
  public let bodyBytesMax: Int
  /// Runs on the server's only thread: it must not wait. It answers then, or keeps the request and
  /// has it answered later.
  public let handler: @Sendable (HTTPRequest) -> Void
  let segments: [Segment]

  enum Segment: Sendable, Equatable {
    case literal(String)
    case parameter(String)
  }

  public init(
    _ method: HTTPMethod, _ pattern: String, bodyBytesMax: Int = 0,
    handler: @escaping @Sendable (HTTPRequest) -> Void
  ) {
    self.method = method
    self.pattern = pattern
    self.bodyBytesMax = max(bodyBytesMax, 0)
    self.handler = handler
    segments = pattern.utf8.split(separator: UInt8(ascii: "/")).map { part in
      let text = String(Substring(part))
      guard text.hasPrefix("{"), text.hasSuffix("}") else { return .literal(text) }
      return .parameter(String(text.dropFirst().dropLast()))
    }
  }
}
