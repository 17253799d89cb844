internal import CMicroHTTPD
internal import Synchronization

/// One request of one connection, from its headers to the end of its answer.
///
/// Everything but `phase` belongs to the server's thread. `connection` may be touched by other threads
/// only under the lock and only while suspended, when libmicrohttpd leaves it alone.
final class HTTPExchange: @unchecked Sendable {
  enum Phase {
    /// The body is arriving, or the handler is at work on the server's thread.
    case open
    /// Waiting for an answer with the connection taken out of the server's loop.
    case suspended
    case answered(HTTPResponse)
    /// Handed to libmicrohttpd, or the client went away: no answer can be taken any more.
    case closed
  }

  private let phase = Mutex(Phase.open)
  private let connection: OpaquePointer
  /// On the server's thread only.
  var body: [UInt8] = []
  var bodyBytes = 0
  var match: HTTPRouter.Match
  var dispatched = false

  init(_ connection: OpaquePointer, _ match: HTTPRouter.Match) {
    self.connection = connection
    self.match = match
  }

  /// Any thread. Wakes the connection when it sleeps.
  @discardableResult
  func answer(_ response: HTTPResponse) -> Bool {
    phase.withLock { phase in
      switch phase {
      case .open:
        phase = .answered(response)
        return true
      case .suspended:
        phase = .answered(response)
        MHD_resume_connection(connection)
        return true
      case .answered, .closed:
        return false
      }
    }
  }

  /// Server's thread: the answer, or nil after suspending the connection until there is one.
  func takeAnswerOrSuspend() -> HTTPResponse? {
    phase.withLock { phase in
      switch phase {
      case .answered(let response):
        phase = .closed
        return response
      case .open:
        phase = .suspended
        MHD_suspend_connection(connection)
        return nil
      case .suspended, .closed:
        return nil
      }
    }
  }

  /// Server's thread: libmicrohttpd is done with the request, well or badly.
  func close() { phase.withLock { $0 = .closed } }
}
