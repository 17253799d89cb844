import Kafka
import RuleVersions
import Stage
import Topics

/// Whether new rules still wait for enrich. Belongs to one thread.
///
/// Where every partition of `orders` has announced an end, whatever was enriched before lies in `orders.enriched`
/// already: a switch record written now comes after it.
final class DemandWait {
  private let announcements: DemandAnnouncements
  private let longestMs: Int64
  private let report: (RuleReport) -> Void
  /// What the newest rules ask for beyond what all partitions have announced.
  var missing: [String] = []
  private var sinceMs: Int64?
  private var nextReportMs: Int64 = 0

  /// A short wait is not worth a word.
  static let firstReportMs: Int64 = 2_000
  static let reportIntervalMs: Int64 = 10_000

  /// Nil when nobody can say anything, or nothing is waited for.
  init?(
    _ broker: BrokerAccess, _ topics: TopicNames, longestMs: Int, _ report: @escaping (RuleReport) -> Void
  )
    throws
  {
    guard longestMs > 0 else { return nil }
    guard let found = try DemandAnnouncements.open(broker, topic: topics.ruleDemands) else {
      report(.noTopic(topics.ruleDemands))
      return nil
    }
    try found.catchUp()
    announcements = found
    self.longestMs = Int64(longestMs)
    self.report = report
  }

  /// What enrich computes facts for, as far as is known.
  var reached: [RuleSwitchValue] { announcements.fold.reached }

  /// Takes what has been announced.
  func look() throws { try announcements.poll() }

  /// Whether the rules below an end may be switched to.
  func isOver(_ rulesEnd: Int64, nowMs: Int64) throws -> Bool {
    if missing.isEmpty { return end(rulesEnd, nowMs, isReached: true) }
    try look()
    if announcements.fold.hasReached(rulesEnd) { return end(rulesEnd, nowMs, isReached: true) }
    guard let since = sinceMs else {
      sinceMs = nowMs
      nextReportMs = nowMs + Self.firstReportMs
      return false
    }
    if nowMs - since >= longestMs { return end(rulesEnd, nowMs, isReached: false) }
    if nowMs >= nextReportMs {
      nextReportMs = nowMs + Self.reportIntervalMs
      report(
        .waiting(
          rulesEnd: rulesEnd, facts: missing, partitions: announcements.fold.behind(rulesEnd),
          waitedMs: Int(nowMs - since)))
    }
    return false
  }

  private func end(_ rulesEnd: Int64, _ nowMs: Int64, isReached: Bool) -> Bool {
    if let sinceMs {
      report(.waited(rulesEnd: rulesEnd, waitedMs: Int(nowMs - sinceMs), isReached: isReached))
    }
    sinceMs = nil
    return true
  }

  func close() { announcements.close() }
}
