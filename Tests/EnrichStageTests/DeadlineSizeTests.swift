import Glibc
import History
import Orders
import TestKit
import Testing
import Topics

@testable import EnrichStage

/// What many customers with a deadline cost. `CUSTOMERS` makes it larger; the figures are printed.
@Suite(.serialized) struct DeadlineSizeTests {
  private static let customers = Int(setting("CUSTOMERS", 20_000))

  /// Pages in memory, in bytes.
  private static func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, 256, file) != nil else { return 0 }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4_096
  }

  private static func key(_ number: Int) -> [UInt8] {
    CustomerIdentity(
      mallId: "demomall", kind: .member, digestHigh: UInt64(number) &* 0x9E37_79B9_7F4A_7C15,
      digestLow: UInt64(number)
    ).recordPrefix
  }

  @Test func eachCustomerIsOneEntryAndEachFallsDueOnce() {
    let before = Self.residentBytes()
    let start = ContinuousClock.now
    let deadlines = Deadlines(watchesHash: 1)
    for number in 0..<Self.customers { deadlines.schedule(Self.key(number), Int64(number % 9_973)) }
    let scheduled = ContinuousClock.now - start
    let bytes = Self.residentBytes() - before
    #expect(deadlines.watchedCount == min(Self.customers, Deadlines.watchedMax))
    deadlines.advance(to: 9_973)
    var count = 0
    var last = Int64.min
    while let (_, due) = deadlines.popDue() {
      count += 1
      if due < last { Issue.record("\(due) after \(last)") }
      last = due
    }
    #expect(count == min(Self.customers, Deadlines.watchedMax) && deadlines.watchedCount == 0)
    print(
      "deadlines: \(Self.customers) customers, \(bytes >> 10) KiB, scheduled in \(scheduled), "
        + "all due in \(ContinuousClock.now - start - scheduled)")
  }
}
