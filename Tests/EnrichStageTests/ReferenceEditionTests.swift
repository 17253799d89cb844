import History
import LaneTestKit
import Orders
import ReferenceEditions
import Stage
import TestKit
import Testing
import Topics

@testable import EnrichStage

/// Editions of reference data: imported, put in force, and judged by from a recorded position on, in lanes on an
/// embedded broker.
@Suite(.serialized)
struct ReferenceEditionTests {
  /// Only `base` is asked for: the edition with it tells itself by its bit.
  private static func lists(_ name: String) -> ReferencePublisher.File {
    file(.lists, "list,sku,valid_from,valid_to\n\(name),S1,,\n")
  }

  private static func file(_ kind: ReferenceKind, _ text: String) -> ReferencePublisher.File {
    ReferencePublisher.File(kind, name: "somewhere/\(kind.fileName)", bytes: Array(text.utf8))
  }

  private static func withPublisher<Result>(
    _ bench: DemandBench, _ body: (ReferencePublisher) throws -> Result
  ) throws -> Result {
    let publisher = try ReferencePublisher(bench.access, nowUs: { 1_790_000_000_000_000 })
    defer { publisher.close() }
    return try body(publisher)
  }

  @discardableResult
  private static func importAndActivate(_ bench: DemandBench, _ files: [ReferencePublisher.File]) throws
    -> ReferenceActivationValue
  {
    try withPublisher(bench) { publisher in
      let edition = try publisher.publish(files, parent: publisher.current, author: "test", note: "").edition
      return try publisher.activate(edition.hash, author: "test", note: "")
    }
  }

  private static func order(_ customer: Int, _ number: Int = 0) -> [UInt8] {
    EnrichProcessorTests.snapshot(
      customer: customer, order: number, version: 1, atMinute: Int64(customer)
    ).protobuf
  }

  private static func orders(_ customers: Range<Int>, _ number: Int = 0) -> [[UInt8]] {
    customers.map { order($0, number) }
  }

  /// As an owner writes it.
  private static func switchTo(_ one: ReferenceActivationValue, _ bench: DemandBench, partition: Int32 = 0)
    throws
  {
    try bench.send(
      [ReferenceSwitchValue(number: one.number, hash: one.hash).ordersValue], partition: partition)
  }

  private static func editions(_ bench: DemandBench) throws -> [(
    offset: Int64, edition: String, listed: Bool
  )] {
    try bench.emitted().map {
      ($0.position.offset, $0.factsEdition, $0.facts?.itemLists.contains(1) ?? false)
    }
  }

  /// 30 orders, a switch record, 30 more of the same customers.
  private static func mixed() throws -> (bench: DemandBench, edition: String) {
    let bench = try DemandBench(withReference: true)
    let one = try importAndActivate(bench, [lists("base")])
    try bench.send(orders(0..<30))
    try switchTo(one, bench)
    try bench.send(orders(0..<30, 1))
    return (bench, String(one.hash.prefix(12)))
  }

  @Test func ordersAreJudgedByTheEditionFromWhereItsRecordLies() throws {
    let (bench, edition) = try Self.mixed()
    let counts = try bench.run(followsReference: true)
    #expect(counts.folded == 60 && counts.deadLetters == 0)
    let found = try Self.editions(bench)
    // A sibling is emitted with the second order of each customer.
    #expect(found.count == 90)
    for (offset, name, listed) in found {
      #expect((name == edition) == (offset > 30), "at \(offset)")
      #expect(listed == (offset > 30), "at \(offset)")
    }
    #expect(
      bench.referenceReports.filter { if case .switched = $0 { true } else { false } } == [
        .switched(partition: 0, offset: 30, number: 1, edition: edition)
      ])
  }

  @Test(arguments: [30, 31, 45]) func aCrashAfterTheRecordAndBeforeTheStateCommitGivesEqualBytes(
    _ stopAt: Int64
  ) throws {
    let whole = try Self.mixed().bench
    try whole.run(followsReference: true)
    let expected = try whole.emitted()
    let broken = try Self.mixed().bench
    try broken.run(dyingAt: stopAt, followsReference: true)
    let first = try broken.read("orders.enriched").count
    // Meanwhile another one came into force: what lies before its record does not go by it.
    try Self.importAndActivate(broken, [Self.lists("other")])
    try broken.run(followsReference: true)
    #expect(first > 0)
    #expect(try broken.read("orders.enriched").count > expected.count)
    #expect(try broken.emitted() == expected)
  }

  @Test func theOwnerWritesTheRecordAndGoesOnByItAfterARestartAndInAReplay() throws {
    let bench = try DemandBench(withReference: true)
    try bench.send(Self.orders(0..<5))
    try bench.run(followsReference: true)
    for (round, name) in ["base", "other", "base"].enumerated() {
      let one = try Self.importAndActivate(bench, [Self.lists(name)])
      try bench.run(followsReference: true) { _ in
        bench.referenceReports.contains {
          if case .switched(_, _, one.number, _) = $0 { true } else { false }
        }
      }
      try bench.send(Self.orders(0..<5, round + 1))
      try bench.run(followsReference: true) { _ in
        try bench.emitted().contains { $0.snapshot?.orderId == "c4-o\(round + 1)" && $0.own }
      }
    }
    let expected = try bench.read("orders.enriched")
    let own = try bench.emitted().filter { $0.own }
    #expect(Set(own.map(\.factsEdition)).count == 3)
    for record in own {
      let round = record.snapshot?.orderId.last ?? "?"
      #expect((record.facts?.itemLists.contains(1) ?? false) == (round == "1" || round == "3"), "\(round)")
    }
    let replay = try DemandBench(withReference: true)
    let records = try bench.access.records("reference")
    try replay.send(records.compactMap(\.value), to: "reference", keys: records.map(\.key))
    try replay.send(try bench.read("orders"))
    try replay.run(followsReference: true)
    #expect(try replay.read("orders.enriched") == expected)
  }

  @Test func aStaleOrRepeatedRecordIsPassedOverAndPartitionsGoByTheirOwn() throws {
    let bench = try DemandBench(partitions: 2, withReference: true)
    let first = try Self.importAndActivate(bench, [Self.lists("base")])
    let second = try Self.importAndActivate(bench, [Self.lists("other")])
    try Self.switchTo(second, bench)
    try Self.switchTo(first, bench)
    try Self.switchTo(second, bench)
    try bench.send(Self.orders(0..<3))
    try Self.switchTo(first, bench, partition: 1)
    try bench.send(Self.orders(10..<13), partition: 1)
    try bench.run(followsReference: true)
    for record in try bench.emitted() {
      let expected = record.position.partition == 0 ? second.hash : first.hash
      #expect(record.factsEdition == String(expected.prefix(12)))
    }
    #expect(
      bench.referenceReports.count { if case .switched(0, _, _, _) = $0 { true } else { false } } == 1)
  }

  @Test func kindsThatAnEditionHasNoFileOfAreThoseOfTheConfiguration() throws {
    let bench = try DemandBench(withReference: true)
    var builder = ReferenceBuilder()
    Array("date,name\n2026-10-01,x\n".utf8).withUnsafeBytes {
      builder.add(.holidays, $0, file: "holidays.csv")
    }
    Self.lists("base").bytes.withUnsafeBytes { builder.add(.lists, $0, file: "lists.csv") }
    let base = builder.build()
    let loader = ReferenceLoader(bench.access, topic: "reference")
    let one = try Self.importAndActivate(bench, [Self.lists("other")])
    let registry = try Self.withPublisher(bench) { $0.registry }
    let data = try loader.load(one.hash, registry, over: base)
    #expect(data.holidays == base.holidays && data.listNames == ["other"])
    #expect(data.edition == "\(one.hash.prefix(12))+\(base.edition)")
    #expect(try loader.load("", registry, over: base) === base)
    #expect(try loader.load(one.hash, registry, over: .empty).edition == String(one.hash.prefix(12)))
  }

  // MARK: Importing

  @Test func everythingWrongIsToldAtOnceWithFileAndLineAndNothingIsWritten() throws {
    let bench = try DemandBench(withReference: true)
    let files = [
      Self.file(.lists, "list,sku,valid_from,valid_to\nnew,S1,yesterday,\nnew,S2,,\n,S3,,\n"),
      Self.file(.zones, "from_zip,to_zip,region\n63010,63000,제주\n"),
    ]
    try Self.withPublisher(bench) { publisher in
      let problems = #expect(throws: ReferenceProblems.self) {
        try publisher.publish(files, parent: "", author: "test", note: "")
      }
      let places = problems?.lines.map { $0.split(separator: ":").prefix(2).joined(separator: ":") }
      #expect(
        Set(places ?? []) == ["somewhere/lists.csv:2", "somewhere/lists.csv:4", "somewhere/zones.csv:2"])
      #expect(publisher.registry.end == 0)
      let done = try publisher.publish(files, parent: "", author: "test", note: "", leavesOut: true)
      #expect(done.leftOut.count == 3 && done.edition.files.map(\.name) == ["zones.csv", "lists.csv"])
    }
  }

  @Test func anEditionKeepsWhatIsNotGivenAndSharedFilesLieThereOnce() throws {
    let bench = try DemandBench(withReference: true)
    // Two parts and a bit.
    let geo = (0..<70_000).map { "\($0 * 256 + 16_777_216),\($0 * 256 + 16_777_471),US\n" }.joined()
    try Self.withPublisher(bench) { publisher in
      let first = try publisher.publish(
        [Self.file(.geo, geo), Self.lists("base")], parent: "", author: "test", note: ""
      ).edition
      #expect(first.files.map(\.kind) == ["lists", "geo"] && first.files[1].chunks == 3)
      let before = publisher.registry.end
      let second = try publisher.publish([Self.lists("other")], parent: first.hash, author: "test", note: "")
      #expect(second.edition.files[1] == first.files[1] && second.edition.parent == first.hash)
      // One part and the edition.
      #expect(publisher.registry.end == before + 2)
      let again = try publisher.publish([Self.lists("other")], parent: first.hash, author: "x", note: "y")
      #expect(again.wasThere && again.edition == second.edition && publisher.registry.end == before + 2)
      let loader = ReferenceLoader(bench.access, topic: "reference")
      let data = try loader.load(second.edition.hash, publisher.registry, over: .empty)
      #expect(data.geo.rangeCount == 70_000 && data.geo.country(of: "1.0.1.1") == "US")
    }
  }

  @Test func levelsOfStockAreAddedAndACrossingKeepsItsName() throws {
    let bench = try DemandBench(withReference: true)
    func stock(_ rows: String) -> ReferencePublisher.File {
      Self.file(.stock, "sku,quantity,safety,as_of\n" + rows)
    }
    let texts = try Self.withPublisher(bench) { publisher in
      var texts: [String] = []
      for rows in [
        "S1,50,5,2026-10-01T00:00:00+09:00\nS1,4,5,2026-10-02T00:00:00+09:00\n\"S,2\",9,5,2026-08-01T00:00:00+09:00\n",
        "S1,3,5,2026-11-20T00:00:00+09:00\nS1,6,5,2026-10-02T00:00:00+09:00\n",
      ] {
        let edition = try publisher.publish(
          [stock(rows)], parent: publisher.current, author: "test", note: ""
        ).edition
        try publisher.activate(edition.hash, author: "test", note: "")
        texts.append(String(decoding: try publisher.bytes(of: edition.files[0]), as: UTF8.self))
      }
      return texts
    }
    // The level that names the crossing stays, however old; the later import counts for one instant.
    #expect(
      texts.last == """
        sku,quantity,safety,as_of
        "S,2",9,5,2026-08-01T00:00:00+09:00
        S1,50,5,2026-10-01T00:00:00+09:00
        S1,6,5,2026-10-02T00:00:00+09:00
        S1,3,5,2026-11-20T00:00:00+09:00

        """)
  }

  // MARK: Trouble

  /// Parts lost or changed on the topic: told, and what was in force stays.
  @Test(arguments: [true, false]) func aDamagedEditionIsRefusedAndTheFormerOneStays(_ isLost: Bool) throws {
    let whole = try DemandBench(withReference: true)
    try Self.importAndActivate(whole, [Self.lists("base")])
    let second = try Self.importAndActivate(whole, [Self.lists("other")])
    let broken = try DemandBench(withReference: true)
    let bad = Self.lists("other").bytes
    for record in try whole.access.records("reference") {
      guard var value = record.value else { continue }
      if ReferenceChunkValue(protobuf: value)?.data == bad {
        if isLost { continue }
        value[value.count - 4] ^= 1
      }
      try broken.send([value], to: "reference", keys: [record.key])
    }
    let first = try #require(try Self.withPublisher(broken) { $0.registry.activations.first })
    try Self.switchTo(first, broken)
    try broken.send(Self.orders(0..<3))
    try broken.run(followsReference: true) { _ in
      broken.referenceReports.contains { if case .refused(2, second.hash, _) = $0 { true } else { false } }
    }
    #expect(
      try Self.editions(broken).map(\.edition) == Array(repeating: String(first.hash.prefix(12)), count: 3))
    let refusal = broken.referenceReports.compactMap { report in
      if case .refused(_, _, let reason) = report { reason } else { nil }
    }
    #expect(refusal.count == 1 && refusal[0].contains(isLost ? "lacks 1 of 1 parts" : "is damaged"))
    // A record that names it stops the lane: nothing is judged by another one.
    try Self.switchTo(second, broken)
    try broken.send(Self.orders(3..<5))
    #expect { try broken.run(followsReference: true) } throws: { error in
      (error as? DemandBench.Failure)?.text.contains("\(second.hash.prefix(12))") == true
    }
    #expect(try Self.editions(broken).count == 3)
    // Imported again it is whole, and the partition goes on.
    try Self.withPublisher(broken) { publisher in
      _ = try publisher.publish([Self.lists("other")], parent: "", author: "test", note: "")
    }
    if isLost {
      try broken.run(followsReference: true)
      #expect(
        try Self.editions(broken).suffix(2).map(\.edition)
          == Array(repeating: String(second.hash.prefix(12)), count: 2))
    }
  }

  @Test func withoutTheTopicARecordStopsTheLaneAndFilesPassItOver() throws {
    let bench = try DemandBench()
    try bench.send(Self.orders(0..<1))
    try bench.send([ReferenceSwitchValue(number: 4, hash: "abc").ordersValue])
    try bench.send(Self.orders(1..<2))
    #expect(throws: DemandBench.Failure.self) { try bench.run(followsReference: true) }
    #expect(bench.referenceReports.contains(.noTopic("reference")))
    let counts = try bench.run(followsReference: false)
    #expect(counts.deadLetters == 0)
    #expect(try bench.emitted().count == 2)
  }

  @Test func aMalformedRecordIsADeadLetter() throws {
    let bench = try DemandBench(withReference: true)
    try bench.send([ReferenceSwitchValue(number: 0, hash: "").ordersValue])
    try bench.send(Self.orders(0..<1))
    #expect(try bench.run(followsReference: true).deadLetters == 1)
  }

  @Test func ofTwoWhoActivateAtOnceOneCounts() {
    var registry = ReferenceRegistry()
    func fold(_ number: Int64, _ token: String, _ offset: Int64) {
      var one = ReferenceActivationValue()
      (one.number, one.token, one.author) = (number, token, token)
      Array("activation/\(number)/\(token)".utf8).withUnsafeBytes { key in
        one.protobuf.withUnsafeBytes { registry.fold(key: key, value: $0, offset: offset) }
      }
    }
    fold(1, "a", 0)
    fold(1, "b", 1)
    fold(1, "a", 2)
    fold(3, "c", 3)
    fold(2, "d", 4)
    #expect(registry.activations.map(\.author) == ["a", "d"] && registry.lostCount == 2)
    // What was taken already is passed over.
    fold(3, "e", 4)
    #expect(registry.activations.count == 2 && registry.end == 5)
  }
}
