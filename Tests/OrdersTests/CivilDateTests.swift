import Testing

@testable import Orders

/// Civil dates against a calendar that only counts: a day after the other, leap years by their definition.
struct CivilDateTests {
  private func isLeap(_ year: Int) -> Bool {
    if year % 400 == 0 { return true }
    if year % 100 == 0 { return false }
    return year % 4 == 0
  }

  @Test func everyDayFrom1600To2400IsTheOneAfterTheDayBefore() {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    // 1600-01-01 is 135,140 days before 1970-01-01: counted from 1970 backwards.
    var number: Int32 = 0
    for year in 1600..<1970 { number -= isLeap(year) ? 366 : 365 }
    // 1600-01-01 was a Saturday.
    var weekday = 6
    var wrong = 0
    for year in 1600...2400 {
      for month in 1...12 {
        let days = lengths[month - 1] + (month == 2 && isLeap(year) ? 1 : 0)
        if CivilDate.days(inMonth: month, year: year) != days { wrong += 1 }
        for day in 1...days {
          let date = CivilDate(year: year, month: month, day: day)
          let parts = CivilDate(daysSinceEpoch: number).components
          if date?.daysSinceEpoch != number || date?.dayOfWeek != weekday || parts != (year, month, day) {
            wrong += 1
          }
          number += 1
          weekday = (weekday + 1) % 7
        }
        if CivilDate(year: year, month: month, day: days + 1) != nil { wrong += 1 }
      }
    }
    #expect(wrong == 0)
    #expect(CivilDate(year: 1970, month: 1, day: 1)?.daysSinceEpoch == 0)
    #expect(CivilDate(year: 2026, month: 10, day: 10)?.dayOfWeek == 6)
  }

  @Test(arguments: [
    (2026, 11, 30, 3, 2026, 8, 30), (2026, 5, 31, 3, 2026, 2, 28), (2028, 5, 31, 3, 2028, 2, 29),
    (2026, 11, 30, 9, 2026, 2, 28), (2026, 3, 31, 1, 2026, 2, 28), (2026, 1, 31, 2, 2025, 11, 30),
    (2026, 1, 15, 12, 2025, 1, 15), (2028, 2, 29, 12, 2027, 2, 28), (2028, 2, 29, 48, 2024, 2, 29),
    (2026, 2, 28, 3, 2025, 11, 28), (2026, 10, 10, 0, 2026, 10, 10), (2000, 1, 31, 1200, 1900, 1, 31),
  ]) func monthsAreSubtractedAndTheDayClamped(
    _ year: Int, _ month: Int, _ day: Int, _ months: Int, _ toYear: Int, _ toMonth: Int, _ toDay: Int
  ) throws {
    let date = try #require(CivilDate(year: year, month: month, day: day))
    #expect(date.subtracting(months: months).components == (toYear, toMonth, toDay))
  }

  @Test func aWindowKeepsTheTimeOfDayInTheShopsZone() throws {
    // 00:30 in Seoul on March 1 is still February 28 in UTC: the shop's date decides.
    let placed = try #require(Instant(rfc3339: "2026-05-31T00:30:00+09:00"))
    #expect(ShopZone.seoul.subtracting(months: 3, from: placed).rfc3339() == "2026-02-28T00:30:00+09:00")
    let november = try #require(Instant(rfc3339: "2026-11-30T10:00:00.25+09:00"))
    #expect(ShopZone.seoul.subtracting(months: 3, from: november).rfc3339() == "2026-08-30T10:00:00.25+09:00")
  }

  @Test func civilTimeTurnsAtTheShopsMidnight() throws {
    let before = try #require(Instant(rfc3339: "2026-10-12T14:59:59.999999Z"))
    let (monday, late) = ShopZone.seoul.civil(before)
    #expect(monday == CivilDate(year: 2026, month: 10, day: 12) && late == 86_399_999_999)
    let (tuesday, midnight) = ShopZone.seoul.civil(Instant(microseconds: before.microseconds + 1))
    #expect(tuesday == CivilDate(year: 2026, month: 10, day: 13) && midnight == 0)
    #expect(ShopZone.seoul.instant(tuesday, microsecondOfDay: 0).microseconds == before.microseconds + 1)
  }
}
