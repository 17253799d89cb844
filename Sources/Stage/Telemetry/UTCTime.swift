internal import HTTP

/// RFC 3339 in UTC.
enum UTCTime {
  /// As `2026-01-02T03:04:05.678Z`, from milliseconds since 1970.
  static func text(milliseconds: Int64) -> String {
    let days = floorDivide(milliseconds, 86_400_000)
    let inDay = milliseconds &- days &* 86_400_000
    let (year, month, day) = civil(days: days)
    let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    let seconds = inDay / 1_000
    let clock = [seconds / 3_600, seconds / 60 % 60, seconds % 60].map { padded($0, 2) }
    return "\(date)T\(clock.joined(separator: ":")).\(padded(inDay % 1_000, 3))Z"
  }

  private static func padded(_ number: Int64, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }

  private static func floorDivide(_ number: Int64, _ divisor: Int64) -> Int64 {
    number >= 0 ? number / divisor : -((-(number &+ 1)) / divisor) - 1
  }

  /// The Gregorian date of a day counted from 1970-01-01, in years that begin in March so that the
  /// leap day comes last.
  private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days &+ 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted &- era &* 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    return (yearOfEra + era &* 400 + (month <= 2 ? 1 : 0), month, day)
  }
}

/// Text for JSON.
enum JSONText {
  static func quoted(_ text: String) -> String { HTTPResponse.quoted(text) }

  /// The first bytes of a text, whole characters only.
  static func cut(_ text: String, _ bytesMax: Int) -> String {
    guard text.utf8.count > bytesMax else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: bytesMax)
    while end > text.startIndex, end.samePosition(in: text) == nil { end = text.utf8.index(before: end) }
    return String(text[..<end])
  }
}
