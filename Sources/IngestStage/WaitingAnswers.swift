import HTTP
import Stage
import Synchronization

/// Requests that wait for the broker, in the order of what they wait for.
///
/// Added on the server's thread, released on the producer's, given up on the lane's; answers are made before
/// they wait, so releasing one is only handing it over.
final class WaitingAnswers: Sendable {
  struct Entry: Sendable {
    let request: HTTPRequest
    let response: HTTPResponse
    let route: IngestRoute
    let startUs: Int64
    var sequence: UInt64 = 0
    var deadlineMs: Int64 = 0
  }

  private struct Queue {
    var entries: [Entry?] = []
    var head = 0
    /// Nothing that comes later waits for less.
    var last: UInt64 = 0

    var first: Entry? { head < entries.count ? entries[head] : nil }

    mutating func removeFirst() {
      entries[head] = nil
      head &+= 1
      guard head == entries.count || head > 4_096 else { return }
      entries.removeFirst(head)
      head = 0
    }
  }

  private let queue = Mutex(Queue())
  private let metrics: IngestMetrics

  init(metrics: IngestMetrics) { self.metrics = metrics }

  var count: Int { queue.withLock { $0.entries.count &- $0.head } }

  /// Waits until everything up to `sequence` is acknowledged, or until the time is up.
  func add(_ entry: Entry, sequence: UInt64, deadlineMs: Int64) {
    queue.withLock { queue in
      var entry = entry
      queue.last = max(queue.last, sequence)
      entry.sequence = queue.last
      entry.deadlineMs = deadlineMs
      queue.entries.append(entry)
    }
  }

  /// Answers everybody who waited for this sequence number or less.
  func release(through sequence: UInt64) {
    let released = take { $0.sequence <= sequence }
    guard !released.isEmpty else { return }
    let nowUs = monotonicUs()
    for entry in released {
      metrics.acknowledged(entry.route, entry.response.status, microseconds: nowUs &- entry.startUs)
      entry.request.respond(entry.response)
    }
  }

  /// Answers those whose time is up: nobody learns of a record that may still arrive that it has.
  func expire(nowMs: Int64) -> Int {
    giveUp(take { $0.deadlineMs <= nowMs }, IngestAnswers.notAcknowledged)
  }

  func giveUpAll() { _ = giveUp(take { _ in true }, IngestAnswers.notAcknowledged) }

  private func giveUp(_ late: [Entry], _ response: HTTPResponse) -> Int {
    for entry in late {
      metrics.answered(entry.route, response.status)
      entry.request.respond(response)
    }
    return late.count
  }

  private func take(while isWanted: (Entry) -> Bool) -> [Entry] {
    queue.withLock { queue in
      var taken: [Entry] = []
      while let entry = queue.first, isWanted(entry) {
        taken.append(entry)
        queue.removeFirst()
      }
      return taken
    }
  }
}
