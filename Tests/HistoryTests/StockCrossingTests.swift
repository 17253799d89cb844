import Orders
import TestKit
import Testing

@testable import History

/// What names a downward crossing (docs/design.md, "Stock").
struct StockCrossingTests {
  private func table(_ levels: [(minute: Int, quantity: Int64, safety: Int64)]) -> StockTable {
    var text = "sku,quantity,safety,as_of\n"
    for level in levels {
      let at = Instant(microseconds: Int64(level.minute) * 60_000_000).rfc3339()
      text += "S1,\(level.quantity),\(level.safety),\(at)\n"
    }
    var builder = ReferenceBuilder()
    Array(text.utf8).withUnsafeBytes { builder.add(.stock, $0, file: "stock.csv") }
    let data = builder.build()
    #expect(builder.problems.isEmpty)
    return data.stock
  }

  /// The minute that names the crossing of an order placed in this one.
  private func name(_ table: StockTable, _ minute: Int) throws -> Int64 {
    let sku = Array("S1".utf8)
    let found = try sku.withUnsafeBytes { sku in
      try #require(
        table.level(
          of: sku, hash: ContentHash.of(sku), at: Int64(minute) * 60_000_000, maxAgeUs: .max))
    }
    return found.level.armedAt / 60_000_000
  }

  @Test func onlyALevelAboveTheMarginNamesAnotherCrossing() throws {
    // Safety 5, margin 1: from 7 on.
    let table = table([(1, 50, 5), (2, 5, 5), (3, 6, 5), (4, 4, 5), (5, 7, 5), (6, 3, 5), (7, 6, 5)])
    #expect(try (1...7).map { try name(table, $0) } == [1, 1, 1, 1, 5, 5, 5])
    #expect(try name(table, 100) == 5)
  }

  @Test func theMarginIsATenthOfTheSafetyStockRoundedUp() throws {
    // 101 and a margin of 11: from 113 on. Nothing: from 2 on.
    let table = table([(1, 90, 101), (2, 112, 101), (3, 113, 101), (4, 1, 0), (5, 2, 0), (6, -3, -5), (7, 0, -5)])
    #expect(try (1...7).map { try name(table, $0) } == [1, 1, 3, 3, 5, 6, 7])
  }

  @Test func theFirstLevelNamesItWhereNoneWasHighEnough() throws {
    let table = table([(3, 4, 5), (4, 3, 5), (6, 2, 5)])
    #expect(try [3, 4, 5, 6].map { try name(table, $0) } == [3, 3, 3, 3])
  }

  @Test func theOrderOfLinesAndLaterLevelsChangeNothing() throws {
    var random = SeededGenerator.announced("stock crossings", seed: 20_261_122)
    for _ in 0..<50 {
      let levels = (1...12).map { (minute: $0, quantity: Int64(random.below(15)), safety: Int64(5)) }
      let sorted = try (1...12).map { try name(table(levels), $0) }
      #expect(try (1...12).map { try name(table(levels.shuffled(using: &random)), $0) } == sorted)
      #expect(try (1...6).map { try name(table(Array(levels[..<6])), $0) } == Array(sorted[..<6]))
    }
  }
}
