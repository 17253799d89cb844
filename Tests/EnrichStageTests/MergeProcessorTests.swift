import EnrichStage
import History
import Orders
import Stage
import TestKit
import Testing
import Topics

/// Guests who become members, through the stage: evicted, killed between what is handed on and the commit, restored.
@Suite(.serialized) struct MergeProcessorTests {
  private static let demand = FactDemand(
    claimWindows: [ClaimWindow(scope: .returns, months: 3)],
    timed: [TimedFact(.unshipped, span: 3_600_000_000)])

  private static func key(_ kind: CustomerKey.Kind, _ number: Int) -> CustomerKeyValue {
    var key = CustomerKeyValue()
    key.kind = kind
    key.digest = (0..<16).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) }
    return key
  }

  /// An order of a guest, whose number is that of the member he becomes.
  private static func guest(
    _ customer: Int, order: Int, version: Int64 = 1, atMinute minute: Int64, status: String = "N10",
    isMember: Bool = false
  ) -> OrderSnapshotValue {
    var snapshot = EnrichProcessorTests.snapshot(
      customer: customer, order: order, version: version, atMinute: minute, status: status)
    snapshot.orderId = "g" + snapshot.orderId
    if !isMember { snapshot.customer = key(.phone, customer) }
    return snapshot
  }

  private static func merge(_ customer: Int, into member: Int? = nil) -> MergeEventValue {
    var merge = MergeEventValue()
    merge.mallId = EnrichProcessorTests.snapshot(customer: 1, order: 0, version: 1, atMinute: 0).mallId
    merge.from = key(.phone, customer)
    merge.to = key(.member, member ?? customer)
    merge.at = Instant(microseconds: EnrichProcessorTests.start)
    return merge
  }

  /// What the last record of each order says: facts, state, epoch.
  private struct Said: Equatable {
    var version: Int64
    var state: OrderState
    var facts: FactsValue?
  }

  private static func last(_ bench: EnrichBench) throws -> [String: (said: Said, position: Position)] {
    var last: [String: (said: Said, position: Position)] = [:]
    for bytes in try bench.read("orders.enriched") {
      guard let record = bytes.withUnsafeBytes({ EnrichedOrderValue(protobuf: $0) }),
        let order = record.snapshot?.orderId
      else { continue }
      if let known = last[order] {
        let isOlder =
          record.latestVersion != known.said.version
          ? record.latestVersion < known.said.version : record.position < known.position
        if isOlder { continue }
      }
      last[order] = (
        Said(version: record.latestVersion, state: record.state, facts: record.facts), record.position
      )
    }
    return last
  }

  /// Records on `orders` that merges wrote.
  private static func moved(_ bench: EnrichBench) throws -> [MovedOrderValue] {
    try bench.read("orders").compactMap { $0.withUnsafeBytes { MovedOrderValue(orders: $0) } }
  }

  @Test func theGuestsOrdersGoThroughTheTopicAndCountForTheMember() throws {
    let bench = try EnrichBench()
    try bench.send([
      Self.guest(1, order: 0, atMinute: 0).protobuf, Self.guest(1, order: 1, atMinute: 20).protobuf,
      EnrichProcessorTests.snapshot(customer: 1, order: 2, version: 1, atMinute: 40).protobuf,
      Self.merge(1).ordersValue, Self.merge(1).ordersValue,
      Self.guest(1, order: 0, version: 2, atMinute: 50, status: "C40").protobuf,
    ])
    let counts = try bench.run(cacheBytes: 64 << 20, demand: Self.demand, awaited: 3)
    #expect(counts.merges == 2 && counts.moved == 3 && counts.handedOn == 3 && counts.deadLetters == 0)
    let moved = try Self.moved(bench)
    #expect(moved.map(\.orderId) == ["gc1-o0", "gc1-o1", "gc1-o0"])
    #expect(moved.allSatisfy { $0.to == Self.key(.member, 1) && $0.path == [Self.key(.phone, 1)] })
    let last = try Self.last(bench)
    #expect(last["c1-o2"]?.said.facts?.historyOrders == 1)
    #expect(last["gc1-o1"]?.said.facts?.historyOrders == 0 && last["gc1-o1"]?.position.epoch == 1)
    #expect(last["gc1-o0"]?.said.state == .cancelled && last["gc1-o0"]?.position.epoch == 1)
    #expect(last["c1-o2"]?.position.epoch == 0)
  }

  /// The owner dies when the moved orders are on the topic and its state knows nothing of the merge.
  @Test func aDeathBetweenWhatIsHandedOnAndTheCommitChangesNothing() throws {
    let before: [[UInt8]?] = [
      Self.guest(1, order: 0, atMinute: 0).protobuf, Self.guest(1, order: 1, atMinute: 20).protobuf,
      EnrichProcessorTests.snapshot(customer: 1, order: 2, version: 1, atMinute: 40).protobuf,
      Self.merge(1).ordersValue,
    ]
    let after: [[UInt8]?] = [
      Self.guest(1, order: 1, version: 2, atMinute: 45, status: "C40").protobuf,
      EnrichProcessorTests.snapshot(customer: 1, order: 3, version: 1, atMinute: 60).protobuf,
    ]
    let whole = try EnrichBench()
    try whole.send(before + after)
    _ = try whole.run(cacheBytes: 64 << 20, demand: Self.demand, awaited: 3)
    let expected = try Self.last(whole).mapValues(\.said)
    #expect(expected["c1-o3"]?.facts?.historyOrders == 2 && expected.count == 4)

    let broken = try EnrichBench()
    try broken.send(before)
    _ = try broken.run(cacheBytes: 64 << 20, dyingAt: 3, demand: Self.demand)
    #expect(try Self.moved(broken).count == 2)
    try broken.send(after)
    // The merge is handled again: its two orders are there twice, and the late cancel once.
    let counts = try broken.run(cacheBytes: 64 << 20, demand: Self.demand, awaited: 5)
    #expect(counts.merges == 1 && counts.moved == 5)
    #expect(try Self.moved(broken).count == 5)
    #expect(try Self.last(broken).mapValues(\.said) == expected)
    // The state of the guest is a forwarding record and nothing else.
    try broken.send([Self.guest(1, order: 4, atMinute: 70).protobuf])
    _ = try broken.run(cacheBytes: 64 << 20, demand: Self.demand, awaited: 6)
    #expect(try Self.moved(broken).last?.orderId == "gc1-o4")
    #expect(try Self.last(broken)["gc1-o4"]?.said.facts?.historyOrders == 3)
  }

  /// Many guests and members, with a cache that holds few of them and deaths on the way: the same facts as of members
  /// from the start.
  @Test func evictedAndKilledItEndsInTheFactsOfMembersFromTheStart() throws {
    var random = SeededGenerator.announced("merging guests", seed: 61)
    var events: [(guest: OrderSnapshotValue?, other: [UInt8]?)] = []
    for customer in 0..<60 {
      for order in 0..<3 {
        let status = ["N10", "N30", "C40"].randomElement(using: &random) ?? "N10"
        for (version, status) in [(Int64(1), "N10"), (2, status)] {
          events.append(
            (
              Self.guest(
                customer, order: order, version: version, atMinute: Int64(order * 20) + version * 3,
                status: status), nil
            ))
        }
      }
      events.append(
        (
          nil,
          EnrichProcessorTests.snapshot(customer: customer, order: 5, version: 1, atMinute: 100).protobuf
        ))
    }
    events.shuffle(using: &random)
    let reference = try EnrichBench()
    try reference.send(
      events.map { event in
        guard var guest = event.guest else { return event.other }
        guest.customer?.kind = .member
        return guest.protobuf
      })
    _ = try reference.run(cacheBytes: 64 << 20, demand: FactDemand())
    let expected = try Self.last(reference).mapValues(\.said)
    #expect(expected.count == 240)

    var inputs = events.map { $0.guest?.protobuf ?? $0.other }
    for customer in 0..<60 {
      inputs.insert(Self.merge(customer).ordersValue, at: Int.random(in: 0...inputs.count, using: &random))
    }
    let bench = try EnrichBench()
    try bench.send(inputs)
    for stop in [100, 250, 400] {
      _ = try bench.run(cacheBytes: 64 << 10, dyingAt: Int64(stop), demand: FactDemand())
    }
    // Until nothing more comes of it: the last input is one that was there before the run.
    while true {
      let length = try bench.read("orders").count
      let counts = try bench.run(cacheBytes: 64 << 10, demand: FactDemand(), awaited: length - bench.sent)
      #expect(counts.deadLetters == 0)
      if try bench.read("orders").count == length { break }
    }
    #expect(try Self.last(bench).mapValues(\.said) == expected)
  }

  /// The order's deadline is watched where it lives now, and fires once, with its epoch.
  @Test func aDeadlineMovesWithItsOrder() throws {
    let bench = try EnrichBench()
    try bench.send([
      Self.guest(1, order: 0, atMinute: 0).protobuf, Self.merge(1).ordersValue,
      EnrichProcessorTests.snapshot(customer: 2, order: 0, version: 1, atMinute: 10).protobuf,
    ])
    _ = try bench.run(cacheBytes: 64 << 20, demand: Self.demand, awaited: 1)
    #expect(try Self.last(bench)["gc1-o0"]?.said.facts?.timed.map(\.value) == [0])
    try bench.send([EnrichProcessorTests.snapshot(customer: 3, order: 0, version: 1, atMinute: 61).protobuf])
    let counts = try bench.run(cacheBytes: 64 << 20, demand: Self.demand, awaited: 1)
    #expect(counts.fired >= 1)
    let last = try #require(try Self.last(bench)["gc1-o0"])
    #expect(last.said.facts?.timed.map(\.value) == [1] && last.position.epoch == 1)
    let fired = try bench.read("orders.enriched").compactMap { bytes in
      bytes.withUnsafeBytes { EnrichedOrderValue(protobuf: $0) }
    }.filter { $0.snapshot?.orderId == "gc1-o0" && $0.facts?.timed.map(\.value) == [1] }
    #expect(fired.count == 1)
  }

  @Test func whatIsNoMergeBecomesADeadLetter() throws {
    let bench = try EnrichBench()
    var nobody = Self.merge(1)
    nobody.from = nil
    var short = Self.merge(1)
    short.to?.digest = [1]
    var self1 = Self.merge(1)
    self1.to = self1.from
    var moved = MovedOrderValue()
    (moved.mallId, moved.shopNo, moved.orderId) = ("demomall", 1, "x")
    moved.to = Self.key(.member, 1)
    let order = Self.guest(1, order: 0, atMinute: 0).protobuf
    try bench.send([
      nobody.ordersValue, short.ordersValue, self1.ordersValue, moved.ordersValue, [0xCA, 0x02],
      [0xD2, 0x02],
      order, Self.merge(1).ordersValue, Self.merge(1, into: 2).ordersValue,
    ])
    let counts = try bench.run(cacheBytes: 64 << 20, demand: Self.demand, awaited: 1)
    #expect(counts.deadLetters == 7 && counts.merges == 1 && counts.moved == 1 && counts.folded == 1)
    #expect(try bench.read("orders.dlq").count == 7)
  }
}
