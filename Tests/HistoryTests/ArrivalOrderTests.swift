import Orders
import TestKit
import Testing

@testable import History

private let demand = FactDemand(claimWindows: [
  ClaimWindow(scope: .returns, months: 1), ClaimWindow(scope: .returnsAndExchanges, months: 3),
])

private func finalRecords(_ events: [SnapshotBuilder], reloadAt: Int? = nil) throws -> [String: [UInt8]] {
  let bench = Bench(.empty, demand)
  for (index, event) in events.enumerated() {
    if index == reloadAt { try bench.reload() }
    try bench.fold(event)
  }
  return bench.last.mapValues(\.comparable)
}

private func permutations<Element>(_ elements: [Element]) -> [[Element]] {
  guard let first = elements.first else { return [[]] }
  return permutations(Array(elements.dropFirst())).flatMap { rest in
    (0...rest.count).map { index in
      var copy = rest
      copy.insert(first, at: index)
      return copy
    }
  }
}

@Suite struct ArrivalOrderTests {
  private static let a = SnapshotBuilder("A", at: 0)
  private static let b = SnapshotBuilder("B", at: 30)
  private static let c = SnapshotBuilder("C", at: 60)
  private static let d = SnapshotBuilder("D", at: 60)
  private static let streams: [[SnapshotBuilder]] = [
    [a, b, c, b.shipped(65, version: 2), a.cancelled(70, version: 2)],
    [a, b, c, d, a.cancelled(40, version: 2)],
    [a, a.shipped(10, version: 2), a.later(50, version: 3), b, c.shipped(60, version: 1)],
    [
      a, b, b.shipped(40, version: 2), b.shipped(80, version: 3).with { $0.items[0].quantity = 3 },
      a.later(39, version: 2) { $0.claims = [.init(completedAt: SnapshotBuilder.minute(20))] },
    ],
    [
      a, a.later(5, version: 1) { $0.items[0].price = 9 }, c.later(61, version: 2) { $0.addressState = 2 }, d,
      c.later(62, version: 3),
    ],
  ]

  @Test(arguments: 0..<5) func everyOrderOfArrivalEndsInTheSameRecords(_ stream: Int) throws {
    let events = Self.streams[stream]
    let expected = try finalRecords(events)
    for order in permutations(events) {
      let actual = try finalRecords(order)
      #expect(actual == expected, "\(order.map { "\($0.order)\($0.version)" })")
    }
  }

  @Test func shuffledAndReloadedRandomCustomersEndInTheSameRecords() throws {
    var seedMaker = SystemRandomNumberGenerator()
    let seed = seedMaker.next()
    print("arrival order seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<150 {
      let events = Self.randomStream(&random)
      let expected = try finalRecords(events.sorted { $0.eventTime < $1.eventTime })
      let shuffled = events.shuffled(using: &random)
      #expect(try finalRecords(shuffled) == expected, "seed \(seed)")
      let middle = Int.random(in: 0..<events.count, using: &random)
      #expect(try finalRecords(shuffled, reloadAt: middle) == expected, "seed \(seed)")
    }
  }

  static func randomStream(_ random: inout SeededGenerator) -> [SnapshotBuilder] {
    var events: [SnapshotBuilder] = []
    for index in 0..<Int.random(in: 2...7, using: &random) {
      let placed = Int64.random(in: 0...150, using: &random)
      let order = SnapshotBuilder("O\(index)", at: placed)
      var time = placed
      for version in 1...Int64.random(in: 1...5, using: &random) {
        let event = order.later(time, version: Bool.random(using: &random) ? version : max(version - 1, 1)) {
          change(&$0, &random)
        }
        events.append(event)
        if Int.random(in: 0..<6, using: &random) == 0 { events.append(event) }
        time += Int64.random(in: 0...30, using: &random)
      }
    }
    return events
  }

  private static func change(_ event: inout SnapshotBuilder, _ random: inout SeededGenerator) {
    event.payment = UInt64.random(in: 1...3, using: &random)
    event.receivers[0].fingerprint = UInt8.random(in: 7...8, using: &random)
    event.items.append(.init(code: "i2"))
    for index in event.items.indices {
      event.items[index].price = Int64.random(in: 1...5, using: &random)
      event.items[index].status =
        ["N10", "N10", "N20", "N30", "C40", "R40"].randomElement(using: &random) ?? "N10"
    }
    if Int.random(in: 0..<8, using: &random) == 0 { event.addressState = 2 }
    if Int.random(in: 0..<4, using: &random) == 0 {
      let kind = UInt64.random(in: 1...3, using: &random)
      event.claims = [
        .init(
          kind: kind, completedAt: SnapshotBuilder.minute(Int64.random(in: 0...150, using: &random)),
          items: [("i1", 1)])
      ]
    }
  }
}
