import Dispatch
import Synchronization
import Testing

@testable import HTTP

/// Holds requests until the test answers them.
final class Desk: Sendable {
  private let waiting = Mutex<[HTTPRequest]>([])
  private let arrived = DispatchSemaphore(value: 0)

  func take(_ request: HTTPRequest) {
    waiting.withLock { $0.append(request) }
    arrived.signal()
  }

  /// The next request, waiting for it 20 s at most.
  func next() -> HTTPRequest? {
    guard arrived.wait(timeout: .now() + .seconds(20)) == .success else { return nil }
    return waiting.withLock { $0.removeFirst() }
  }
}

@Suite struct HTTPServerTests {
  private func echo(_ pattern: String = "/echo/{name}", max: Int = 1_024) -> HTTPRoute {
    HTTPRoute(.post, pattern, bodyBytesMax: max) { request in
      let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
      let text = String(decoding: request.body, as: UTF8.self)
      request.respond(
        status: 200, headers: [("X-Key", request.header("x-API-key") ?? "none")],
        body: Array("\(request.parameters["name"] ?? "") \(query) \(text)".utf8))
    }
  }

  private func server(_ routes: [HTTPRoute], _ limits: HTTPLimits = HTTPLimits()) throws -> HTTPServer {
    try HTTPServer(host: "127.0.0.1", port: 0, limits: limits, routes: routes)
  }

  @Test func aRequestIsAnsweredWithWhatItCarried() throws {
    let server = try server([echo()])
    defer { server.stop(withinMs: 1_000) }
    let client = try SocketClient(port: server.port)
    client.request(
      "POST", "/echo/%EA%B0%80?a=1%202&b&%zz=3&c=x+y", headers: ["X-API-Key: k"], body: Array("hello".utf8))
    let answer = try client.answer()
    #expect(answer.status == 200)
    #expect(answer.body == "가 a=1 2&b=&c=x y hello")
    #expect(answer.headers["x-key"] == "k")
    client.send(
      "POST /echo/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    #expect(try client.answer().body == "x  abcde")
  }

  @Test func whatHasNoRouteIsAnsweredInJSON() throws {
    let server = try server([echo(), HTTPRoute(.get, "/page") { $0.respond(.json(200, "{}")) }])
    defer { server.stop(withinMs: 1_000) }
    let client = try SocketClient(port: server.port)
    client.request("GET", "/nothing")
    let missing = try client.answer()
    #expect(missing.status == 404)
    #expect(missing.body == #"{"error":"not_found","message":"There is nothing at this path"}"#)
    #expect(missing.headers["content-type"] == "application/json")
    client.request("DELETE", "/page", body: Array("ignored".utf8))
    let wrong = try client.answer()
    #expect(wrong.status == 405)
    #expect(wrong.headers["allow"] == "GET, HEAD")
    client.request("GET", "/%00")
    #expect(try client.answer().status == 400)
    client.request("HEAD", "/page")
    let head = try client.answer(hasBody: false)
    #expect(head.status == 200)
    #expect(head.headers["content-length"] == "2")
    client.request("GET", "/page")
    #expect(try client.answer().body == "{}")
  }

  @Test func anAnswerMayComeLaterFromAnotherThread() throws {
    let desk = Desk()
    let server = try server([HTTPRoute(.post, "/later", bodyBytesMax: 10) { desk.take($0) }, echo()])
    defer { server.stop(withinMs: 1_000) }
    let patient = try SocketClient(port: server.port)
    patient.request("POST", "/later", body: [65])
    let request = try #require(desk.next())
    let other = try SocketClient(port: server.port)
    other.request("POST", "/echo/x", body: [66])
    #expect(try other.answer().body == "x  B")
    #expect(request.respond(status: 202, body: Array("first".utf8)))
    #expect(!request.respond(status: 500))
    let answer = try patient.answer()
    #expect(answer.status == 202)
    #expect(answer.body == "first")
    patient.request("POST", "/echo/again", body: [])
    #expect(try patient.answer().body == "again  ")
  }

  @Test func aForgottenRequestIsAnswered() throws {
    let server = try server([HTTPRoute(.get, "/forget") { _ in }])
    defer { server.stop(withinMs: 1_000) }
    let client = try SocketClient(port: server.port)
    client.request("GET", "/forget")
    #expect(try client.answer().status == 500)
  }

  @Test func answeringAClientThatLeftIsHarmless() throws {
    let desk = Desk()
    let server = try server([HTTPRoute(.get, "/later") { desk.take($0) }, echo()])
    defer { server.stop(withinMs: 1_000) }
    do {
      let client = try SocketClient(port: server.port)
      client.request("GET", "/later")
      let request = desk.next()
      withExtendedLifetime(client) {}
      Task.detached { request?.respond(status: 200) }
    }
    let client = try SocketClient(port: server.port)
    client.request("POST", "/echo/x", body: [])
    #expect(try client.answer().status == 200)
  }

  @Test func aBodyIsTakenUpToTheLimitOfItsRoute() throws {
    let server = try server([echo(max: 100_000)])
    defer { server.stop(withinMs: 1_000) }
    let client = try SocketClient(port: server.port)
    let full = [UInt8](repeating: 65, count: 100_000)
    client.request("POST", "/echo/x", body: full)
    #expect(try client.answer().body.utf8.count == 100_003)
    client.request("POST", "/echo/x", body: full + [65])
    let refused = try client.answer()
    #expect(refused.status == 413)
    #expect(refused.body.contains("100000 bytes"))
    client.request("POST", "/echo/x", body: [66])
    #expect(try client.answer().body == "x  B")
  }

  @Test func aLargeBodyIsReadToItsEndSoThatItsSenderSeesTheAnswer() throws {
    let server = try server([echo(max: 10)])
    defer { server.stop(withinMs: 1_000) }
    let client = try SocketClient(port: server.port)
    client.request("POST", "/echo/x", body: [UInt8](repeating: 65, count: 5_000_000))
    #expect(try client.answer().status == 413)
  }

  @Test func aClientThatAsksFirstIsToldBeforeItSends() throws {
    let server = try server([echo(max: 10)])
    defer { server.stop(withinMs: 1_000) }
    let client = try SocketClient(port: server.port)
    client.send("POST /echo/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n")
    #expect(try client.answer().status == 413)
    let small = try SocketClient(port: server.port)
    small.send("POST /echo/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    #expect(try small.answer().status == 100)
    small.send("ok")
    #expect(try small.answer().body == "x  ok")
  }

  @Test func aBodyWithoutEndIsCutOff() throws {
    let server = try server([echo(max: 10)], HTTPLimits(drainBytesMax: 100_000))
    defer { server.stop(withinMs: 1_000) }
    let client = try SocketClient(port: server.port)
    client.send("POST /echo/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    let chunk = Array("2710\r\n".utf8) + [UInt8](repeating: 65, count: 10_000) + Array("\r\n".utf8)
    var sent = 0
    while sent < 1_000, client.send(chunk) { sent += 1 }
    #expect(client.isClosed())
  }

  @Test func headersAreBounded() throws {
    let server = try server([echo()], HTTPLimits(headerBytesMax: 8_192))
    defer { server.stop(withinMs: 1_000) }
    let client = try SocketClient(port: server.port)
    client.request("POST", "/echo/x", headers: ["X: " + String(repeating: "a", count: 2_000)], body: [])
    #expect(try client.answer().status == 200)
    client.request("POST", "/echo/x", headers: ["X: " + String(repeating: "a", count: 20_000)], body: [])
    #expect(try client.answer().status == 431)
  }

  @Test func connectionsAreBoundedAndTheNextOneWaits() throws {
    let server = try server([echo()], HTTPLimits(connectionsMax: 2))
    defer { server.stop(withinMs: 1_000) }
    var first: SocketClient? = try SocketClient(port: server.port)
    let second = try SocketClient(port: server.port)
    for client in [first, second] {
      client?.request("POST", "/echo/x", body: [])
      #expect(try client?.answer().status == 200)
    }
    let third = try SocketClient(port: server.port)
    third.request("POST", "/echo/x", body: [])
    #expect(third.staysSilent(milliseconds: 50))
    first = nil
    #expect(try third.answer().status == 200)
  }

  @Test func aSilentClientIsCutOffAndASuspendedOneIsNot() throws {
    let desk = Desk()
    let server = try server(
      [echo(), HTTPRoute(.get, "/later") { desk.take($0) }], HTTPLimits(idleSeconds: 1))
    defer { server.stop(withinMs: 1_000) }
    let patient = try SocketClient(port: server.port)
    patient.request("GET", "/later")
    let request = try #require(desk.next())
    let slow = try SocketClient(port: server.port)
    slow.send("POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    let mute = try SocketClient(port: server.port)
    #expect(slow.isClosed())
    #expect(mute.isClosed())
    request.respond(status: 200, body: Array("worth it".utf8))
    #expect(try patient.answer().body == "worth it")
  }

  @Test func twoHundredConnectionsAreServedSideBySide() throws {
    let desk = Desk()
    let server = try server([HTTPRoute(.post, "/n/{n}", bodyBytesMax: 10) { desk.take($0) }])
    defer { server.stop(withinMs: 1_000) }
    let clients = try (0..<200).map { _ in try SocketClient(port: server.port) }
    for round in 0..<5 {
      for (n, client) in clients.enumerated() { client.request("POST", "/n/\(n)", body: [UInt8(round)]) }
      var held: [HTTPRequest] = []
      for _ in clients { held.append(try #require(desk.next())) }
      let requests = held
      DispatchQueue.concurrentPerform(iterations: requests.count) { index in
        let name = requests[index].parameters["n"] ?? ""
        requests[index].respond(status: 200, body: Array("\(name) \(requests[index].body)".utf8))
      }
      for (n, client) in clients.enumerated() {
        #expect(try client.answer().body == "\(n) [\(round)]")
      }
    }
  }

  @Test func stoppingFinishesWhatIsSuspended() throws {
    let desk = Desk()
    let server = try server([HTTPRoute(.get, "/later") { desk.take($0) }])
    let patient = try SocketClient(port: server.port)
    patient.request("GET", "/later")
    let request = try #require(desk.next())
    let stopped = DispatchSemaphore(value: 0)
    DispatchQueue.global().async {
      server.stop(withinMs: 20_000)
      stopped.signal()
    }
    #expect(stopped.wait(timeout: .now() + .milliseconds(20)) == .timedOut)
    request.respond(status: 200, body: Array("done".utf8))
    #expect(try patient.answer().body == "done")
    #expect(stopped.wait(timeout: .now() + .seconds(10)) == .success)
    #expect(throws: SocketClient.Failure.self) { try SocketClient(port: server.port) }
  }

  @Test func stoppingAnswersWhatNobodyAnswers() throws {
    let desk = Desk()
    let server = try server([HTTPRoute(.get, "/later") { desk.take($0) }])
    let clients = try (0..<20).map { _ in try SocketClient(port: server.port) }
    for client in clients { client.request("GET", "/later") }
    let held = clients.compactMap { _ in desk.next() }
    server.stop(withinMs: 10)
    for client in clients {
      let answer = try client.answer()
      #expect(answer.status == 503)
      #expect(answer.headers["connection"]?.lowercased() == "close")
      #expect(client.isClosed())
    }
    for request in held { #expect(!request.respond(status: 200)) }
    server.stop(withinMs: 10)
  }

  @Test func aPortInUseAndANameWithoutAddressAreErrors() throws {
    let server = try server([])
    defer { server.stop(withinMs: 0) }
    let inUse = #expect(throws: HTTPServerError.self) {
      try HTTPServer(host: "127.0.0.1", port: server.port, routes: [])
    }
    #expect(
      inUse?.description == "HTTP server cannot listen: Address already in use: 127.0.0.1:\(server.port)")
    #expect(throws: HTTPServerError.self) { try HTTPServer(host: "", port: 0, routes: []) }
    let six = try? HTTPServer(host: "::1", port: 0, routes: [])
    six?.stop(withinMs: 0)
  }

  @Test func jsonTextIsEscaped() {
    #expect(HTTPResponse.quoted("a\"\\\n\u{1}가😀") == "\"a\\\"\\\\\\n\\u0001가😀\"")
  }
}
