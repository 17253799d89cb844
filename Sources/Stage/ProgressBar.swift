/// What a long piece of work shows of itself: a bar that is drawn over on a terminal, a line now and
/// then elsewhere. A value: it is told the time and gives the text to write.
public struct ProgressBar: Sendable {
  static let terminalIntervalMs: Int64 = 200
  static let lineIntervalMs: Int64 = 5_000
  private static let width = 24

  private let title: String
  private let total: Int?
  private let isTerminal: Bool
  private let startMs: Int64
  private var shownMs: Int64?
  private var drawnWidth = 0

  /// - Parameter total: nil when nobody knows.
  public init(title: String, total: Int?, isTerminal: Bool, nowMs: Int64) {
    self.title = title
    self.total = total
    self.isTerminal = isTerminal
    startMs = nowMs
  }

  /// The text to write now, or nil when it is too early to show anything new.
  public mutating func update(done: Int, nowMs: Int64) -> String? {
    let interval = isTerminal ? Self.terminalIntervalMs : Self.lineIntervalMs
    if nowMs &- (shownMs ?? (isTerminal ? nowMs &- interval : startMs)) < interval { return nil }
    shownMs = nowMs
    return drawn(text(done: done, nowMs: nowMs, isLast: false), ending: isTerminal ? "" : "\n")
  }

  /// The last line, with its newline.
  public mutating func finish(done: Int, nowMs: Int64) -> String {
    drawn(text(done: done, nowMs: nowMs, isLast: true), ending: "\n")
  }

  private mutating func drawn(_ line: String, ending: String) -> String {
    guard isTerminal else { return line + ending }
    let padding = String(repeating: " ", count: max(0, drawnWidth - line.count))
    drawnWidth = line.count
    return "\r" + line + padding + ending
  }

  private func text(done: Int, nowMs: Int64, isLast: Bool) -> String {
    let elapsedMs = max(nowMs &- startMs, 0)
    let rate = elapsedMs > 0 ? Double(done) * 1_000 / Double(elapsedMs) : 0
    var text = title
    if isTerminal, let total, total > 0 {
      let filled = Int(Double(Self.width) * Self.share(done, total))
      text += " ["
      text += String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled) + "]"
    }
    text += " " + Self.grouped(done)
    if let total, total > 0 { text += "/\(Self.grouped(total)) \(Int(Self.share(done, total) * 100))%" }
    text += "  \(Self.grouped(Self.whole(rate)))/s"
    if isLast { return text + "  in \(Self.clock(elapsedMs / 1_000))" }
    if let total, rate > 0, done < total {
      text += "  \(Self.clock(Int64(Self.whole(Double(total - done) / rate)))) left"
    }
    return text
  }

  private static func share(_ done: Int, _ total: Int) -> Double {
    min(max(Double(done) / Double(total), 0), 1)
  }

  private static func whole(_ number: Double) -> Int { Int(exactly: number.rounded()) ?? Int.max }

  private static func clock(_ seconds: Int64) -> String {
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let (minutes, hours) = (seconds / 60 % 60, seconds / 3_600)
    return (hours > 0 ? "\(hours):\(two(minutes))" : "\(minutes)") + ":" + two(seconds % 60)
  }

  private static func grouped(_ number: Int) -> String {
    var text = ""
    for (index, digit) in String(number.magnitude).reversed().enumerated() {
      if index > 0, index % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return (number < 0 ? "-" : "") + String(text.reversed())
  }
}
