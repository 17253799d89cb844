import ApplyStage
import Orders
import Shop
import TestKit
import Testing
import Topics

/// One message per mall, SKU and downward crossing, through the lane, its ledger and a local shop.
@Suite(.serialized)
struct StockAlertTests {
  private static func at(_ minute: Int) -> String {
    Instant(microseconds: 1_790_780_400_000_000 + Int64(minute) * 60_000_000).rfc3339()
  }

  private static func record(
    _ offset: Int, order: String, mall: String = "demomall", low: [String], rule: String = "LOW"
  ) -> [UInt8] {
    var value = DecisionValue()
    (value.mallId, value.shopNo, value.orderId, value.ruleSet) = (mall, 1, order, "abc")
    value.position = Position(epoch: 0, partition: 0, offset: Int64(offset), n: 0)
    value.latestVersion = Int64(offset)
    value.actions = low.map { cause in
      var action = DesiredActionValue()
      (action.kind, action.rule, action.cause, action.text) = ("stock_alert", rule, cause, "LOW: \(cause)")
      return action
    }
    return value.protobuf
  }

  private static func told(_ bench: ApplyBench) throws -> [String] {
    try bench.actions().filter { $0.kind == "stock_alert.sent" }.map { "\($0.orderId) \($0.cause)" }
  }

  /// In the shop, whatever the records say.
  private static func delivered(_ bench: ApplyBench, orders: [String], mall: String = "demomall") throws
    -> [String]
  {
    try orders.flatMap { order in
      try bench.shop.deliveredAlerts(of: OrderIdentity(mallId: mall, shopNo: 1, orderId: order)).map(\.cause)
    }.sorted()
  }

  @Test func ordersAtTheSameTimeTellACrossingOnce() throws {
    let bench = try ApplyBench()
    let orders = (0..<200).map { "o\($0)" }
    let crossing = "S1@\(Self.at(0))"
    try bench.send(orders.enumerated().map { Self.record($0.offset, order: $0.element, low: [crossing]) })
    let counts = try bench.run(cacheBytes: 64 << 10)
    #expect(counts.deadLetters == 0 && counts.effects == 1)
    #expect(try Self.told(bench) == ["o0 \(crossing)"])
    #expect(try Self.delivered(bench, orders: orders) == [crossing])
    // After a restart, by an order that changes and by one that is new: it stays told. The next crossing is another one.
    let next = "S1@\(Self.at(9))"
    try bench.send([
      Self.record(300, order: "o7", low: [crossing, "S2@\(Self.at(0))"]), Self.record(301, order: "new", low: [crossing]),
      Self.record(302, order: "o8", low: [next]), Self.record(303, order: "o9", low: [next]),
    ])
    _ = try bench.run(cacheBytes: 64 << 10)
    #expect(try Self.told(bench) == ["o0 \(crossing)", "o7 S2@\(Self.at(0))", "o8 \(next)"])
  }

  @Test func eachMallHearsOfItsOwnStockAndTwoRulesTellOnce() throws {
    let bench = try ApplyBench()
    let crossing = "S1@\(Self.at(0))"
    try bench.send([
      Self.record(1, order: "a", mall: "one", low: [crossing]), Self.record(2, order: "a", mall: "two", low: [crossing]),
      Self.record(3, order: "b", mall: "one", low: [crossing], rule: "OTHER"),
    ])
    _ = try bench.run(cacheBytes: 64 << 10)
    #expect(try Self.delivered(bench, orders: ["a", "b"], mall: "one") == [crossing])
    #expect(try Self.delivered(bench, orders: ["a", "b"], mall: "two") == [crossing])
  }

  /// Arrival in any order, with deaths of the lane on the way: the same crossings are told, each once.
  @Test func theCrossingsToldDoNotDependOnTheOrderOfArrivalOrOnCrashes() throws {
    var random = SeededGenerator.announced("stock alerts", seed: 20_261_123)
    let orders = (0..<60).map { number in
      (name: "o\(number)", low: ["S\(number % 3)@\(Self.at(number % 4))"])
    }
    let expected = Set(orders.flatMap(\.low)).sorted()
    for round in 0..<6 {
      let bench = try ApplyBench()
      var records: [[UInt8]] = []
      for order in orders.shuffled(using: &random) {
        records.append(Self.record(records.count, order: order.name, low: order.low))
        // Decided again, with the same wish.
        if random.chance(30) {
          records.append(Self.record(records.count, order: order.name, low: order.low))
        }
      }
      try bench.send(records)
      if round > 0 {
        _ = try bench.run(cacheBytes: 64 << 10, dyingAt: Int64(random.below(30)))
        _ = try bench.run(cacheBytes: 64 << 10, dyingAt: Int64(30 + random.below(25)))
      }
      _ = try bench.run(cacheBytes: 64 << 10)
      #expect(try Self.delivered(bench, orders: orders.map(\.name)) == expected)
      let told = try Self.told(bench).map { $0.split(separator: " ")[1] }.sorted()
      #expect(told == expected.map { $0[...] })
    }
  }

  @Test func aRefusedMessageIsToldByTheNextOrder() throws {
    let bench = try ApplyBench()
    let shop = RefusingShop(bench.shop, refusals: 2)
    let crossing = "S1@\(Self.at(0))"
    try bench.send((0..<5).map { Self.record($0, order: "o\($0)", low: [crossing]) })
    let counts = try bench.run(cacheBytes: 64 << 10, sink: shop)
    #expect(counts.refused == 2)
    #expect(
      try bench.actions().map { "\($0.orderId) \($0.result)" } == [
        "o0 failed: other", "o1 failed: other", "o2 done",
      ])
  }

  @Test func aDecisionThatNamesNoCrossingIsToldOncePerOrder() throws {
    let bench = try ApplyBench()
    try bench.send([
      Self.record(1, order: "a", low: [""]), Self.record(2, order: "a", low: [""]),
      Self.record(3, order: "b", low: ["S1@yesterday"]),
    ])
    _ = try bench.run(cacheBytes: 64 << 10)
    #expect(try Self.told(bench) == ["a ", "b S1@yesterday"])
  }

  @Test func asManyCrossingsAreKeptAsTheLimitSays() {
    var told = ToldCrossingsValue()
    for instant in [5, 3, 9, 5] as [Int64] { told.insert(instant) }
    #expect(told.armedAt == [3, 5, 9] && !told.contains(4) && !told.contains(2))
    for instant in 10...30 as ClosedRange<Int64> { told.insert(instant) }
    #expect(told.armedAt == Array(15...30))
    #expect(told.contains(3) && told.contains(4) && !told.contains(31))
    told.insert(4)
    #expect(told.armedAt.count == ToldCrossingsValue.countMax)
    #expect(ToldCrossingsValue(protobuf: told.protobuf) == told)
  }
}

/// Refuses the first messages.
private final class RefusingShop: ShopSink {
  private let shop: LocalShop
  private var refusals: Int

  init(_ shop: LocalShop, refusals: Int) { (self.shop, self.refusals) = (shop, refusals) }

  func apply(_ changes: [LabelChange]) throws -> [LabelOutcome] { try shop.apply(changes) }
  func labels(of order: OrderIdentity) throws -> [ItemLabel] { try shop.labels(of: order) }
  func mark(_ mark: ShopMark) throws -> EffectOutcome { try shop.mark(mark) }
  func flush() throws { try shop.flush() }

  func deliver(_ alert: ShopAlert) throws -> EffectOutcome {
    guard refusals > 0 else { return try shop.deliver(alert) }
    refusals -= 1
    return .refused(.other)
  }
}
