import Orders

/// Times on a command line.
public enum BacktestTime {
  /// Milliseconds since 1970 of `2026-10-01` (midnight in Seoul) or of an RFC 3339 time; nil: neither.
  public static func milliseconds(_ text: String) -> Int64? {
    let full = text.utf8.count == 10 ? text + "T00:00:00+09:00" : text
    return Instant(rfc3339: full).map { $0.microseconds / 1_000 }
  }
}
