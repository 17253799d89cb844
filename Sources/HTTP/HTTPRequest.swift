/// A request whose body has arrived whole. Whoever holds it answers it, once, from any thread; when
/// nobody holds it any more and nobody answered, the server answers 500.
public final class HTTPRequest: Sendable {
  /// `HEAD` comes to routes for `GET` under its own name.
  public let method: String
  /// Still percent-encoded, without the query.
  public let path: String
  /// What stood in the place of the pattern's `{names}`, decoded.
  public let parameters: [String: String]
  /// In the order sent; names as the client spelled them.
  public let headers: [(name: String, value: String)]
  /// `name=value` pairs, decoded; a name without a value has an empty one, a broken pair is left out.
  public let query: [(name: String, value: String)]
  public let body: [UInt8]
  private let exchange: HTTPExchange

  init(
    method: String, path: String, parameters: [String: String],
    headers: [(name: String, value: String)], query: [(name: String, value: String)], body: [UInt8],
    exchange: HTTPExchange
  ) {
    self.method = method
    self.path = path
    self.parameters = parameters
    self.headers = headers
    self.query = query
    self.body = body
    self.exchange = exchange
  }

  deinit {
    exchange.answer(.error(500, code: "no_answer", message: "The request was not answered"))
  }

  /// The first header of that name, whatever its case.
  public func header(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }

  /// Answers. The first answer counts.
  /// - Returns: false when it was answered before, or the client is gone.
  @discardableResult
  public func respond(_ response: HTTPResponse) -> Bool { exchange.answer(response) }

  @discardableResult
  public func respond(
    status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) -> Bool {
    exchange.answer(HTTPResponse(status: status, headers: headers, body: body))
  }
}
