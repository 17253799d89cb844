/// Finds the route of a path. Literal segments go before parameters.
struct HTTPRouter: Sendable {
  enum Match {
    case route(HTTPRoute, [String: String])
    case notFound
    case malformed
    /// The path exists, the method does not: what it allows, sorted.
    case methodNotAllowed([String])
  }

  private let routes: [HTTPRoute]

  init(_ routes: [HTTPRoute]) {
    self.routes = routes.sorted { Self.parameters($0) < Self.parameters($1) }
  }

  /// - Parameter path: still percent-encoded, without the query.
  func match(method: String, path: String) -> Match {
    guard path.utf8.first == UInt8(ascii: "/") else { return .malformed }
    var segments: [String] = []
    for part in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard let segment = PercentEncoding.decode(part) else { return .malformed }
      segments.append(segment)
    }
    let wanted = method == "HEAD" ? "GET" : method
    var allowed: Set<String> = []
    for route in routes {
      guard let parameters = Self.bind(route.segments, segments) else { continue }
      if route.method.rawValue == wanted { return .route(route, parameters) }
      allowed.insert(route.method.rawValue)
      if route.method == .get { allowed.insert("HEAD") }
    }
    return allowed.isEmpty ? .notFound : .methodNotAllowed(allowed.sorted())
  }

  private static func parameters(_ route: HTTPRoute) -> Int {
    route.segments.count { if case .parameter = $0 { true } else { false } }
  }

  private static func bind(_ pattern: [HTTPRoute.Segment], _ path: [String]) -> [String: String]? {
    guard pattern.count == path.count else { return nil }
    var bound: [String: String] = [:]
    for (expected, found) in zip(pattern, path) {
      switch expected {
      case .literal(let text): guard text == found else { return nil }
      case .parameter(let name):
        guard !found.isEmpty else { return nil }
        bound[name] = found
      }
    }
    return bound
  }
}

/// RFC 3986 percent-encoding, one way.
enum PercentEncoding {
  /// Nil for a broken escape, bytes that are no UTF-8, and control characters.
  static func decode(_ bytes: some Collection<UInt8>, plusIsSpace: Bool = false) -> String? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var iterator = bytes.makeIterator()
    while let byte = iterator.next() {
      var value = byte
      if byte == UInt8(ascii: "%") {
        guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
          return nil
        }
        value = high << 4 | low
      } else if plusIsSpace, byte == UInt8(ascii: "+") {
        value = UInt8(ascii: " ")
      }
      guard value >= 0x20, value != 0x7F else { return nil }
      decoded.append(value)
    }
    return String(validating: decoded, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: nil
    }
  }
}
