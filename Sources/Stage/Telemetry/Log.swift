internal import Glibc
internal import Synchronization

/// One fact of a log line. Its name is a literal; its value is a number, a literal, or the name of
/// something that is ours (a topic, a file, an error of a library). Nothing out of an order, a request
/// or a customer may be logged: order ids go as `.order`.
public enum LogField: Sendable {
  case integer(StaticString, Int)
  case real(StaticString, Double)
  case flag(StaticString, Bool)
  case word(StaticString, StaticString)
  /// Cut after `Log.textBytesMax` bytes.
  case name(StaticString, String)
  /// An order's id, the only outside text that may appear.
  case order(String)
}

/// Writes JSON lines: `ts`, `level`, `stage`, `event`, then the fields. Any thread.
///
/// ERROR means that data is lost or an operator is needed; normal operation logs nothing per record.
/// An event that repeats is written `repeatedMax` times in `windowMs`, after that only counted; its
/// next line says `suppressed`.
public final class Log: Sendable {
  public enum Level: Int, Sendable, CaseIterable, Comparable {
    case debug, info, warning, error

    public var name: String {
      switch self {
      case .debug: "debug"
      case .info: "info"
      case .warning: "warning"
      case .error: "error"
      }
    }

    public init?(name: String) {
      guard let level = Level.allCases.first(where: { $0.name == name }) else { return nil }
      self = level
    }

    public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
  }

  public static let repeatedMax = 10
  public static let windowMs: Int64 = 60_000
  static let textBytesMax = 512

  private struct Window {
    var startMs: Int64
    var written = 0
    var suppressed = 0
  }

  private let stage: String
  private let level: Level
  private let now: @Sendable () -> Int64
  private let sink: @Sendable (String) -> Void
  /// By event; bounded, because events are literals of the program.
  private let windows = Mutex<[String: Window]>([:])

  /// - Parameters:
  ///   - now: milliseconds since 1970.
  ///   - sink: takes one line with its newline.
  public init(
    stage: String, level: Level, now: @escaping @Sendable () -> Int64 = Log.wallClockMs,
    sink: @escaping @Sendable (String) -> Void = { StandardStream.error.write($0) }
  ) {
    self.stage = stage
    self.level = level
    self.now = now
    self.sink = sink
  }

  public func debug(_ event: StaticString, _ fields: LogField...) { write(.debug, event, fields) }
  public func info(_ event: StaticString, _ fields: LogField...) { write(.info, event, fields) }
  public func warning(_ event: StaticString, _ fields: LogField...) { write(.warning, event, fields) }
  public func error(_ event: StaticString, _ fields: LogField...) { write(.error, event, fields) }

  public func write(_ level: Level, _ event: StaticString, _ fields: [LogField]) {
    guard level >= self.level else { return }
    let time = now()
    let name = event.description
    guard let suppressed = admit(name, at: time) else { return }
    var line = "{\"ts\":\"\(UTCTime.text(milliseconds: time))\",\"level\":\"\(level.name)\""
    line += ",\"stage\":\(JSONText.quoted(stage)),\"event\":\(JSONText.quoted(name))"
    for field in fields { line += Self.text(field) }
    if suppressed > 0 { line += ",\"suppressed\":\(suppressed)" }
    sink(line + "}\n")
  }

  /// Nil: not now. Otherwise how many of these were kept back.
  private func admit(_ event: String, at time: Int64) -> Int? {
    windows.withLock { windows in
      var window = windows[event] ?? Window(startMs: time)
      defer { windows[event] = window }
      if time &- window.startMs >= Self.windowMs || time < window.startMs {
        window = Window(startMs: time, written: 0, suppressed: window.suppressed)
      }
      guard window.written < Self.repeatedMax else {
        window.suppressed &+= 1
        return nil
      }
      window.written += 1
      defer { window.suppressed = 0 }
      return window.suppressed
    }
  }

  private static func text(_ field: LogField) -> String {
    switch field {
    case .integer(let name, let value): ",\"\(name)\":\(value)"
    case .real(let name, let value): ",\"\(name)\":\(value.isFinite ? "\(value)" : "null")"
    case .flag(let name, let value): ",\"\(name)\":\(value)"
    case .word(let name, let value): ",\"\(name)\":\(JSONText.quoted(value.description))"
    case .name(let name, let value): ",\"\(name)\":\(JSONText.quoted(JSONText.cut(value, textBytesMax)))"
    case .order(let id): ",\"order_id\":\(JSONText.quoted(JSONText.cut(id, textBytesMax)))"
    }
  }

  /// Milliseconds since 1970.
  public static let wallClockMs: @Sendable () -> Int64 = {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) &* 1_000 &+ Int64(time.tv_nsec) / 1_000_000
  }
}
