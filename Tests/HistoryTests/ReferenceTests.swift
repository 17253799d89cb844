import Orders
import Testing

@testable import History

private func reference(_ files: [(ReferenceKind, String)]) -> (
  data: ReferenceData, problems: [ReferenceProblem]
) {
  var builder = ReferenceBuilder()
  for (kind, text) in files {
    Array(text.utf8).withUnsafeBytes { builder.add(kind, $0, file: kind.fileName) }
  }
  let data = builder.build()
  return (data, builder.problems)
}

@Suite struct ReferenceTests {
  @Test func zonesGoByZipThenByTheLeadingTokensNeverByDetail() throws {
    let zones = reference([
      (.zones, "from_zip,to_zip,region,name\n63000,63644,제주,제주\n40200,40240,도서산간,울릉\n")
    ]).data
    func zone(_ change: (inout SnapshotBuilder.Receiver) -> Void) throws -> ReadRecord.Facts {
      let bench = Bench(zones)
      try bench.fold(SnapshotBuilder("A", at: 0).with { change(&$0.receivers[0]) })
      return bench.facts("A")
    }
    #expect(try zone { $0.zip = "63000" }.zones == ["제주"])
    #expect(try zone { $0.zip = "63644" }.zones == ["제주"])
    #expect(try zone { $0.zip = "63645" }.zones == ["none"])
    #expect(try zone { $0.zip = "62999" }.zones == ["none"])
    #expect(try zone { $0.zip = "40200" }.zones == ["도서산간"])
    for name in ["제주특별자치도", "제주도", "제주"] {
      #expect(try zone { $0.region1 = name }.zones == ["제주"])
    }
    for (province, county) in [("경북", "울릉군"), ("인천광역시", "옹진군"), ("전라남도", "신안군")] {
      #expect(try zone { ($0.region1, $0.region2) = (province, county) }.zones == ["도서산간"])
    }
    // Decoys: a bank's or a restaurant's name, a county of another province, a zip of six digits.
    #expect(try zone { $0.region2 = "제주은행" }.zones == ["none"])
    #expect(try zone { $0.region1 = "제주식당" }.zones == ["none"])
    #expect(try zone { ($0.region1, $0.region2) = ("경기도", "울릉군") }.zones == ["none"])
    #expect(try zone { $0.zip = "630001" }.zones == ["none"])
    // Abroad is not 제주; Korea said aloud is.
    #expect(try zone { ($0.zip, $0.country) = ("63000", "US") }.zones == ["none"])
    #expect(try zone { ($0.zip, $0.country) = ("63000", "KOR") }.zones == ["제주"])
    let pending = try zone { ($0.zip, $0.region1, $0.region2, $0.hasAddress) = ("", "", "", false) }
    #expect(pending.zones == [])
    #expect(pending.zoneMissing)
  }

  @Test func anOrderHasTheZonesOfAllItsReceivers() throws {
    let bench = Bench()
    let island = SnapshotBuilder.Receiver(number: 2, zip: "", region1: "제주")
    let nowhere = SnapshotBuilder.Receiver(number: 3, zip: "", region1: "", region2: "", hasAddress: false)
    try bench.fold(SnapshotBuilder("A", at: 0).with { $0.receivers += [island, island, nowhere] })
    #expect(bench.facts("A").zones == ["none", "제주"])
    #expect(bench.facts("A").zoneMissing)
    try bench.fold(SnapshotBuilder("A", version: 2, at: 1, placed: 0).with { $0.receivers = [] })
    #expect(bench.facts("A").zones == [])
    #expect(bench.facts("A").zoneMissing)
  }

  @Test func eachOfSeveralReceiversHasItsZoneAlsoAfterAReload() throws {
    let zones = reference([(.zones, "from_zip,to_zip,region,name\n63000,63644,제주,제주\n")]).data
    let island = SnapshotBuilder.Receiver(number: 2, zip: "63100")
    let nowhere = SnapshotBuilder.Receiver(number: 3, zip: "", region1: "", region2: "", hasAddress: false)
    let order = SnapshotBuilder("A", at: 0).with { $0.receivers += [nowhere, island, island] }
    let bench = Bench(zones)
    try bench.fold(order)
    #expect(bench.facts("A").receiverZones == ["none", "", "제주", "제주"])
    let whole = bench.last["A"]?.comparable
    try bench.reload()
    try bench.fold(order)
    #expect(bench.last["A"]?.comparable == whole)
    // The zones are those of when the order was folded, not of the table of today.
    let other = Bench(reference([(.zones, "from_zip,to_zip,region,name\n1000,2000,제주,제주\n")]).data)
    other.customer = bench.customer
    try other.fold(SnapshotBuilder("B", at: 1))
    try other.fold(order)
    #expect(other.facts("A").receiverZones == ["none", "", "제주", "제주"])
    // One receiver, or none: the order's zones say it all.
    try bench.fold(SnapshotBuilder("C", at: 2))
    #expect(bench.facts("C").receiverZones == [] && bench.facts("C").zones == ["none"])
  }

  @Test func listsAreHalfOpenByPlacedAtAndSkipGiftsAndCancelledItems() throws {
    let data = reference([
      (
        .lists,
        "\u{FEFF}valid_to,note,sku,list,valid_from\r\n,x,S1,new,\r\n"
          + "2026-10-01T00:10:00+09:00,\"a,\"\"b\"\"\",P2,event,2026-10-01T00:05:00+09:00\r\n"
      )
    ])
    #expect(data.problems == [])
    let demand = FactDemand(lists: ["event", "best", "new"])
    func bits(_ minute: Int64) throws -> [UInt64] {
      let bench = Bench(data.data, demand)
      try bench.fold(
        SnapshotBuilder("A", at: minute).with {
          $0.items = [
            .init(product: "P2", sku: "S2"), .init(code: "i2"), .init(code: "i3", status: "C40"),
            .init(code: "i4", isGift: true),
          ]
        })
      #expect(bench.facts("A").lists == ["event", "new"])
      #expect(bench.facts("A").listsMissing == ["best"])
      return bench.facts("A").itemLists
    }
    #expect(try bits(4) == [0, 2, 0, 0])
    #expect(try bits(5) == [1, 2, 0, 0])
    #expect(try bits(9) == [1, 2, 0, 0])
    #expect(try bits(10) == [0, 2, 0, 0])
  }

  @Test func stockIsTheLastLevelLessTheOrdersOwnQuantityAndGrowsStale() throws {
    let data = reference([
      (
        .stock,
        "sku,quantity,safety,as_of\nS1,10,3,2026-10-01T00:00:00+09:00\nS1,7,2,2026-10-01T00:20:00+09:00\n"
      )
    ]).data
    func facts(_ minute: Int64) throws -> ReadRecord.Facts {
      let bench = Bench(data, FactDemand(needsStock: true))
      try bench.fold(
        SnapshotBuilder("A", at: minute).with {
          $0.items = [
            .init(quantity: 2), .init(code: "i2", quantity: 3), .init(code: "i3", quantity: 9, status: "C40"),
          ]
        })
      return bench.facts("A")
    }
    #expect(try facts(19).stock == [[0, 5, 3], [1, 5, 3]])
    #expect(try facts(20).stock == [[0, 2, 2], [1, 2, 2]])
    #expect(try facts(20).stockMissing == false)
    #expect(try facts(20 + 1440).stock == [[0, 2, 2], [1, 2, 2]])
    #expect(try facts(21 + 1440).stock == [])
    #expect(try facts(21 + 1440).stockMissing)
    #expect(try facts(-1).stockMissing)
  }

  @Test func holidaysAreCivilDatesOfTheShop() throws {
    let data = reference([(.holidays, "date,name\n2026-10-01,x\n")]).data
    let bench = Bench(data)
    try bench.fold(SnapshotBuilder("A", at: 0).with { $0.paidAt = SnapshotBuilder.minute(1440) })
    #expect(bench.facts("A").placedHoliday)
    #expect(!bench.facts("A").paidHoliday)
    try bench.fold(SnapshotBuilder("B", at: -1))
    #expect(!bench.facts("B").placedHoliday)
    try bench.fold(SnapshotBuilder("C", at: 1439))
    #expect(bench.facts("C").paidHoliday)
  }

  @Test func countriesComeFromRangesAndUnknownOnesAreMissing() {
    let text = """
      # comment
      first,last,country
      134744064,134744319,US
      "168.126.0.0","168.126.255.255",kr
      2001:2d8::,2001:2d8:ffff:ffff:ffff:ffff:ffff:ffff,KR
      3221225984,3221226239,DE
      50331648,50331903,??
      50331904,50332159,AP
      83886080,83886335,EU
      """
    let geo = reference([(.geo, text)])
    #expect(geo.problems == [])
    #expect(geo.data.geo.rangeCount == 7)
    let answers: [(String, String?)] = [
      ("8.8.8.8", "US"), ("::ffff:8.8.8.8", "US"), ("::ffff:0808:0808", "US"), ("168.126.63.1", "KR"),
      ("2001:2d8::1", "KR"), ("2001:2d9::1", nil), ("192.0.2.1", nil), ("3.0.0.1", nil), ("3.0.1.1", nil),
      ("5.0.0.1", "EU"), ("08.8.8.8", nil), ("8.8.8.256", nil), ("8.8.8", nil), ("8.8.8.8.", nil), ("", nil),
      ("::ffff:10.0.0.1", nil), ("1.1.1.1", nil), ("2001:2d8::1::", nil), (":", nil), ("2001:2d8", nil),
      ("2001:2d8:0:0:0:0:0:1", "KR"), ("2001:2d8:0:0:0:0:0:0:1", nil), ("2001:2d8::%eth0", nil),
    ]
    for (address, country) in answers {
      #expect(geo.data.geo.country(of: address) == country, "\(address)")
    }
  }

  @Test func specialAddressesAreNotPublic() {
    let special = [
      "0.1.2.3", "10.1.1.1", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.31.255.255", "192.168.0.1",
      "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "255.255.255.255", "::", "::1", "fc00::1",
      "fd12::1", "fe80::1", "ff02::1", "2001:db8::1", "3fff::1", "100::1",
    ]
    for text in special {
      let address = Array(text.utf8).withUnsafeBytes { IPAddress($0) }
      #expect(address?.isPublic == false, "\(text)")
    }
    for text in ["100.128.0.1", "172.32.0.1", "8.8.8.8", "2001:db9::1", "2a00::1", "fbff::1"] {
      let address = Array(text.utf8).withUnsafeBytes { IPAddress($0) }
      #expect(address?.isPublic == true, "\(text)")
    }
  }

  @Test func unsoundLinesAreReportedAndTheOthersKept() {
    let (data, problems) = reference([
      (
        .zones, "from_zip,to_zip,region\n63000,63010,제주\n63005,63020,제주\n1,2,x\n63030,63029,x\n63100,63200,\n"
      ),
      (.lists, "list,sku,valid_from,valid_to\nnew,S1,2026-10-01,\n,S1,,\nnew,\"S2\n"),
      (.stock, "sku,quantity,as_of\nS1,1,2026-10-01T00:00:00Z\n"),
      (.holidays, "date\n2026-02-29\n2026-03-01\n"),
      (.geo, "9,1,KR\n20,30,KR\n10,22,US\nx,y\n1,2,KOR\n"),
    ])
    func lines(_ kind: ReferenceKind) -> [Int] { problems.filter { $0.file == kind.fileName }.map(\.line) }
    #expect(lines(.zones) == [4, 5, 6, 3])
    #expect(lines(.lists) == [2, 3, 4])
    #expect(lines(.stock) == [1])
    #expect(lines(.holidays) == [2])
    #expect(lines(.geo) == [1, 4, 5, 2])
    #expect(data.zoneRangeCount == 1)
    #expect(data.geo.rangeCount == 1)
    #expect(data.holidays.count == 1)
    #expect(problems.allSatisfy { !$0.expected.isEmpty && !$0.hint.isEmpty })
  }

  @Test func theEditionFollowsTheContentAndAKindCanBeReplaced() throws {
    let geo = "134744064,134744319,US\n"
    let one = reference([(.geo, geo), (.holidays, "date\n2026-10-01\n")]).data
    let same = reference([(.holidays, "date\n2026-10-01\n"), (.geo, geo)]).data
    let other = reference([(.geo, geo), (.holidays, "date\n2026-10-02\n")]).data
    #expect(one.edition == same.edition)
    #expect(one.edition != other.edition)
    var builder = ReferenceBuilder(startingFrom: one)
    Array("date\n2026-10-02\n".utf8).withUnsafeBytes { builder.add(.holidays, $0, file: "h") }
    let next = builder.build()
    #expect(next.edition == other.edition)
    #expect(next.geo.country(of: "8.8.8.8") == "US")
    #expect(next.holidays == other.holidays)
  }
}
