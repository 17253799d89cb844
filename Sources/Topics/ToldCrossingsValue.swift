/// Value of the changelog `apply.ledger`: the downward crossings of a SKU's stock that were told (topics/ledger.proto).
public struct ToldCrossingsValue: ProtobufValue {
  /// The newest that are kept.
  public static let countMax = 16

  /// Microseconds, ascending: what names each crossing.
  public var armedAt: [Int64] = []

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    guard reader.field == 1 else { return reader.skip() }
    var numbers: [UInt64] = []
    reader.append(to: &numbers)
    armedAt += numbers.map { Int64(bitPattern: $0) }
  }

  public func write(into writer: inout ProtobufWriter) {
    if !armedAt.isEmpty { writer.packed(1, armedAt.map { UInt64(bitPattern: $0) }) }
  }

  /// Told before, or older than all of as many as are kept.
  public func contains(_ instant: Int64) -> Bool {
    armedAt.contains(instant) || (armedAt.count >= Self.countMax && instant < armedAt[0])
  }

  public mutating func insert(_ instant: Int64) {
    if contains(instant) { return }
    armedAt.insert(instant, at: armedAt.firstIndex { $0 > instant } ?? armedAt.count)
    if armedAt.count > Self.countMax { armedAt.removeFirst() }
  }
}
