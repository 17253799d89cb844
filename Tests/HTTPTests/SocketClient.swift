import Glibc

/// A blocking loopback connection that speaks just enough HTTP. Every wait ends after 20 s.
final class SocketClient {
  struct Answer: Equatable {
    let status: Int
    let headers: [String: String]
    let body: String
  }

  private let file: Int32
  private var buffered: [UInt8] = []

  init(port: UInt16) throws {
    file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var wait = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Failure.refused }
  }

  deinit { close(file) }

  enum Failure: Error { case refused, closed, silent }

  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  func request(_ method: String, _ path: String, headers: [String] = [], body: [UInt8]? = nil) {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: x\r\n"
    for header in headers { head += header + "\r\n" }
    if let body { head += "Content-Length: \(body.count)\r\n" }
    send(Array((head + "\r\n").utf8) + (body ?? []))
  }

  /// The next answer whole.
  func answer(hasBody: Bool = true) throws -> Answer {
    var end = headEnd()
    while end == nil {
      try receive()
      end = headEnd()
    }
    let head = String(decoding: buffered[..<(end ?? 0)], as: UTF8.self)
    buffered.removeFirst((end ?? 0) + 4)
    let lines = head.split(separator: "\r\n")
    let status = Int(lines.first?.split(separator: " ").dropFirst().first ?? "") ?? 0
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
    }
    let length = hasBody ? Int(headers["content-length"] ?? "0") ?? 0 : 0
    while buffered.count < length { try receive() }
    let body = String(decoding: buffered.prefix(length), as: UTF8.self)
    buffered.removeFirst(length)
    return Answer(status: status, headers: headers, body: body)
  }

  /// Whether the other side has closed, waiting for it.
  func isClosed() -> Bool {
    do { try receive() } catch Failure.closed { return true } catch { return false }
    return false
  }

  /// Whether nothing comes for a moment.
  func staysSilent(milliseconds: Int32) -> Bool {
    var poll = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, milliseconds) == 0
  }

  func closeSending() { shutdown(file, Int32(SHUT_WR)) }

  private func headEnd() -> Int? {
    guard buffered.count >= 4 else { return nil }
    return (0...(buffered.count - 4)).first { buffered[$0..<($0 + 4)].elementsEqual([13, 10, 13, 10]) }
  }

  private func receive() throws {
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    let count = recv(file, &chunk, chunk.count, 0)
    if count == 0 || (count < 0 && errno == ECONNRESET) { throw Failure.closed }
    guard count > 0 else { throw Failure.silent }
    buffered += chunk.prefix(count)
  }
}
