import Orders
import Testing

@testable import History

/// What an order's facts say of its IP address and of where it goes (D17, D18).
struct GeoZoneTests {
  private static func reference(_ files: [(ReferenceKind, String)]) -> ReferenceData {
    var builder = ReferenceBuilder()
    for (kind, text) in files {
      Array(text.utf8).withUnsafeBytes { builder.add(kind, $0, file: kind.fileName) }
    }
    let data = builder.build()
    #expect(builder.problems.isEmpty)
    return data
  }

  private static let geo = reference([
    (
      .geo,
      """
      8.8.8.0,8.8.8.255,US
      168.126.0.0,168.126.255.255,KR
      2001:2d8::,2001:2d8:ffff:ffff:ffff:ffff:ffff:ffff,KR
      2001:4860::,2001:4860:ffff:ffff:ffff:ffff:ffff:ffff,US
      # Said of addresses that say nothing of a country: left out all the same.
      10.0.0.0,10.255.255.255,US
      100.64.0.0,100.127.255.255,US
      fc00::,fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,US
      """
    )
  ])

  private static let korean = [
    "168.126.63.1", "::ffff:168.126.63.1", "::FFFF:168.126.63.1", "0:0:0:0:0:ffff:a87e:3f01",
    "0000:0000:0000:0000:0000:ffff:168.126.63.1", "2001:2d8::1", "2001:02D8:0:0:0:0:0:1",
  ]
  private static let foreign = ["8.8.8.8", "::ffff:8.8.8.8", "::ffff:808:808", "2001:4860:4860::8888"]
  private static let unknown = [
    "", "unknown", "10.1.2.3", "::ffff:10.1.2.3", "100.64.0.1", "100.127.255.254", "::ffff:100.64.0.1",
    "192.168.0.1", "172.16.0.1", "127.0.0.1", "::1", "fd00::1", "fe80::1", "169.254.0.1", "9.9.9.9", "2a00::1",
    "8.8.8.8, 10.0.0.1", "8.8.8.8:443", "::ffff:8.8.8", "08.8.8.8",
  ]

  @Test func anAddressIsKoreanOrForeignOrSaysNothing() throws {
    func country(_ address: String) throws -> String {
      let bench = Bench(Self.geo)
      try bench.fold(SnapshotBuilder("A", at: 0).with { $0.ip = address })
      return bench.facts("A").country
    }
    for address in Self.korean { #expect(try country(address) == "KR", "\(address)") }
    for address in Self.foreign { #expect(try country(address) == "US", "\(address)") }
    for address in Self.unknown { #expect(try country(address) == "", "\(address)") }
  }

  @Test func theZipComesBeforeTheProvinceAndTheProvinceOnlyWhereTheTableDoesNotHaveTheZip() throws {
    let data = Self.reference([
      (.zones, "from_zip,to_zip,region,name\n63000,63644,제주,제주\n40200,40240,도서산간,울릉\n6000,6999,none,서울\n")
    ])
    func zones(_ zip: String, _ first: String, _ second: String = "") throws -> [String] {
      let bench = Bench(data)
      try bench.fold(
        SnapshotBuilder("A", at: 0).with {
          ($0.receivers[0].zip, $0.receivers[0].region1, $0.receivers[0].region2) = (zip, first, second)
        })
      return bench.facts("A").zones
    }
    #expect(try zones("63100", "서울특별시", "강남구") == ["제주"])
    #expect(try zones("40201", "제주특별자치도", "제주시") == ["도서산간"])
    #expect(try zones("06236", "제주특별자치도", "제주시") == ["none"])
    // Not in the table, not five digits, or none: the province.
    for zip in ["99999", "630", "63-100", "630100", ""] {
      #expect(try zones(zip, "제주특별자치도", "제주시") == ["제주"], "\(zip)")
      #expect(try zones(zip, "서울특별시", "강남구") == ["none"], "\(zip)")
    }
  }

  @Test(arguments: [
    ("서울특별시", "제주시"), ("경기도", "제주특별자치도"), ("제주은행", "서귀포시"), ("제주식당", ""), ("(제주)", ""),
    ("신제주", "제주시"), ("제주특별자치도청", ""), ("경상남도", "울릉군"), ("경북", "울릉군청"), ("전남", "신안군민회관"),
    ("인천", "옹진군도"), ("울릉군", "경북"), ("제주시", "노형동"),
  ]) func aWordInAnotherPlaceIsNoIsland(_ first: String, _ second: String) throws {
    let bench = Bench()
    try bench.fold(
      SnapshotBuilder("A", at: 0).with {
        ($0.receivers[0].zip, $0.receivers[0].region1, $0.receivers[0].region2) = ("", first, second)
      })
    #expect(bench.facts("A").zones == ["none"])
  }

  /// Edited lists, read again: an order is judged by what was valid when it was placed.
  @Test func aListIsJudgedAsOfTheOrdersTimeWheneverItIsRead() throws {
    let before = Self.reference([(.lists, "list,sku,valid_from,valid_to\nevent,S1,,\n")])
    let after = Self.reference([
      (.lists, "list,sku,valid_from,valid_to\nevent,S1,,2026-10-01T00:10:00+09:00\n")
    ])
    func isListed(_ data: ReferenceData, _ minute: Int64) throws -> Bool {
      let bench = Bench(data, FactDemand(lists: ["event"]))
      try bench.fold(SnapshotBuilder("A", at: minute).with { $0.items = [.init(product: "P1", sku: "S1")] })
      return bench.facts("A").itemLists == [1]
    }
    for minute in [0, 9] as [Int64] {
      #expect(try isListed(before, minute))
      #expect(try isListed(after, minute))
    }
    #expect(try isListed(before, 10))
    #expect(try !isListed(after, 10))
  }
}
