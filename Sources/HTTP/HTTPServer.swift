internal import CMicroHTTPD
internal import Dispatch
internal import Glibc
internal import Synchronization

/// What a server allows.
public struct HTTPLimits: Sendable, Equatable {
  /// More wait in the kernel's queue until one closes.
  public var connectionsMax: Int
  /// Request line and headers together; more is answered 431 (414 for the request line).
  public var headerBytesMax: Int
  /// A connection silent for so long while it is its turn is closed. Whole seconds, at least 1.
  public var idleSeconds: Int
  /// How much of a too large body is read and thrown away so that its sender can see the 413. Beyond
  /// it the connection is cut.
  public var drainBytesMax: Int

  public init(
    connectionsMax: Int = 1_024, headerBytesMax: Int = 32 * 1024, idleSeconds: Int = 30,
    drainBytesMax: Int = 16 * 1024 * 1024
  ) {
    self.connectionsMax = connectionsMax
    self.headerBytesMax = headerBytesMax
    self.idleSeconds = idleSeconds
    self.drainBytesMax = drainBytesMax
  }
}

/// Why a server does not start.
public struct HTTPServerError: Error, Sendable, Equatable, CustomStringConvertible {
  public let host: String
  public let port: UInt16
  public let reason: String
  public var description: String { "HTTP server cannot listen: \(reason): \(host):\(port)" }
}

/// A listening server. It runs until `stop`.
public final class HTTPServer: Sendable {
  /// The port that is bound, also when any was asked for.
  public let port: UInt16
  private let core: HTTPServerCore
  private let daemon: Mutex<DaemonHandle?>

  /// libmicrohttpd's daemon may be used from any thread.
  private struct DaemonHandle: @unchecked Sendable { let pointer: OpaquePointer }

  /// - Parameters:
  ///   - host: a name or numeric address of this machine, as `127.0.0.1`, `0.0.0.0`, `::`.
  ///   - port: 0 for any that is free.
  public init(host: String, port: UInt16, limits: HTTPLimits = HTTPLimits(), routes: [HTTPRoute])
    throws(HTTPServerError)
  {
    let core = HTTPServerCore(router: HTTPRouter(routes), limits: limits)
    let context = Unmanaged.passUnretained(core).toOpaque()
    var reason = ""
    let pointer = HTTPServer.withAddress(host: host, port: port) { address in
      let daemon = passflow_mhd_start(
        address, UInt32(clamping: max(limits.connectionsMax, 1)),
        UInt32(clamping: max(limits.idleSeconds, 1)),
        max(limits.headerBytesMax, 1_024), HTTPServerCore.handle, HTTPServerCore.completed, context)
      if daemon == nil { reason = String(cString: strerror(errno)) }
      return daemon
    }
    guard let pointer, let daemon = pointer else {
      throw HTTPServerError(host: host, port: port, reason: reason.isEmpty ? "no such address" : reason)
    }
    self.core = core
    self.port = passflow_mhd_port(daemon)
    self.daemon = Mutex(DaemonHandle(pointer: daemon))
  }

  deinit { stop(withinMs: 0) }

  /// Stops accepting, waits until every request begun has its answer sent, answers 503 to those that
  /// have none when the time is up, and closes. Not to be called from a handler.
  public func stop(withinMs: Int) {
    guard let handle = daemon.withLock({ $0.take() }) else { return }
    let listening = MHD_quiesce_daemon(handle.pointer)
    core.drain(withinMs: withinMs)
    MHD_stop_daemon(handle.pointer)
    if listening >= 0 { close(listening) }
  }

  private static func withAddress<Result>(
    host: String, port: UInt16, _ body: (UnsafePointer<sockaddr>) -> Result
  ) -> Result? {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &found) == 0 else { return nil }
    defer { if let found { freeaddrinfo(found) } }
    guard let address = found?.pointee.ai_addr else { return nil }
    return body(address)
  }
}
