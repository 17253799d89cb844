import Orders
import TestKit
import Testing

@testable import History

private let hour: Int64 = 3_600_000_000

private let demanded: [HistoryAggregate] = {
  let windows: [HistoryAggregate.Window] = [.all, .span(hour), .span(24 * hour), .months(1)]
  var all = windows.flatMap { window in
    [HistoryAggregate.Measure.orders, .amount, .cancels, .products, .skus, .quantity].map {
      HistoryAggregate($0, window)
    }
  }
  for code in ["S1", "P1", "none"] {
    for window in windows {
      all += [
        .init(.bought, window, code: Array(code.utf8)),
        .init(.boughtQuantity, window, code: Array(code.utf8)),
      ]
    }
    all.append(.init(.lastBoughtAt, code: Array(code.utf8)))
  }
  return all + [.init(.firstOrderAt), .init(.lastOrderAt)]
}()

private func finalBench(_ events: [SnapshotBuilder], reloadAt: Int? = nil) throws -> Bench {
  let bench = Bench(.empty, FactDemand(aggregates: demanded))
  for (index, event) in events.enumerated() {
    if index == reloadAt { try bench.reload() }
    try bench.fold(event)
  }
  return bench
}

/// The measures by their definition, from all that was ever sent: no fold, no state, no order of arrival.
private struct Definition {
  let events: [SnapshotBuilder]

  private func state(_ order: String, at instant: Int64) -> SnapshotBuilder? {
    events.filter { $0.order == order && $0.eventTime <= instant }.max { $0.version < $1.version }
  }

  private func isCancelled(_ state: SnapshotBuilder) -> Bool {
    state.items.allSatisfy { $0.status.hasPrefix("C4") }
  }

  private func isClosed(_ state: SnapshotBuilder) -> Bool {
    isCancelled(state) || state.items.contains { $0.tracking || $0.status == "N30" || $0.status == "R40" }
  }

  private func priced(_ state: SnapshotBuilder) -> [SnapshotBuilder.Line] {
    state.items.filter { !$0.status.hasPrefix("C4") && $0.status != "R40" && !$0.isGift }
  }

  /// T(X) and the state then.
  private func decided(_ order: String) -> (state: SnapshotBuilder, cut: Int64)? {
    let times = Set(events.filter { $0.order == order }.map(\.eventTime)).sorted()
    guard let first = times.first, let last = state(order, at: .max) else { return nil }
    guard isClosed(last) else { return (last, .max) }
    var closed = last.eventTime
    for time in times.reversed() {
      guard let state = state(order, at: time), isClosed(state) else { break }
      closed = time
    }
    let cut = closed == first ? first : closed - 1
    return state(order, at: cut).map { ($0, cut) }
  }

  func values(of order: String) -> [Int64?] {
    guard let (x, cut) = decided(order) else { return [] }
    let earlier = Set(events.map(\.order)).subtracting([order]).compactMap { state($0, at: cut) }
      .filter { ($0.placedAt, $0.order) < (x.placedAt, order) }
    return demanded.map { value($0, x, earlier) }
  }

  private func value(_ aggregate: HistoryAggregate, _ x: SnapshotBuilder, _ earlier: [SnapshotBuilder])
    -> Int64?
  {
    let start: Int64 =
      switch aggregate.window {
      case .all: .min
      case .span(let span): x.placedAt - span
      case .months(let months):
        ShopZone.seoul.subtracting(months: months, from: Instant(microseconds: x.placedAt)).microseconds
      }
    let orders = earlier.filter { $0.placedAt >= start }
    let kept = orders.filter { !isCancelled($0) }
    let code = String(decoding: aggregate.code, as: UTF8.self)
    func lines(_ state: SnapshotBuilder) -> [SnapshotBuilder.Line] {
      priced(state).filter { $0.sku == code || $0.product == code }
    }
    func pieces(_ lines: [SnapshotBuilder.Line]) -> Int64 { lines.reduce(0) { $0 + Int64($1.quantity) } }
    switch aggregate.measure {
    case .orders: return Int64(kept.count)
    case .amount:
      return orders.filter { $0.payment == 3 && $0.currency == x.currency }.flatMap(priced)
        .reduce(0) { $0 + $1.price * Int64($1.quantity) }
    case .cancels: return Int64(orders.count - kept.count)
    case .products: return Int64(Set(kept.flatMap(priced).map(\.product)).subtracting([""]).count)
    case .skus: return Int64(Set(kept.flatMap(priced).map(\.sku)).subtracting([""]).count)
    case .quantity: return pieces(kept.flatMap(priced))
    case .bought: return Int64(kept.filter { !lines($0).isEmpty }.count)
    case .boughtQuantity: return pieces(kept.flatMap(lines))
    case .firstOrderAt: return kept.map(\.placedAt).min()
    case .lastOrderAt: return kept.map(\.placedAt).max()
    case .lastBoughtAt: return kept.filter { !lines($0).isEmpty }.map(\.placedAt).max()
    }
  }
}

@Suite struct AggregateOrderTests {
  private static let a = SnapshotBuilder("A", at: 0)
  private static let b = SnapshotBuilder("B", at: 30)
  private static let c = SnapshotBuilder("C", at: 60)
  private static let d = SnapshotBuilder("D", at: 60)
  /// 2026-10-31 and the last day of November: a month before it is October 30.
  private static let monthEnd = SnapshotBuilder("E", at: 30 * 1_440)
  private static let streams: [[SnapshotBuilder]] = [
    // Cancels and a shipment.
    [a, b, c, b.shipped(65, version: 2), a.cancelled(70, version: 2)],
    // Two orders of one instant; one cancelled before the other is placed.
    [a, b, c, d, a.cancelled(40, version: 2)],
    // Edits: another SKU, a line that becomes a gift.
    [
      a, b, c.shipped(70, version: 2), d, a.later(65, version: 2) { $0.items[0].sku = "S2" },
      b.later(66, version: 2) { $0.items[0].isGift = true },
    ],
    // An order placed before the others and heard of last; a time that is corrected.
    [
      b, c, b.shipped(90, version: 2), SnapshotBuilder("L", at: 80, placed: 10),
      a.later(85, version: 2) { $0.placedAt += 1 },
    ],
    // The ends of months.
    [
      monthEnd, SnapshotBuilder("F", at: 60 * 1_440), SnapshotBuilder("G", at: 60 * 1_440 + 1),
      monthEnd.later(59 * 1_440, version: 2) { $0.placedAt = SnapshotBuilder.minute(29 * 1_440) },
      a,
    ],
  ]

  @Test(arguments: 0..<5) func everyOrderOfArrivalEndsInTheSameRecords(_ stream: Int) throws {
    let events = Self.streams[stream]
    let expected = try finalBench(events)
    let definition = Definition(events: events)
    for order in Set(events.map(\.order)) {
      #expect(expected.facts(order).aggregates == definition.values(of: order), "\(order)")
    }
    let records = expected.last.mapValues(\.comparable)
    for order in permutations(of: events) {
      let actual = try finalBench(order, reloadAt: 2).last.mapValues(\.comparable)
      #expect(actual == records, "\(order.map { "\($0.order)\($0.version)" })")
    }
  }

  /// `AGGREGATE_SEED` repeats a run, `AGGREGATE_ROUNDS` makes it longer.
  @Test func randomCustomersHaveTheMeasuresOfTheDefinition() throws {
    let seed = setting("AGGREGATE_SEED", UInt64.random(in: 0...UInt64.max))
    let rounds = Int(setting("AGGREGATE_ROUNDS", 300))
    print("aggregate seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var seen = [Int](repeating: 0, count: demanded.count)
    for _ in 0..<rounds {
      let events = Self.randomStream(&random)
      let shuffled = events.shuffled(using: &random)
      let bench = try finalBench(shuffled, reloadAt: Int.random(in: 0..<events.count, using: &random))
      let definition = Definition(events: events)
      for order in Set(events.map(\.order)) {
        let expected = definition.values(of: order)
        #expect(bench.facts(order).aggregates == expected, "seed \(seed) order \(order)")
        for (position, value) in expected.enumerated() where (value ?? 0) != 0 { seen[position] += 1 }
      }
    }
    // Each measure but those of the code that nobody bought was something in some round.
    for (position, aggregate) in demanded.enumerated() where aggregate.code != Array("none".utf8) {
      #expect(seen[position] > 0, "\(aggregate)")
    }
  }

  private static func randomStream(_ random: inout SeededGenerator) -> [SnapshotBuilder] {
    var events: [SnapshotBuilder] = []
    for index in 0..<Int.random(in: 2...7, using: &random) {
      // Some far apart, some within the hour, some at one instant.
      let far =
        Int64.random(in: 0...2, using: &random) * [0, 1_440, 30 * 1_440].randomElement(using: &random)!
      let placed = far + Int64.random(in: 0...40, using: &random) * 5
      let order = SnapshotBuilder("O\(index)", at: placed)
      var time = placed
      for version in 1...Int64.random(in: 1...4, using: &random) {
        events.append(order.later(time, version: version) { change(&$0, &random) })
        time += Int64.random(in: -3...400, using: &random)
      }
    }
    return events
  }

  private static func change(_ event: inout SnapshotBuilder, _ random: inout SeededGenerator) {
    event.payment = UInt64.random(in: 1...3, using: &random)
    event.currency = ["KRW", "KRW", "USD"].randomElement(using: &random) ?? "KRW"
    if Int.random(in: 0..<9, using: &random) == 0 { event.placedAt += 60_000_000 }
    event.items = (0..<Int.random(in: 1...3, using: &random)).map { index in
      SnapshotBuilder.Line(
        code: "i\(index)", product: ["P1", "P2", "S1", ""].randomElement(using: &random) ?? "",
        sku: ["S1", "S2", "S3", ""].randomElement(using: &random) ?? "",
        quantity: Int32.random(in: 0...3, using: &random), price: Int64.random(in: 0...5, using: &random),
        status: ["N10", "N10", "N20", "C00", "N30", "C40", "C40", "R40"].randomElement(using: &random)
          ?? "N10",
        isGift: Int.random(in: 0..<5, using: &random) == 0)
    }
  }
}
