import EnrichStage
import History
import Orders
import Stage
import TestKit
import Testing
import Topics

@Suite(.serialized)
struct EnrichProcessorTests {
  static let start: Int64 = 1_791_592_200_000_000

  /// A snapshot of one of a customer's orders; the events of a customer are spread over the whole stream.
  static func snapshot(
    customer: Int, order: Int, version: Int64, atMinute minute: Int64, status: String = "N10"
  ) -> OrderSnapshotValue {
    var snapshot = OrderSnapshotValue()
    snapshot.mallId = "demomall"
    snapshot.shopNo = 1
    snapshot.orderId = "c\(customer)-o\(order)"
    var key = CustomerKeyValue()
    key.kind = .member
    key.digest = (0..<16).map { UInt8(truncatingIfNeeded: customer >> ($0 % 4 * 8)) }
    snapshot.customer = key
    snapshot.event = "order.changed"
    snapshot.eventTime = Instant(microseconds: start + minute * 60_000_000)
    snapshot.version = version
    snapshot.placedAt = Instant(microseconds: start + Int64(order) * 1_200_000_000)
    snapshot.currency = "KRW"
    snapshot.paymentStatus = .paid
    var receiver = ReceiverValue()
    receiver.receiverNo = 1
    receiver.zip = "06236"
    receiver.hasAddress = true
    receiver.fingerprint = [UInt8](repeating: 5, count: 16)
    snapshot.receivers = [receiver]
    var item = ItemValue()
    item.itemCode = "\(snapshot.orderId)-1"
    item.sku = "S1"
    item.quantity = 1
    item.unitPrice = 10_000 + Int64(version)
    item.status = status
    snapshot.items = [item]
    return snapshot
  }

  private static func stream(customers: Int, seed: UInt64) -> [[UInt8]?] {
    var generator = SeededGenerator.announced("stream", seed: seed)
    var events: [[UInt8]?] = []
    for round in 0..<6 {
      for customer in 0..<customers {
        let status = ["N10", "N10", "N10", "N30", "C40"].randomElement(using: &generator) ?? "N10"
        events.append(
          snapshot(
            customer: customer, order: round % 3, version: Int64(round), atMinute: Int64(round * 15),
            status: round < 3 ? "N10" : status
          ).protobuf)
      }
    }
    return events.shuffled(using: &generator)
  }

  @Test func aTinyCacheGivesTheSameRecordsAsALargeOne() throws {
    let events = Self.stream(customers: 300, seed: 41)
    let large = try EnrichBench()
    try large.send(events)
    let unhurried = try large.run(cacheBytes: 64 << 20)
    let tiny = try EnrichBench()
    try tiny.send(events)
    let evicting = try tiny.run(cacheBytes: 64 << 10)
    #expect(unhurried.folded == events.count && evicting.folded == events.count)
    // Customers were really read back: more often than there are customers.
    #expect(evicting.loads > 600)
    let expected = try large.read("orders.enriched")
    #expect(expected.count > events.count)
    #expect(try tiny.read("orders.enriched") == expected)
  }

  @Test func aLaneThatDiesIsFollowedByOneThatGoesOn() throws {
    let events = Self.stream(customers: 100, seed: 42)
    let whole = try EnrichBench()
    try whole.send(events)
    _ = try whole.run(cacheBytes: 64 << 20)
    let expected = try whole.read("orders.enriched")

    let broken = try EnrichBench()
    try broken.send(events)
    let first = try broken.run(cacheBytes: 64 << 10, dyingAt: 150)
    let second = try broken.run(cacheBytes: 64 << 10, dyingAt: 400)
    let last = try broken.run(cacheBytes: 64 << 10)
    #expect(first.folded > 0 && second.folded > 0 && last.folded > 0)
    // It went on from its state, not from the beginning.
    #expect(last.folded < events.count)
    let records = try broken.read("orders.enriched")
    // Some came twice, with equal bytes; none is missing, none is new, and first appearances are in order.
    var seen: Set<[UInt8]> = []
    let distinct = records.filter { seen.insert($0).inserted }
    #expect(distinct == expected)
  }

  @Test func tombstonesAndMalformedRecordsBecomeDeadLettersAndStopNobody() throws {
    let bench = try EnrichBench()
    let first = Self.snapshot(customer: 1, order: 0, version: 1, atMinute: 0).protobuf
    let second = Self.snapshot(customer: 2, order: 0, version: 1, atMinute: 1).protobuf
    var keyless = Self.snapshot(customer: 3, order: 0, version: 1, atMinute: 2)
    keyless.orderId = ""
    try bench.send([first, nil, [0xFF, 0xFF, 0xFF], [], keyless.protobuf, Array(first.dropLast(2)), second])
    let counts = try bench.run(cacheBytes: 64 << 10)
    #expect(counts.folded == 2 && counts.deadLetters == 5)
    let enriched = try bench.read("orders.enriched").compactMap { bytes in
      bytes.withUnsafeBytes { EnrichedOrderValue(protobuf: $0) }?.snapshot?.orderId
    }
    #expect(enriched == ["c1-o0", "c2-o0"])
    let letters = try bench.read("orders.dlq").compactMap { bytes in
      bytes.withUnsafeBytes { DeadLetterValue(protobuf: $0) }
    }
    #expect(letters.map(\.position) == [1, 2, 3, 4, 5])
    #expect(letters.allSatisfy { $0.stage == "enrich" && $0.source == "orders" && $0.partition == 0 })
    #expect(
      letters.map { $0.problems.first?.code } == ["record.tombstone"]
        + Array(repeating: "record.malformed", count: 4))
    // The bytes are there, sealed.
    #expect(letters[0].sealedBody.isEmpty)
    #expect(letters[1].sealedBody.withUnsafeBytes { bench.seal.open($0) } == [0xFF, 0xFF, 0xFF])
  }

  private static func context(customer: Int, order: Int, atMinute minute: Int64, ip: String = "8.8.8.8")
    -> ContextEventValue
  {
    let snapshot = snapshot(customer: customer, order: order, version: 1, atMinute: 0)
    var context = ContextEventValue()
    context.mallId = snapshot.mallId
    context.shopNo = snapshot.shopNo
    context.orderId = snapshot.orderId
    context.customer = snapshot.customer
    context.ip = ip
    context.at = Instant(microseconds: start + minute * 60_000_000)
    return context
  }

  @Test func contextsAreFoldedWhateverComesFirstAndAReplayGivesEqualBytes() throws {
    var events = Self.stream(customers: 60, seed: 43)
    for customer in 0..<60 {
      for order in 0..<3 {
        events.append(Self.context(customer: customer, order: order, atMinute: 1).ordersValue)
        events.append(Self.context(customer: customer, order: order, atMinute: 50, ip: "1.2.3.4").ordersValue)
      }
    }
    var generator = SeededGenerator.announced("contexts", seed: 44)
    events.shuffle(using: &generator)
    let whole = try EnrichBench(reference: Self.reference)
    try whole.send(events)
    let counts = try whole.run(cacheBytes: 64 << 20)
    #expect(counts.contexts == 360 && counts.deadLetters == 0)
    let expected = try whole.read("orders.enriched")
    let countries = Set(expected.compactMap { EnrichedOrderValue(protobuf: $0)?.facts?.ipCountry })
    #expect(countries == ["", "US", "KR"])
    for record in expected { #expect(!String(decoding: record, as: UTF8.self).contains("8.8.8.8")) }

    let broken = try EnrichBench(reference: Self.reference)
    try broken.send(events)
    _ = try broken.run(cacheBytes: 64 << 10, dyingAt: 200)
    _ = try broken.run(cacheBytes: 64 << 10, dyingAt: 500)
    _ = try broken.run(cacheBytes: 64 << 10)
    var seen: Set<[UInt8]> = []
    #expect(try broken.read("orders.enriched").filter { seen.insert($0).inserted } == expected)
  }

  private static let reference: ReferenceData = {
    var builder = ReferenceBuilder()
    let rows = "134217728,150994943,US\n16777216,33554431,KR\n"
    Array(rows.utf8).withUnsafeBytes { builder.add(.geo, $0, file: "geo.csv") }
    return builder.build()
  }()

  @Test func aContextThatCannotBeUsedBecomesADeadLetter() throws {
    let bench = try EnrichBench(reference: Self.reference)
    let sound = Self.context(customer: 1, order: 0, atMinute: 1)
    var ownerless = sound
    ownerless.customer = nil
    var nameless = sound
    nameless.orderId = ""
    try bench.send([
      sound.ordersValue, ownerless.ordersValue, nameless.ordersValue, Array(sound.ordersValue.dropLast()),
      [0xFA, 0x01], Self.snapshot(customer: 1, order: 0, version: 1, atMinute: 2).protobuf,
    ])
    let counts = try bench.run(cacheBytes: 64 << 10)
    #expect(counts.contexts == 1 && counts.folded == 1 && counts.deadLetters == 4)
    let letters = try bench.read("orders.dlq").compactMap { DeadLetterValue(protobuf: $0) }
    #expect(
      letters.map { $0.problems.first?.code } == [
        "record.malformed", "fold.refused", "record.malformed", "record.malformed",
      ])
    let records = try bench.read("orders.enriched").compactMap { EnrichedOrderValue(protobuf: $0) }
    #expect(records.map { $0.facts?.ipCountry } == ["US"])
  }

  @Test func aDuplicateIsEmittedAgainAndASiblingIsReEmitted() throws {
    let bench = try EnrichBench()
    let first = Self.snapshot(customer: 1, order: 0, version: 1, atMinute: 0)
    let second = Self.snapshot(customer: 1, order: 1, version: 1, atMinute: 20)
    try bench.send([first.protobuf, second.protobuf, second.protobuf])
    let counts = try bench.run(cacheBytes: 64 << 10, durability: .scratch)
    #expect(counts.folded == 3 && counts.duplicates == 1 && counts.emitted == 4)
    let records = try bench.read("orders.enriched").compactMap { bytes in
      bytes.withUnsafeBytes { EnrichedOrderValue(protobuf: $0) }
    }
    // Twenty minutes apart at one door: the second order makes the first one bundle.
    #expect(records.map { $0.snapshot?.orderId } == ["c1-o0", "c1-o1", "c1-o0", "c1-o1"])
    #expect(records.map { $0.facts?.bundlePartners } == [0, 1, 1, 1])
    #expect(records.map(\.own) == [true, true, false, true])
    #expect(records.map(\.position.offset) == [0, 1, 1, 2])
    #expect(records.map(\.position.n) == [0, 0, 1, 0])
  }
}
