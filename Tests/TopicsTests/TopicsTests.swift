import TestKit
import Testing

@testable import Topics

@Suite struct ValueTests {
  @Test func bytesOfEveryLengthAreWrittenWhole() {
    for field in [1, 15, 16] {
      for length in 0...300 {
        let value = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) }
        var writer = ProtobufWriter()
        value.withUnsafeBytes { writer.presentBytes(field, $0) }
        writer.presentUInt64(2, 5)
        writer.withUnsafeBytes { bytes in
          var reader = ProtobufReader(bytes)
          #expect(reader.next() && reader.field == field)
          #expect(Array(reader.slice()) == value, "length \(length)")
          #expect(reader.next() && reader.field == 2 && reader.uint64() == 5)
        }
      }
    }
  }

  @Test func aDecisionSurvivesItsBytes() {
    var value = DecisionValue()
    value.mallId = "demomall"
    value.shopNo = 1
    value.orderId = "20261010-0000123"
    value.position = Position(epoch: 1, partition: 3, offset: 77, n: 2)
    value.outcomes = [0, 1, 2]
    var label = DesiredLabelValue()
    label.label = "제주배송"
    label.rules = ["ISLAND_SHIP", ""]
    value.labels = [label]
    var facts = FactsDigestValue()
    facts.stockMargin = 0
    value.facts = facts
    value.state = .shipped
    #expect(DecisionValue(protobuf: value.protobuf) == value)
  }

  @Test func positionsCompareByEpochBeforeOffset() {
    let old = Position(epoch: 0, partition: 9, offset: 100, n: 0)
    let merged = Position(epoch: 1, partition: 2, offset: 5, n: 0)
    #expect(old < merged)
    #expect(merged < Position(epoch: 1, partition: 2, offset: 5, n: 1))
    #expect(merged.description == "1-2-5-0")
  }

  @Test func malformedBytesAreNoValue() {
    #expect(ActionValue(protobuf: [0x0A, 0x05, 0x61]) == nil)
    #expect(AppliedLedgerValue(protobuf: [0x1A, 0x02, 0x0A, 0x7F]) == nil)
    #expect(ActionValue(protobuf: []) == ActionValue())
  }
}
