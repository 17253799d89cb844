import Testing

@testable import IngestStage

@Suite struct BodyFormTests {
  private func form(_ text: String, isLines: Bool = false) -> BodyForm {
    Array(text.utf8).withUnsafeBytes { BodyForm($0, isLines: isLines) }
  }

  @Test func blankBodiesAreEmpty() {
    for text in ["", " ", "\n\r\n\t"] { #expect(form(text) == .empty && form(text, isLines: true) == .empty) }
  }

  @Test func oneValueIsOneEventOnHoweverManyLines() {
    #expect(form("{\"a\":1}\n") == .single)
    #expect(form("\n{\"a\":\n {\"b\": [1,\n2]},\n\"c\": \"}\\\"\"}\n\n") == .single)
    #expect(form("{\"a\":1", isLines: true) == .lines)
    #expect(form("{\n \"a\": [\n") == .single)
  }

  @Test func severalEventsAreLinesEvenWhenTheFirstIsBroken() {
    #expect(form("{\"a\":1}\n{\"a\":2}") == .lines)
    #expect(form("{\"a\":\n{\"a\":2}\n") == .lines)
    #expect(form("{\"a\":\"x\n{\"a\":2}\n") == .lines)
    #expect(form("{\"a\":1}\nnonsense\n{\"a\":2}") == .lines)
  }

  @Test func linesKeepTheirNumbersAndBlankOnesAreSkipped() {
    var seen: [String] = []
    Array("a\n\n \r\nb\r\nc".utf8).withUnsafeBytes { text in
      forEachLine(of: text) { seen.append("\($1):\(String(decoding: $0, as: UTF8.self))") }
    }
    #expect(seen == ["1:a", "4:b\r", "5:c"])
  }
}

@Suite struct RecentDeliveriesTests {
  @Test func theWindowForgetsTheOldestAtItsLimit() {
    var recent = RecentDeliveries(countMax: 3)
    for number in 1...4 { recent.insert(.init("d\(number)"), sequence: UInt64(number)) }
    #expect(recent.count == 3)
    #expect(recent.sequence(of: .init("d1")) == nil)
    #expect(recent.sequence(of: .init("d2")) == 2)
    #expect(recent.sequence(of: .init("d4")) == 4)
    recent.insert(.init("d2"), sequence: 9)
    #expect(recent.count == 3)
    #expect(recent.sequence(of: .init("d2")) == 9)
  }
}
