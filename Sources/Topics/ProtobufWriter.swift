/// Writes Protocol Buffers fields into one growing buffer, kept and reused by its owner (`removeAll`).
///
/// proto3 rules: the plain writers leave out zero and empty values; the `present…` writers always write.
public struct ProtobufWriter: ~Copyable {
  private var memory: UnsafeMutableRawPointer
  private var capacity: Int
  /// Bytes written.
  public private(set) var count = 0

  /// Longest varint.
  private static let varintMax = 10

  public init(capacity: Int = 1024) {
    self.capacity = max(capacity, 64)
    memory = .allocate(byteCount: self.capacity, alignment: 16)
  }

  deinit { memory.deallocate() }

  /// What was written, copied.
  public var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

  /// Lends what was written.
  @inline(__always) public func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try body(UnsafeRawBufferPointer(start: memory, count: count))
  }

  /// Empties the buffer and keeps its memory.
  public mutating func removeAll() { count = 0 }

  /// Makes sure that so many more bytes fit.
  @inline(__always) private mutating func reserve(_ more: Int) {
    if capacity - count < more { grow(more) }
  }

  @inline(never) private mutating func grow(_ more: Int) {
    capacity = max(capacity * 2, count + more)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    larger.copyMemory(from: memory, byteCount: count)
    memory.deallocate()
    memory = larger
  }

  /// Room was made before.
  @inline(__always) private mutating func put(_ byte: UInt8) {
    memory.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
    count &+= 1
  }

  /// Room was made before.
  @inline(__always) private mutating func putVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      put(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    put(UInt8(truncatingIfNeeded: rest))
  }

  /// Room was made before.
  @inline(__always) private mutating func put(_ value: UnsafeRawBufferPointer) {
    guard let start = value.baseAddress else { return }
    let length = value.count
    let target = memory + count
    switch length {
    case 17...32:
      let head = start.loadUnaligned(as: SIMD16<UInt8>.self)
      let tail = (start + length - 16).loadUnaligned(as: SIMD16<UInt8>.self)
      target.storeBytes(of: head, as: SIMD16<UInt8>.self)
      (target + length - 16).storeBytes(of: tail, as: SIMD16<UInt8>.self)
    case 8...16:
      let head = start.loadUnaligned(as: UInt64.self)
      let tail = (start + length - 8).loadUnaligned(as: UInt64.self)
      target.storeBytes(of: head, as: UInt64.self)
      (target + length - 8).storeBytes(of: tail, as: UInt64.self)
    case 0..<8:
      for index in 0..<length {
        target.storeBytes(
          of: start.load(fromByteOffset: index, as: UInt8.self), toByteOffset: index, as: UInt8.self)
      }
    default: target.copyMemory(from: start, byteCount: length)
    }
    count &+= length
  }

  /// Room was made before.
  @inline(__always) private mutating func putTag(_ field: Int, _ wireType: UInt64) {
    putVarint(UInt64(field) << 3 | wireType)
  }

  public mutating func presentUInt64(_ field: Int, _ value: UInt64) {
    reserve(2 * Self.varintMax)
    putTag(field, 0)
    putVarint(value)
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
    reserve(Self.varintMax + 8)
    putTag(field, 1)
    (memory + count).storeBytes(of: value.littleEndian, as: UInt64.self)
    count += 8
  }

  /// A string, bytes or ready-made message; empty ones are written too (an element of a repeated field).
  public mutating func presentBytes(_ field: Int, _ value: UnsafeRawBufferPointer) {
    reserve(2 * Self.varintMax + value.count)
    if field < 16, value.count < 0x80 {
      put(UInt8(truncatingIfNeeded: field << 3 | 2))
      put(UInt8(truncatingIfNeeded: value.count))
    } else {
      putTag(field, 2)
      putVarint(UInt64(value.count))
    }
    put(value)
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
    let start = beginMessage(field)
    reserve(values.count * Self.varintMax)
    for value in values { putVarint(value) }
    endMessage(start)
  }

  /// Writes a nested message, its length filled in afterwards.
  public mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
    let start = beginMessage(field)
    body(&self)
    endMessage(start)
  }

  /// Opens a nested message; hand what it returns to `endMessage` after the message's last field.
  public mutating func beginMessage(_ field: Int) -> Int {
    reserve(Self.varintMax + 1)
    putTag(field, 2)
    put(0)
    return count
  }

  /// Closes the message that `beginMessage` opened: fills in its length, moving the body when it is 128 or longer.
  public mutating func endMessage(_ start: Int) {
    let length = count - start
    if length < 0x80 {
      memory.storeBytes(of: UInt8(length), toByteOffset: start - 1, as: UInt8.self)
      return
    }
    var extra = 1
    while length >> (7 * (extra + 1)) != 0 { extra += 1 }
    reserve(extra)
    (memory + start + extra).copyMemory(from: memory + start, byteCount: length)
    count += extra
    var rest = length
    for index in 0...extra {
      let more: UInt8 = index < extra ? 0x80 : 0
      memory.storeBytes(of: UInt8(rest & 0x7F) | more, toByteOffset: start - 1 + index, as: UInt8.self)
      rest >>= 7
    }
  }

  /// Forgets what was written after `count` bytes: a message that turned out to be refused.
  public mutating func truncate(to count: Int) {
    if count < self.count { self.count = Swift.max(count, 0) }
  }

  /// A number without a tag: for what is no message.
  public mutating func rawVarint(_ value: UInt64) {
    reserve(Self.varintMax)
    putVarint(value)
  }

  /// Bytes that are whole fields already, as they are.
  public mutating func raw(_ fields: UnsafeRawBufferPointer) {
    reserve(fields.count)
    put(fields)
  }
}
