import HTTP
import Kafka
import Stage
import Synchronization

/// Where requests come in: open between the first sight of the topics and the order to stop.
final class IngestDoor: Sendable {
  private enum State {
    case starting
    case open(IngestDesk)
    case closed
  }

  private let state = Mutex(State.starting)
  let waiting: WaitingAnswers
  private let metrics: IngestMetrics
  private let log: Log
  private let acknowledgementTimeoutMs: Int
  private let bodyBytesMax: Int

  init(metrics: IngestMetrics, log: Log, acknowledgementTimeoutMs: Int, bodyBytesMax: Int) {
    self.metrics = metrics
    self.log = log
    self.acknowledgementTimeoutMs = acknowledgementTimeoutMs
    self.bodyBytesMax = bodyBytesMax
    waiting = WaitingAnswers(metrics: metrics)
  }

  func open(_ desk: IngestDesk) {
    state.withLock { if case .starting = $0 { $0 = .open(desk) } }
  }

  /// After it nothing new waits.
  func close() { state.withLock { $0 = .closed } }

  func show() {
    let counts = state.withLock { state -> (Int, Int) in
      guard case .open(let desk) = state else { return (0, 0) }
      let waiting = desk.producer.lastSequence &- desk.producer.acknowledgedThrough
      return (Int(clamping: waiting), desk.producer.bufferedBytes)
    }
    metrics.show(unacknowledged: counts.0, bytes: counts.1, waiting: waiting.count)
  }

  var routes: [HTTPRoute] {
    [
      HTTPRoute(.post, "/v1/orders", bodyBytesMax: bodyBytesMax) { [self] request in
        handle(request, .orders) { try $0.takeOrders(request) }
      },
      HTTPRoute(.post, "/v1/orders/{mall}/{shop}/{order}/context", bodyBytesMax: 4_096) { [self] request in
        handle(request, .context) { try $0.takeContext(request) }
      },
      HTTPRoute(.post, "/v1/customers/{mall}/{shop}/profile", bodyBytesMax: bodyBytesMax) { [self] request in
        handle(request, .profile) { try $0.takeProfiles(request) }
      },
      HTTPRoute(.post, "/v1/customers/{mall}/merge", bodyBytesMax: bodyBytesMax) { [self] request in
        handle(request, .merge) { try $0.takeMerges(request) }
      },
      HTTPRoute(.post, "/v1/webhooks/cafe24", bodyBytesMax: IngestDesk.webhookBytesMax) { [self] request in
        handle(request, .webhook) { try $0.takeWebhook(request) }
      },
    ]
  }

  /// On the server's thread. Whatever is to wait is in the queue before the lock is given back, so that who
  /// closes the door afterwards finds it there.
  private func handle(
    _ request: HTTPRequest, _ route: IngestRoute, _ take: (IngestDesk) throws -> IngestDesk.Outcome
  ) {
    let startUs = monotonicUs()
    let answer = state.withLock { state -> HTTPResponse? in
      switch state {
      case .starting: return IngestAnswers.starting
      case .closed: return IngestAnswers.stopping
      case .open(let desk): return work(desk, request, route, startUs, take)
      }
    }
    guard let answer else { return }
    metrics.answered(route, answer.status)
    request.respond(answer)
  }

  private func work(
    _ desk: IngestDesk, _ request: HTTPRequest, _ route: IngestRoute, _ startUs: Int64,
    _ take: (IngestDesk) throws -> IngestDesk.Outcome
  ) -> HTTPResponse? {
    if let refusal = desk.refusal() {
      log.warning("request.refused", .flag("broker_failed", desk.producer.failure != nil))
      return refusal
    }
    do {
      switch try take(desk) {
      case .answer(let response): return response
      case .wait(let sequence, let response):
        let entry = WaitingAnswers.Entry(
          request: request, response: response, route: route, startUs: startUs)
        let deadlineMs = startUs / 1_000 &+ Int64(acknowledgementTimeoutMs)
        waiting.add(entry, sequence: sequence, deadlineMs: deadlineMs)
        desk.producer.flushPending()
        // A full batch leaves without being asked: its acknowledgement may have come before the entry.
        waiting.release(through: desk.producer.acknowledgedThrough)
        return nil
      }
    } catch {
      desk.producer.flushPending()
      log.error("record.not_sent", .name("problem", "\(error)"))
      return IngestAnswers.broken
    }
  }
}
