import Testing

@testable import Topics

struct SnapshotStandInTests {
  private func bytes<Value: SnapshotStandIn>(_ value: Value) -> [UInt8] {
    let bytes = value.ordersValue
    #expect(bytes.withUnsafeBytes { Value(orders: $0) } == value)
    #expect(bytes.withUnsafeBytes { Value.isHeld(by: $0) })
    return bytes
  }

  /// The tags of fields 31, 32 and 40, length-delimited, as Protocol Buffers writes them.
  @Test func eachIsToldFromTheOthersAndFromASnapshotByItsFirstBytes() {
    var snapshot = OrderSnapshotValue()
    snapshot.mallId = "mall"
    let values = [
      bytes(ContextEventValue()), bytes(ProfileEventValue()), bytes(RuleSwitchValue()), snapshot.protobuf, [],
      [0xFA],
    ]
    #expect(values[0].starts(with: [0xFA, 0x01]))
    #expect(values[1].starts(with: [0x82, 0x02]))
    #expect(values[2].starts(with: [0xC2, 0x02]))
    for (index, value) in values.enumerated() {
      value.withUnsafeBytes { value in
        #expect(ContextEventValue.isHeld(by: value) == (index == 0))
        #expect(ProfileEventValue.isHeld(by: value) == (index == 1))
        #expect(RuleSwitchValue.isHeld(by: value) == (index == 2))
        #expect((ContextEventValue(orders: value) == nil) == (index != 0))
        #expect((ProfileEventValue(orders: value) == nil) == (index != 1))
        #expect((RuleSwitchValue(orders: value) == nil) == (index != 2))
      }
    }
  }
}
