/// Writes Protocol Buffers fields into one growing buffer, kept and reused by its owner (`removeAll`).
///
/// proto3 rules: the plain writers leave out zero and empty values; the `present…` writers always write.
public struct ProtobufWriter {
  public private(set) var bytes: [UInt8] = []

  public init(capacity: Int = 1024) { bytes.reserveCapacity(capacity) }

  /// Empties the buffer and keeps its memory.
  public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
  public var count: Int { bytes.count }

  @inline(__always) mutating func rawVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  @inline(__always) private mutating func tag(_ field: Int, _ wireType: UInt64) {
    rawVarint(UInt64(field) << 3 | wireType)
  }

  public mutating func presentUInt64(_ field: Int, _ value: UInt64) {
    tag(field, 0)
    rawVarint(value)
  }
  public mutating func presentInt64(_ field: Int, _ value: Int64) {
    presentUInt64(field, UInt64(bitPattern: value))
  }
  public mutating func uint64(_ field: Int, _ value: UInt64) { if value != 0 { presentUInt64(field, value) } }
  public mutating func int64(_ field: Int, _ value: Int64) { if value != 0 { presentInt64(field, value) } }
  public mutating func int32(_ field: Int, _ value: Int32) { int64(field, Int64(value)) }
  public mutating func bool(_ field: Int, _ value: Bool) { if value { presentUInt64(field, 1) } }
  /// An `optional` field: written when it has a value, zero included.
  public mutating func optionalInt64(_ field: Int, _ value: Int64?) {
    if let value { presentInt64(field, value) }
  }
  public mutating func fixed64(_ field: Int, _ value: UInt64) {
    guard value != 0 else { return }
    tag(field, 1)
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// A string, bytes or ready-made message; empty ones are written too (an element of a repeated field).
  public mutating func presentBytes(_ field: Int, _ value: UnsafeRawBufferPointer) {
    tag(field, 2)
    rawVarint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }
  public mutating func bytes(_ field: Int, _ value: [UInt8]) {
    if !value.isEmpty { value.withUnsafeBytes { presentBytes(field, $0) } }
  }
  public mutating func presentString(_ field: Int, _ value: String) {
    var copy = value
    copy.withUTF8 { presentBytes(field, UnsafeRawBufferPointer($0)) }
  }
  public mutating func string(_ field: Int, _ value: String) {
    if !value.isEmpty { presentString(field, value) }
  }
  public mutating func strings(_ field: Int, _ values: [String]) {
    for value in values { presentString(field, value) }
  }
  public mutating func packed(_ field: Int, _ values: [UInt64]) {
    guard !values.isEmpty else { return }
    message(field) { writer in for value in values { writer.rawVarint(value) } }
  }

  /// Writes a nested message, its length filled in afterwards.
  public mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
    let start = beginMessage(field)
    body(&self)
    endMessage(start)
  }

  /// Opens a nested message; hand what it returns to `endMessage` after the message's last field.
  public mutating func beginMessage(_ field: Int) -> Int {
    tag(field, 2)
    bytes.append(0)
    return bytes.count
  }

  /// Closes the message that `beginMessage` opened: fills in its length, moving the body when it is 128 or longer.
  public mutating func endMessage(_ start: Int) {
    let length = bytes.count - start
    if length < 0x80 {
      bytes[start - 1] = UInt8(length)
      return
    }
    var extra = 1
    while length >> (7 * (extra + 1)) != 0 { extra += 1 }
    for _ in 0..<extra { bytes.append(0) }
    bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      (base + start + extra).copyMemory(from: base + start, byteCount: length)
      var rest = length
      for index in 0...extra {
        buffer[start - 1 + index] = UInt8(rest & 0x7F) | (index < extra ? 0x80 : 0)
        rest >>= 7
      }
    }
  }

  /// Forgets what was written after `count` bytes: a message that turned out to be refused.
  public mutating func truncate(to count: Int) {
    if count < bytes.count { bytes.removeLast(bytes.count - Swift.max(count, 0)) }
  }

  /// Bytes that are whole fields already, as they are.
  public mutating func raw(_ fields: UnsafeRawBufferPointer) { bytes.append(contentsOf: fields) }
}
