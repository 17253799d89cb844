import Glibc

/// A blocking loopback connection that speaks just enough HTTP. Every wait ends after 20 s.
final class SocketClient {
  struct Answer: Equatable {
    let status: Int
    let headers: [String: String]
    let body: String
  }

  enum Failure: Error { case refused, closed, silent }

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

  func post(_ path: String, headers: [String] = [], _ body: [UInt8]) {
    var head = "POST \(path) HTTP/1.1\r\nHost: x\r\n"
    for header in headers { head += header + "\r\n" }
    head += "Content-Length: \(body.count)\r\n\r\n"
    let bytes = Array(head.utf8) + body
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }

  /// The next answer whole.
  func answer() throws -> Answer {
    while headEnd() == nil { try receive() }
    let end = headEnd() ?? 0
    let lines = String(decoding: buffered[..<end], as: UTF8.self).split(separator: "\r\n")
    buffered.removeFirst(end + 4)
    let status = Int(lines.first?.split(separator: " ").dropFirst().first ?? "") ?? 0
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
    }
    let length = Int(headers["content-length"] ?? "0") ?? 0
    while buffered.count < length { try receive() }
    let body = String(decoding: buffered.prefix(length), as: UTF8.self)
    buffered.removeFirst(length)
    return Answer(status: status, headers: headers, body: body)
  }

  /// Whether nothing comes for a moment.
  func staysSilent(milliseconds: Int32) -> Bool {
    var poll = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, milliseconds) == 0
  }

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
