import Testing

@testable import History

@Suite struct CountryMemoTests {
  private func table(_ text: String) -> GeoTable {
    var builder = ReferenceBuilder()
    var copy = text
    copy.withUTF8 { builder.add(.geo, UnsafeRawBufferPointer($0), file: "geo.csv") }
    return builder.build().geo
  }

  @Test func aRememberedAddressAnswersAsTheTableDoes() {
    let geo = table("8.8.8.0,8.8.8.255,US\n1.208.0.0,1.255.255.255,KR\n2001:4860::,2001:4860:ffff::,US\n")
    var memo = CountryMemo()
    let texts = [
      "8.8.8.8", "8.8.8.8\0", "8.8.8.80", "1.208.0.1", "10.0.0.1", "", "\0", "2001:4860::8888", "nonsense",
      "8.8.8.8 ",
      "2001:4860:0000:0000:0000:0000:0000:8888",
    ]
    for text in texts + texts.reversed() + texts {
      var copy = text
      let (direct, remembered) = copy.withUTF8 { utf8 in
        let bytes = UnsafeRawBufferPointer(utf8)
        return (geo.country(ofText: bytes), memo.country(ofText: bytes, in: geo))
      }
      #expect(direct == remembered, "\(text.debugDescription)")
    }
  }

  /// A large file is read by two threads: the same ranges, and the same lines in its problems.
  @Test func aLargeFileGivesTheSameAsItsLinesOneByOne() {
    var text = "first,last,country\n"
    var bad: [Int] = []
    for number in 0..<70_000 {
      let start = 0x0100_0000 + number * 256
      if number % 9_973 == 5 {
        text += "no range at all\n"
        bad.append(number + 2)
      } else {
        text += "\(start),\(start + 255),\(number % 3 == 0 ? "US" : "KR")\n"
      }
    }
    #expect(text.utf8.count > GeoPart.sharedBytesMin)
    var builder = ReferenceBuilder()
    text.withUTF8 { builder.add(.geo, UnsafeRawBufferPointer($0), file: "geo.csv") }
    let geo = builder.build().geo
    #expect(geo.rangeCount == 70_000 - bad.count)
    #expect(builder.problems.map(\.line) == bad)
    for number in [0, 1, 34_999, 35_000, 35_001, 69_999] {
      let value = UInt32(0x0100_0000 + number * 256 + 7)
      let address = [24, 16, 8, 0].map { String((value >> UInt32($0)) & 255) }.joined(separator: ".")
      #expect(geo.country(of: address) == (number % 3 == 0 ? "US" : "KR"))
    }
  }
}
