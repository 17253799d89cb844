import Testing

@testable import HTTP

@Suite struct HTTPRouterTests {
  private let router = HTTPRouter([
    HTTPRoute(.post, "/v1/orders/{mall}/{order}") { _ in },
    HTTPRoute(.get, "/v1/orders/{mall}/summary") { _ in },
    HTTPRoute(.post, "/v1/orders") { _ in },
    HTTPRoute(.get, "/v1/orders") { _ in },
    HTTPRoute(.get, "/") { _ in },
  ])

  private func say(_ method: String, _ path: String) -> String {
    switch router.match(method: method, path: path) {
    case .route(let route, let bound):
      let names = bound.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
      return "\(route.method.rawValue) \(route.pattern)\(names)"
    case .notFound: return "not found"
    case .malformed: return "malformed"
    case .methodNotAllowed(let allowed): return "only \(allowed.joined(separator: " "))"
    }
  }

  @Test func pathsFindTheirRoutes() {
    #expect(say("POST", "/v1/orders") == "POST /v1/orders")
    #expect(say("HEAD", "/v1/orders") == "GET /v1/orders")
    #expect(
      say("POST", "/v1/orders/shop/20110101-0000001")
        == "POST /v1/orders/{mall}/{order} mall=shop order=20110101-0000001")
    #expect(say("GET", "/v1/orders/shop/summary") == "GET /v1/orders/{mall}/summary mall=shop")
    #expect(
      say("POST", "/v1/orders/shop/summary") == "POST /v1/orders/{mall}/{order} mall=shop order=summary")
    #expect(say("POST", "/v1/orders/a%2Fb/%EA%B0%80") == "POST /v1/orders/{mall}/{order} mall=a/b order=가")
  }

  @Test func pathsWithoutARouteAreRefused() {
    #expect(say("GET", "/v1") == "not found")
    #expect(say("GET", "/v1/orders/") == "not found")
    #expect(say("POST", "/v1/orders//1") == "not found")
    #expect(say("DELETE", "/v1/orders") == "only GET HEAD POST")
    #expect(say("PATCH", "/v1/orders/a/b") == "only POST")
    for path in ["", "v1", "*", "/%", "/%2", "/%zz", "/%00", "/%FF", "/a%0Ab"] {
      #expect(say("GET", path) == "malformed", "\(path)")
    }
  }
}
