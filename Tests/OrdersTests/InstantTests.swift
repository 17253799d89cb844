import TestKit
import Testing

@testable import Orders

struct InstantTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("1970-01-01T09:00:00+09:00", 0), ("1969-12-31T19:00:00-05:00", 0),
    ("1970-01-01t00:00:01z", 1_000_000), ("1970-01-01 00:00:01Z", 1_000_000),
    ("1969-12-31T23:59:59.999999Z", -1), ("1970-01-01T00:00:00.1Z", 100_000),
    ("1970-01-01T00:00:00.1234567Z", 123_456), ("1970-01-01T00:00:00.999999999999999999999999Z", 999_999),
    ("2000-02-29T12:00:00Z", 951_825_600_000_000), ("2026-10-10T09:30:00+09:00", 1_791_592_200_000_000),
    ("2026-12-31T23:59:60Z", 1_798_761_600_000_000), ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999), ("1970-01-01T00:00:00+18:59", -68_340_000_000),
  ]) func whatRFC3339AllowsIsRead(_ text: String, _ microseconds: Int64) {
    #expect(Instant(rfc3339: text)?.microseconds == microseconds)
  }

  @Test(arguments: [
    "", "2026", "2026-10-10", "2026-10-10T09:30:00", "2026-10-10T09:30:00.", "2026-10-10T09:30:00.Z",
    "2026-10-10T09:30Z000", "2026-10-10T24:00:00Z", "2026-10-10T09:60:00Z", "2026-10-10T09:30:61Z",
    "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
    "2026-04-31T00:00:00Z", "2026-04-00T00:00:00Z", "0000-01-01T00:00:00Z", "+026-01-01T00:00:00Z",
    "2026-10-10T09:30:00+0900", "2026-10-10T09:30:00+09", "2026-10-10T09:30:00+9:00",
    "2026-10-10T09:30:00+19:00", "2026-10-10T09:30:00+09:60", "2026-10-10T09:30:00ZZ",
    "2026-10-10T09:30:00+09:00 ", " 2026-10-10T09:30:00Z", "2026-10-10X09:30:00Z", "2026/10/10T09:30:00Z",
    "2026-10-10T09:30:00,5Z", "2026-10-10T-1:30:00Z", "２０２６-10-10T09:30:00Z", "2026-10-10T09:30:00 09:00",
  ]) func everythingElseIsRefused(_ text: String) {
    #expect(Instant(rfc3339: text) == nil)
  }

  @Test func randomBytesNeverStopTheProcess() {
    var generator = SeededGenerator.announced("randomBytesNeverStopTheProcess", seed: 11)
    let sound = Array("2026-10-10T09:30:00.123+09:00".utf8)
    var read = 0
    for round in 0..<20_000 {
      var bytes: [UInt8]
      if round % 2 == 0 {
        bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
          .random(in: 0...255, using: &generator)
        }
      } else {
        bytes = sound
        for _ in 0...Int.random(in: 0...2, using: &generator) {
          bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 32...127, using: &generator)
        }
        bytes.removeLast(Int.random(in: 0...3, using: &generator))
      }
      bytes.withUnsafeBufferPointer { if Instant(rfc3339: $0) != nil { read += 1 } }
    }
    #expect(read > 0)
  }

  @Test func printedAndReadAgainItIsTheSame() {
    var generator = SeededGenerator.announced("printedAndReadAgainItIsTheSame", seed: 12)
    let zones = [-1080, -570, -1, 0, 1, 330, 540, 1080].map { ShopZone(offsetMinutes: $0) }
    for round in 0..<5_000 {
      // A day from both ends, so that the local year has four digits.
      var microseconds = Int64.random(
        in: -62_135_500_000_000_000...253_402_200_000_000_000, using: &generator)
      if round % 3 == 0 { microseconds = microseconds / 1_000_000 * 1_000_000 }
      let instant = Instant(microseconds: microseconds)
      for zone in zones { #expect(Instant(rfc3339: instant.rfc3339(in: zone)) == instant) }
    }
    #expect(Instant(microseconds: 1_500_000).rfc3339() == "1970-01-01T09:00:01.5+09:00")
    #expect(
      Instant(microseconds: -1).rfc3339(in: ShopZone(offsetMinutes: 0)) == "1969-12-31T23:59:59.999999+00:00")
  }

  @Test func theEndsOfInt64DoNotTrap() {
    for zone in [ShopZone.seoul, ShopZone(offsetMinutes: -1080), ShopZone(offsetMinutes: 1080)] {
      for microseconds in [Int64.min, .min + 1, .max - 1, .max, -(1 << 62), 1 << 62] {
        let instant = Instant(microseconds: microseconds)
        let (date, time) = zone.civil(instant)
        #expect(time >= 0 && time < 86_400_000_000)
        #expect((0...6).contains(date.dayOfWeek))
        #expect((1...12).contains(date.components.month))
        #expect(!instant.rfc3339(in: zone).isEmpty)
        for months in [0, 3, 1200] { _ = zone.subtracting(months: months, from: instant) }
      }
      for day in [Int32.min, .min + 1, -1, 0, .max - 1, .max] {
        let date = CivilDate(daysSinceEpoch: day)
        #expect((0...6).contains(date.dayOfWeek))
        #expect((1...31).contains(date.components.day))
        _ = date.subtracting(months: 3)
        _ = zone.instant(date, microsecondOfDay: 86_399_999_999)
      }
    }
  }
}
