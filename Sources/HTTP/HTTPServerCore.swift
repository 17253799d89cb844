internal import CMicroHTTPD
internal import Dispatch
internal import Glibc
internal import Synchronization

/// What libmicrohttpd's thread works with. Its callbacks are the only code that runs there; they must
/// not wait for anything.
final class HTTPServerCore: Sendable {
  private let router: HTTPRouter
  private let limits: HTTPLimits
  private let draining = Atomic(false)
  /// Requests begun and not yet completed; entered and left on the server's thread.
  private let unfinished = DispatchGroup()
  /// The same requests, to be answered when time is up.
  private let exchanges = Mutex<[ObjectIdentifier: HTTPExchange]>([:])
  /// After the last answers were forced: time for the kernel to take them.
  private static let forcedGraceMs = 500

  init(router: HTTPRouter, limits: HTTPLimits) {
    self.router = router
    self.limits = limits
  }

  /// Any thread but the server's.
  func drain(withinMs: Int) {
    draining.store(true, ordering: .relaxed)
    if unfinished.wait(timeout: .now() + .milliseconds(max(withinMs, 0))) == .success { return }
    let late = exchanges.withLock { Array($0.values) }
    for exchange in late {
      exchange.answer(.error(503, code: "stopping", message: "The server is stopping"))
    }
    _ = unfinished.wait(timeout: .now() + .milliseconds(Self.forcedGraceMs))
  }

  /// On the server's thread: called with the headers, with each part of the body, at its end, and
  /// after each resumption.
  static let handle: MHD_AccessHandlerCallback = {
    context, connection, url, method, _, data, dataBytes, slot in
    guard let context, let connection, let slot, let dataBytes else { return .NO }
    let core = Unmanaged<HTTPServerCore>.fromOpaque(context).takeUnretainedValue()
    guard let known = slot.pointee else {
      let exchange = core.begin(connection, method: text(method), path: text(url))
      slot.pointee = Unmanaged.passRetained(exchange).toOpaque()
      return core.refuseEarly(exchange, connection)
    }
    let exchange = Unmanaged<HTTPExchange>.fromOpaque(known).takeUnretainedValue()
    if dataBytes.pointee > 0 {
      let part = UnsafeRawBufferPointer(start: data, count: dataBytes.pointee)
      dataBytes.pointee = 0
      return core.receive(part, exchange) ? .YES : .NO
    }
    return core.finish(exchange, connection, method: text(method), path: text(url))
  }

  /// On the server's thread: the answer is sent, or the connection broke. Gives back what `handle`
  /// retained.
  static let completed: MHD_RequestCompletedCallback = { context, _, slot, _ in
    guard let context, let known = slot?.pointee else { return }
    slot?.pointee = nil
    let core = Unmanaged<HTTPServerCore>.fromOpaque(context).takeUnretainedValue()
    let exchange = Unmanaged<HTTPExchange>.fromOpaque(known).takeRetainedValue()
    exchange.close()
    _ = core.exchanges.withLock { $0.removeValue(forKey: ObjectIdentifier(exchange)) }
    core.unfinished.leave()
  }

  private static func text(_ pointer: UnsafePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
  }

  private func begin(_ connection: OpaquePointer, method: String, path: String) -> HTTPExchange {
    let exchange = HTTPExchange(connection, router.match(method: method, path: path))
    if case .route(let route, _) = exchange.match {
      let announced = Self.header("Content-Length", connection).flatMap { Int($0) } ?? 0
      exchange.body.reserveCapacity(min(max(announced, 0), route.bodyBytesMax))
    }
    unfinished.enter()
    exchanges.withLock { $0[ObjectIdentifier(exchange)] = exchange }
    return exchange
  }

  /// A client that asks first (`Expect: 100-continue`) is told before it sends a body for nothing.
  private func refuseEarly(_ exchange: HTTPExchange, _ connection: OpaquePointer) -> MHD_Result {
    guard Self.header("Expect", connection) != nil else { return .YES }
    let announced = Self.header("Content-Length", connection).flatMap { Int($0) } ?? 0
    let allowed = if case .route(let route, _) = exchange.match { route.bodyBytesMax } else { 0 }
    guard announced > allowed else { return .YES }
    exchange.bodyBytes = announced
    return refusal(exchange).map { send($0, on: connection) } ?? .YES
  }

  /// False: cut the connection.
  private func receive(_ part: UnsafeRawBufferPointer, _ exchange: HTTPExchange) -> Bool {
    let (bytes, tooMany) = exchange.bodyBytes.addingReportingOverflow(part.count)
    guard !tooMany else { return false }
    exchange.bodyBytes = bytes
    let allowed = if case .route(let route, _) = exchange.match { route.bodyBytesMax } else { 0 }
    if bytes <= allowed {
      exchange.body.append(contentsOf: part)
      return true
    }
    exchange.body = []
    return bytes &- allowed <= limits.drainBytesMax
  }

  private func finish(
    _ exchange: HTTPExchange, _ connection: OpaquePointer, method: String, path: String
  ) -> MHD_Result {
    if !exchange.dispatched {
      exchange.dispatched = true
      if let refusal = refusal(exchange) { return send(refusal, on: connection) }
      dispatch(exchange, connection, method: method, path: path)
    }
    guard let response = exchange.takeAnswerOrSuspend() else { return .YES }
    return send(response, on: connection)
  }

  /// What the server itself has to say against a request.
  private func refusal(_ exchange: HTTPExchange) -> HTTPResponse? {
    if draining.load(ordering: .relaxed) {
      return .error(503, code: "stopping", message: "The server is stopping")
    }
    switch exchange.match {
    case .notFound: return .error(404, code: "not_found", message: "There is nothing at this path")
    case .malformed: return .error(400, code: "malformed_path", message: "The path is not UTF-8 text")
    case .methodNotAllowed(let allowed):
      return .error(
        405, code: "method_not_allowed", message: "This path does not take that method",
        headers: [("Allow", allowed.joined(separator: ", "))])
    case .route(let route, _):
      guard exchange.bodyBytes > route.bodyBytesMax else { return nil }
      return .error(
        413, code: "body_too_large", message: "The body may have \(route.bodyBytesMax) bytes")
    }
  }

  private func dispatch(
    _ exchange: HTTPExchange, _ connection: OpaquePointer, method: String, path: String
  ) {
    guard case .route(let route, let parameters) = exchange.match else { return }
    let body = exchange.body
    exchange.body = []
    route.handler(
      HTTPRequest(
        method: method, path: path, parameters: parameters,
        headers: Self.values(.HEADER_KIND, connection),
        query: Self.values(.GET_ARGUMENT_KIND, connection).compactMap(Self.decoded), body: body,
        exchange: exchange))
  }

  private func send(_ response: HTTPResponse, on connection: OpaquePointer) -> MHD_Result {
    let made = response.body.withUnsafeBytes { bytes in
      MHD_create_response_from_buffer(
        bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
    }
    guard let made else { return .NO }
    defer { MHD_destroy_response(made) }
    for header in response.headers { _ = MHD_add_response_header(made, header.name, header.value) }
    if draining.load(ordering: .relaxed) { _ = MHD_add_response_header(made, "Connection", "close") }
    return MHD_queue_response(connection, UInt32(clamping: response.status), made)
  }

  private static func header(_ name: String, _ connection: OpaquePointer) -> String? {
    MHD_lookup_connection_value(connection, .HEADER_KIND, name).map { String(cString: $0) }
  }

  private static func decoded(_ pair: (name: String, value: String)) -> (name: String, value: String)? {
    guard let name = PercentEncoding.decode(pair.name.utf8, plusIsSpace: true),
      let value = PercentEncoding.decode(pair.value.utf8, plusIsSpace: true)
    else { return nil }
    return (name, value)
  }

  private static func values(_ kind: MHD_ValueKind, _ connection: OpaquePointer)
    -> [(name: String, value: String)]
  {
    var values: [(name: String, value: String)] = []
    withUnsafeMutablePointer(to: &values) { list in
      // Runs on this thread, before the call returns.
      _ = MHD_get_connection_values(
        connection, kind,
        { context, _, name, value in
          guard let name else { return .YES }
          context?.assumingMemoryBound(to: [(name: String, value: String)].self).pointee
            .append((String(cString: name), value.map { String(cString: $0) } ?? ""))
          return .YES
        }, list)
    }
    return values
  }
}
