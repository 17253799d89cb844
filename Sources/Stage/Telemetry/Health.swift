public import HTTP
internal import Synchronization

/// Where a process is between its start and its end.
public enum HealthState: String, Sendable, CaseIterable {
  case starting, restoring, ready, draining, stopped

  /// Restoring and ready alternate with every rebalance; who drains never comes back.
  func mayBecome(_ next: HealthState) -> Bool {
    switch (self, next) {
    case (.starting, .restoring), (.starting, .ready), (.restoring, .ready), (.ready, .restoring): true
    case (.starting, .draining), (.restoring, .draining), (.ready, .draining): true
    case (.stopped, _): false
    case (_, .stopped): true
    default: self == next
    }
  }
}

/// What `/healthz` and `/readyz` answer. Any thread.
public final class Health: Sendable {
  private struct State {
    var state = HealthState.starting
    var failure: StaticString?
  }

  private let stage: String
  private let state = Mutex(State())

  public init(stage: String) { self.stage = stage }

  public var current: HealthState { state.withLock { $0.state } }
  /// Ready, and nothing failed.
  public var isReady: Bool { state.withLock { $0.state == .ready && $0.failure == nil } }

  /// - Returns: false where that step is not possible; then nothing changes.
  @discardableResult
  public func become(_ next: HealthState) -> Bool {
    state.withLock { state in
      guard state.state.mayBecome(next) else { return false }
      state.state = next
      return true
    }
  }

  /// The process is alive but will not work again: both answers are 503 from now on, with this reason.
  public func fail(_ reason: StaticString) {
    state.withLock { $0.failure = $0.failure ?? reason }
  }

  /// 200 while alive.
  public func liveness() -> HTTPResponse { answer { $0.state != .stopped } }

  /// 200 only when ready.
  public func readiness() -> HTTPResponse { answer { $0.state == .ready } }

  private func answer(_ isGood: (State) -> Bool) -> HTTPResponse {
    let state = state.withLock { $0 }
    var text = "{\"stage\":\(JSONText.quoted(stage)),\"state\":\"\(state.state.rawValue)\""
    if let failure = state.failure { text += ",\"reason\":\(JSONText.quoted(failure.description))" }
    return .json(isGood(state) && state.failure == nil ? 200 : 503, text + "}")
  }

  /// `/healthz`, `/readyz` and `/metrics`, for the server of a stage.
  public func routes(_ metrics: Metrics) -> [HTTPRoute] {
    [
      HTTPRoute(.get, "/healthz") { [self] request in request.respond(liveness()) },
      HTTPRoute(.get, "/readyz") { [self] request in request.respond(readiness()) },
      HTTPRoute(.get, "/metrics") { request in
        request.respond(
          status: 200, headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
          body: Array(metrics.exposition().utf8))
      },
    ]
  }
}
