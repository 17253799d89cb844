import Orders

/// What a backtest found, for people.
public struct BacktestReport {
  private let orders: [OrderIdentity: Backtest.Order]
  private let recordCount: Int
  private let excluded: [String: Int]
  /// Order ids shown for each change.
  public static let samplesMax = 5
  /// Days shown.
  public static let daysMax = 62

  public init(_ backtest: Backtest) {
    orders = backtest.orders
    recordCount = backtest.recordCount
    excluded = backtest.excluded
  }

  private struct Change {
    var added = 0
    var withdrawn = 0
    var unchanged = 0
    var samples: [String] = []
  }

  /// Orders whose labels or effects differ.
  public var changedCount: Int { orders.values.count { $0.live != $0.candidate } }

  public var text: String {
    var text = "\(orders.count) orders of \(recordCount) records: decisions of \(changedCount) changed, "
    text += "\(orders.count - changedCount) unchanged\n"
    for (reason, count) in excluded.sorted(by: { $0.key < $1.key }) {
      text += "excluded: \(count), \(reason)\n"
    }
    return text + changes + rules + days + ruleDays
  }

  private var changes: String {
    var found: [String: Change] = [:]
    for (identity, order) in orders.sorted(by: { $0.key < $1.key }) {
      for wish in order.live.union(order.candidate) {
        var change = found[wish] ?? Change()
        switch (order.live.contains(wish), order.candidate.contains(wish)) {
        case (false, true): change.added += 1
        case (true, false): change.withdrawn += 1
        default: change.unchanged += 1
        }
        if order.live.contains(wish) != order.candidate.contains(wish),
          change.samples.count < Self.samplesMax
        {
          change.samples.append((order.candidate.contains(wish) ? "+" : "-") + identity.orderId)
        }
        found[wish] = change
      }
    }
    var rows = [["label or effect", "added", "withdrawn", "unchanged", "samples"]]
    for (wish, change) in found.sorted(by: { bytesPrecede($0.key, $1.key) }) {
      rows.append([
        wish, "\(change.added)", "\(change.withdrawn)", "\(change.unchanged)",
        change.samples.joined(separator: " "),
      ])
    }
    return "\n" + RuleHistory.table(rows)
  }

  /// Hits of each rule, and the live rule that shares most of them.
  private var rules: String {
    var hits: [String: Int] = [:]
    var unknown: [String: Int] = [:]
    var shared: [String: [String: Int]] = [:]
    for order in orders.values {
      for id in order.candidateRules {
        hits[id, default: 0] += 1
        for other in order.liveRules { shared[id, default: [:]][other, default: 0] += 1 }
      }
      for id in order.unknownRules { unknown[id, default: 0] += 1 }
    }
    var rows = [["rule", "hits", "rate", "unknown", "overlap with live rules"]]
    for id in Set(hits.keys).union(unknown.keys).sorted(by: bytesPrecede) {
      let count = hits[id] ?? 0
      let overlap = (shared[id] ?? [:]).sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3)
      rows.append([
        id, "\(count)", BacktestReport.percent(count, of: orders.count), "\(unknown[id] ?? 0)",
        overlap.map { "\($0.key) \(BacktestReport.percent($0.value, of: count))" }.joined(separator: ", "),
      ])
    }
    return "\n" + RuleHistory.table(rows)
  }

  private var days: String {
    var found: [CivilDate: (orders: Int, live: Int, candidate: Int)] = [:]
    for order in orders.values {
      var day = found[order.day] ?? (0, 0, 0)
      day.orders += 1
      if !order.live.isEmpty { day.live += 1 }
      if !order.candidate.isEmpty { day.candidate += 1 }
      found[order.day] = day
    }
    var rows = [["day", "orders", "hit now", "hit then"]]
    for (date, day) in found.sorted(by: { $0.key < $1.key }).suffix(Self.daysMax) {
      rows.append([
        BacktestReport.shown(date), "\(day.orders)",
        BacktestReport.percent(day.live, of: day.orders),
        BacktestReport.percent(day.candidate, of: day.orders),
      ])
    }
    return "\n" + RuleHistory.table(rows)
  }

  /// Rules whose hits by day are shown.
  public static let ruleDaysMax = 6

  /// Hit rates by day of the rules that hit other orders than before, those with most such orders first.
  private var ruleDays: String {
    var changed: [String: Int] = [:]
    var hits: [CivilDate: (orders: Int, live: [String: Int], candidate: [String: Int])] = [:]
    for order in orders.values {
      for id in Set(order.liveRules).symmetricDifference(order.candidateRules) {
        changed[id, default: 0] += 1
      }
      var day = hits[order.day] ?? (0, [:], [:])
      day.orders += 1
      for id in order.liveRules { day.live[id, default: 0] += 1 }
      for id in order.candidateRules { day.candidate[id, default: 0] += 1 }
      hits[order.day] = day
    }
    let shown = changed.sorted { left, right in
      left.value == right.value ? bytesPrecede(left.key, right.key) : left.value > right.value
    }.prefix(Self.ruleDaysMax).map(\.key)
    guard !shown.isEmpty else { return "" }
    var rows = [["day"] + shown.map { "\($0) now, then" }]
    for (date, day) in hits.sorted(by: { $0.key < $1.key }).suffix(Self.daysMax) {
      rows.append(
        [BacktestReport.shown(date)]
          + shown.map { id in
            BacktestReport.percent(day.live[id] ?? 0, of: day.orders) + ", "
              + BacktestReport.percent(day.candidate[id] ?? 0, of: day.orders)
          })
    }
    return "\n" + RuleHistory.table(rows)
  }

  /// As in 2026-10-01.
  static func shown(_ date: CivilDate) -> String {
    let parts = date.components
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(parts.year)-\(two(parts.month))-\(two(parts.day))"
  }

  static func percent(_ part: Int, of whole: Int) -> String {
    guard whole > 0 else { return "–" }
    let tenths = part * 1000 / whole
    return "\(tenths / 10).\(tenths % 10) %"
  }
}
