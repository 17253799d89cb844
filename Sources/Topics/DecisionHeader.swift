/// The parts of a `Decision` that tell whether there is anything to do, borrowed from its bytes.
public struct DecisionHeader {
  public var mallId = UnsafeRawBufferPointer(start: nil, count: 0)
  public var shopNo: Int32 = 0
  public var orderId = UnsafeRawBufferPointer(start: nil, count: 0)
  public var position = Position()
  public var latestVersion: Int64 = 0
  public var ruleSet = UnsafeRawBufferPointer(start: nil, count: 0)
  /// All that apply acts on: equal bytes ask for the same.
  public var desired = UnsafeRawBufferPointer(start: nil, count: 0)
  public var own = false
  /// Of a record that is no decision: a `VetoLiftValue`.
  public var vetoLift: UnsafeRawBufferPointer?

  /// Nil when the bytes are malformed.
  public init?(_ bytes: UnsafeRawBufferPointer) {
    var reader = ProtobufReader(bytes)
    while reader.next() {
      switch reader.field {
      case 1: mallId = reader.slice()
      case 2: shopNo = reader.int32()
      case 3: orderId = reader.slice()
      case 4: reader.merge(into: &position)
      case 6: latestVersion = reader.int64()
      case 7: ruleSet = reader.slice()
      case 8: desired = reader.slice()
      case 15: own = reader.bool()
      case 22: vetoLift = reader.slice()
      default: reader.skip()
      }
    }
    if reader.failed { return nil }
  }
}
