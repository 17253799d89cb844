/// A message of a topic as a Swift value: decoded whole, encoded whole.
///
/// For tests, tools and stages that need most of a message; hot paths read the fields that they need with
/// `ProtobufReader`. Decoding skips unknown fields and never stops the process.
public protocol ProtobufValue: Hashable, Sendable {
  init()
  /// Takes the value of `reader.field`; must call `reader.skip()` for a field that it does not know.
  mutating func take(_ reader: inout ProtobufReader)
  /// Writes all fields, by field number, to the end of the writer.
  func write(into writer: inout ProtobufWriter)
}

extension ProtobufValue {
  /// Nil when the bytes are malformed.
  public init?(protobuf bytes: UnsafeRawBufferPointer) {
    self.init()
    var reader = ProtobufReader(bytes)
    while reader.next() { take(&reader) }
    if reader.failed { return nil }
  }

  /// Nil when the bytes are malformed.
  public init?(protobuf bytes: [UInt8]) {
    guard let value = bytes.withUnsafeBytes({ Self(protobuf: $0) }) else { return nil }
    self = value
  }

  /// The value as Protocol Buffers bytes: fields by number, so equal values give equal bytes.
  public var protobuf: [UInt8] {
    var writer = ProtobufWriter(capacity: 256)
    write(into: &writer)
    return writer.bytes
  }
}

extension ProtobufReader {
  /// Merges a nested message into the value, as Protocol Buffers asks when a field comes twice.
  mutating func merge<Value: ProtobufValue>(into value: inout Value) {
    var nested = message()
    while nested.next() { value.take(&nested) }
    if nested.failed { fail() }
  }

  mutating func value<Value: ProtobufValue>() -> Value {
    var value = Value()
    merge(into: &value)
    return value
  }

  /// A repeated number, packed or not.
  mutating func append(to values: inout [UInt64]) {
    guard wireType == 2 else {
      values.append(uint64())
      return
    }
    var nested = message()
    while nested.offset < nested.bytes.count, !nested.failed {
      let number = nested.varint()
      if !nested.failed { values.append(number) }
    }
    if nested.failed { fail() }
  }
}

extension ProtobufWriter {
  /// A nested message, written even when it is empty.
  mutating func value(_ field: Int, _ value: some ProtobufValue) {
    let start = beginMessage(field)
    value.write(into: &self)
    endMessage(start)
  }

  mutating func values(_ field: Int, _ values: [some ProtobufValue]) {
    for value in values { self.value(field, value) }
  }
}
