internal import Dispatch
internal import Glibc
internal import Synchronization

/// Wakes the mock cluster's thread while a call waits for it.
///
/// librdkafka 2.0.2's mock thread looks at its own commands only when its poll of the sockets ends, up to a second
/// later. A connection to its port ends the poll at once.
enum MockWaker {
  private final class State: Sendable {
    let isDone = Atomic<Bool>(false)
  }

  /// Runs the body while the address (`127.0.0.1:port`, the first of a list) is knocked at every few milliseconds.
  static func during<Result, Failure: Error>(_ bootstrap: String, _ body: () throws(Failure) -> Result)
    throws(Failure) -> Result
  {
    let port = bootstrap.split(separator: ",").first?.split(separator: ":").last.flatMap { UInt16($0) }
    guard let port else { return try body() }
    let state = State()
    DispatchQueue.global().async {
      var rest = 400
      while !state.isDone.load(ordering: .acquiring), rest > 0 {
        knock(port)
        usleep(5_000)
        rest -= 1
      }
    }
    defer { state.isDone.store(true, ordering: .releasing) }
    return try body()
  }

  private static func knock(_ port: UInt16) {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard socket >= 0 else { return }
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
