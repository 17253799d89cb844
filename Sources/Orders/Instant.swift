/// A point in time: microseconds since 1970-01-01T00:00:00Z. Digits of RFC 3339 beyond microseconds are cut.
public struct Instant: Hashable, Sendable, Comparable {
  public var microseconds: Int64

  @inlinable public init(microseconds: Int64) { self.microseconds = microseconds }
  @inlinable public init(milliseconds: Int64) { self.microseconds = milliseconds * 1000 }

  @inlinable public static func < (left: Instant, right: Instant) -> Bool {
    left.microseconds < right.microseconds
  }

  public static let distantPast = Instant(microseconds: .min)
  public static let distantFuture = Instant(microseconds: .max)
}

/// A day of the proleptic Gregorian calendar, as days since 1970-01-01.
public struct CivilDate: Hashable, Sendable, Comparable {
  public var daysSinceEpoch: Int32

  @inlinable public init(daysSinceEpoch: Int32) { self.daysSinceEpoch = daysSinceEpoch }

  /// Nil when the month is not 1–12 or the day is not one of that month.
  public init?(year: Int, month: Int, day: Int) {
    guard (1...12).contains(month), day >= 1, day <= CivilDate.days(inMonth: month, year: year),
      (-9999...9999).contains(year)
    else { return nil }
    // Days-from-civil: eras of 400 years, the year beginning in March.
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    daysSinceEpoch = Int32(era * 146_097 + dayOfEra - 719_468)
  }

  /// Year, month 1–12, day 1–31.
  public var components: (year: Int, month: Int, day: Int) {
    let days = Int(daysSinceEpoch) + 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  /// 0 = Sunday … 6 = Saturday (CEL's `getDayOfWeek`).
  public var dayOfWeek: Int { ((Int(daysSinceEpoch) + 4) % 7 + 7) % 7 }

  public static func days(inMonth month: Int, year: Int) -> Int {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    default: 31
    }
  }

  /// The same day of an earlier month, clamped to that month's last day: Nov 30 − 9 months = Feb 28 or 29 (D9).
  public func subtracting(months: Int) -> CivilDate {
    let (year, month, day) = components
    let total = year * 12 + (month - 1) - months
    let newYear = total >= 0 ? total / 12 : (total - 11) / 12
    let newMonth = total - newYear * 12 + 1
    let clamped = min(day, CivilDate.days(inMonth: newMonth, year: newYear))
    return CivilDate(year: newYear, month: newMonth, day: clamped) ?? self
  }

  @inlinable public static func < (left: CivilDate, right: CivilDate) -> Bool {
    left.daysSinceEpoch < right.daysSinceEpoch
  }
}

/// A shop's civil time: a fixed offset from UTC. Asia/Seoul has had +09:00 without daylight saving since 1988.
public struct ShopZone: Hashable, Sendable {
  /// Minutes east of UTC, −1080…1080.
  public var offsetMinutes: Int

  public init(offsetMinutes: Int) { self.offsetMinutes = offsetMinutes }

  public static let seoul = ShopZone(offsetMinutes: 540)

  /// The civil date and the microseconds since its midnight (0 ..< 86_400_000_000).
  public func civil(_ instant: Instant) -> (date: CivilDate, microsecondOfDay: Int64) {
    let dayLength: Int64 = 86_400_000_000
    let (local, overflow) = instant.microseconds.addingReportingOverflow(Int64(offsetMinutes) * 60_000_000)
    // Outside of any calendar: held at the ends, so that no outside number can overflow.
    let value = min(max(overflow ? instant.microseconds : local, -(1 << 62)), 1 << 62)
    let days = value >= 0 ? value / dayLength : (value - dayLength + 1) / dayLength
    return (CivilDate(daysSinceEpoch: Int32(clamping: days)), value - days * dayLength)
  }

  /// The instant of a civil time; dates beyond what an `Instant` can say are held at its ends.
  public func instant(_ date: CivilDate, microsecondOfDay: Int64) -> Instant {
    let (midnight, overflow) = Int64(date.daysSinceEpoch).multipliedReportingOverflow(by: 86_400_000_000)
    guard !overflow else { return date.daysSinceEpoch < 0 ? .distantPast : .distantFuture }
    let time = microsecondOfDay &- Int64(offsetMinutes) &* 60_000_000
    let (sum, beyond) = midnight.addingReportingOverflow(time)
    return beyond ? (time < 0 ? .distantPast : .distantFuture) : Instant(microseconds: sum)
  }

  /// The same civil time of day, `months` calendar months earlier, the day clamped (D9).
  public func subtracting(months: Int, from instant: Instant) -> Instant {
    let (date, time) = civil(instant)
    return self.instant(date.subtracting(months: months), microsecondOfDay: time)
  }
}

extension Instant {
  /// Parses RFC 3339 with an offset: `2026-10-10T09:30:00+09:00`, fraction and `Z` allowed; years 0001–9999.
  /// Nil for anything else, a missing offset and impossible dates included.
  public init?(rfc3339 text: UnsafeBufferPointer<UInt8>) {
    guard text.count >= 20 else { return nil }
    func digits(_ from: Int, _ count: Int) -> Int? {
      guard from + count <= text.count else { return nil }
      var value = 0
      for index in from..<(from + count) {
        let digit = Int(text[index]) - 48
        guard digit >= 0, digit <= 9 else { return nil }
        value = value * 10 + digit
      }
      return value
    }
    guard let year = digits(0, 4), text[4] == 45, let month = digits(5, 2), text[7] == 45,
      let day = digits(8, 2), text[10] == 84 || text[10] == 116 || text[10] == 32,
      let hour = digits(11, 2), text[13] == 58, let minute = digits(14, 2), text[16] == 58,
      let second = digits(17, 2), year >= 1, hour <= 23, minute <= 59, second <= 60,
      let date = CivilDate(year: year, month: month, day: day)
    else { return nil }
    var position = 19
    var fraction: Int64 = 0
    if text[position] == 46 {
      position += 1
      var scale: Int64 = 100_000
      let start = position
      while position < text.count, text[position] >= 48, text[position] <= 57 {
        fraction += Int64(text[position] - 48) * scale
        scale /= 10
        position += 1
      }
      guard position > start else { return nil }
    }
    guard position < text.count else { return nil }
    var offset = 0
    switch text[position] {
    case 90, 122:
      guard position + 1 == text.count else { return nil }
    case 43, 45:
      guard position + 6 == text.count, text[position + 3] == 58,
        let hours = digits(position + 1, 2), let minutes = digits(position + 4, 2), hours <= 18, minutes <= 59
      else { return nil }
      offset = (hours * 60 + minutes) * (text[position] == 45 ? -1 : 1)
    default:
      return nil
    }
    let seconds = Int64(date.daysSinceEpoch) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    microseconds = (seconds - Int64(offset) * 60) * 1_000_000 + fraction
  }

  public init?(rfc3339 text: String) {
    var copy = text
    guard let value = copy.withUTF8({ Instant(rfc3339: $0) }) else { return nil }
    self = value
  }

  /// RFC 3339 in the zone, seconds, or as many of six fraction digits as are not zero.
  public func rfc3339(in zone: ShopZone = .seoul) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    appendRFC3339(in: zone, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The same as ASCII, without a string of its own.
  public func appendRFC3339(in zone: ShopZone = .seoul, to bytes: inout [UInt8]) {
    let (date, microsecondOfDay) = zone.civil(self)
    let (year, month, day) = date.components
    func digits(_ value: Int, _ count: Int) {
      var divisor = 1
      for _ in 1..<count { divisor *= 10 }
      while divisor > 0 {
        bytes.append(48 + UInt8(value / divisor % 10))
        divisor /= 10
      }
    }
    let second = Int(microsecondOfDay / 1_000_000)
    digits(min(max(year, 0), 9999), 4)
    bytes.append(45)
    digits(month, 2)
    bytes.append(45)
    digits(day, 2)
    bytes.append(84)
    digits(second / 3600, 2)
    bytes.append(58)
    digits(second / 60 % 60, 2)
    bytes.append(58)
    digits(second % 60, 2)
    let rest = Int(microsecondOfDay % 1_000_000)
    if rest != 0 {
      bytes.append(46)
      digits(rest, 6)
      while bytes.last == 48 { bytes.removeLast() }
    }
    let offset = abs(zone.offsetMinutes)
    bytes.append(zone.offsetMinutes < 0 ? 45 : 43)
    digits(offset / 60 % 100, 2)
    bytes.append(58)
    digits(offset % 60, 2)
  }
}
