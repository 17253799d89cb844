/// Reads Protocol Buffers fields from borrowed bytes, without allocation. The bytes must outlive the reader.
///
/// Use: `while reader.next() { switch reader.field { case 1: … = reader.string() … default: reader.skip() } }`.
/// After the loop, `failed` tells whether the bytes were malformed; values read before that are then unusable.
@frozen public struct ProtobufReader {
  public let bytes: UnsafeRawBufferPointer
  @usableFromInline var position: Int
  @usableFromInline var end: Int
  /// Number of the current field.
  public var field: Int = 0
  /// 0 varint, 1 fixed64, 2 length-delimited, 5 fixed32.
  public var wireType: Int = 0
  /// True once malformed bytes were met; `next()` is false from then on.
  public var failed = false

  @inlinable public init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    position = 0
    end = bytes.count
  }

  /// Moves to the next field; false at the end or when the bytes are malformed.
  @inlinable public mutating func next() -> Bool {
    guard position < end, !failed else { return false }
    let tag = varint()
    guard !failed, tag >> 3 > 0, tag >> 3 < 536_870_912 else {
      failed = true
      return false
    }
    field = Int(tag >> 3)
    wireType = Int(tag & 7)
    return true
  }

  /// Offset of the next unread byte; just after `next()`, of the field's value.
  @inlinable public var offset: Int { position }

  @inlinable @inline(__always) public mutating func varint() -> UInt64 {
    if position < end {
      let byte = bytes[position]
      if byte < 0x80 {
        position &+= 1
        return UInt64(byte)
      }
    }
    return longVarint()
  }

  @usableFromInline mutating func longVarint() -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < end {
      let byte = bytes[position]
      position += 1
      if shift == 63, byte > 1 { break }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { break }
    }
    failed = true
    return 0
  }

  /// The value of a varint field; the wrong wire type fails the reader.
  @inlinable public mutating func uint64() -> UInt64 {
    guard wireType == 0 else { return mismatch() }
    return varint()
  }
  @inlinable public mutating func int64() -> Int64 { Int64(bitPattern: uint64()) }
  @inlinable public mutating func int32() -> Int32 { Int32(truncatingIfNeeded: uint64()) }
  @inlinable public mutating func bool() -> Bool { uint64() != 0 }

  @inlinable public mutating func fixed64() -> UInt64 {
    guard wireType == 1, end - position >= 8 else { return mismatch() }
    let value = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
    position += 8
    return UInt64(littleEndian: value)
  }

  /// Bytes of a string, bytes or message field, borrowed.
  @inlinable public mutating func slice() -> UnsafeRawBufferPointer {
    guard wireType == 2 else {
      _ = mismatch()
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    let length = varint()
    guard !failed, length <= UInt64(end - position) else {
      failed = true
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    let start = position
    position &+= Int(truncatingIfNeeded: length)
    return UnsafeRawBufferPointer(
      start: bytes.baseAddress.map { $0 + start }, count: Int(truncatingIfNeeded: length))
  }

  @inlinable public mutating func string() -> String { String(decoding: slice(), as: UTF8.self) }
  @inlinable public mutating func array() -> [UInt8] { [UInt8](slice()) }

  /// A message field as a reader of its own.
  @inlinable public mutating func message() -> ProtobufReader { ProtobufReader(slice()) }

  /// Passes over the current field's value.
  @inlinable public mutating func skip() {
    switch wireType {
    case 0: _ = varint()
    case 1: advance(8)
    case 2: _ = slice()
    case 5: advance(4)
    default: failed = true
    }
  }

  /// Marks the bytes as malformed: a nested message was.
  @inlinable public mutating func fail() { failed = true }

  @usableFromInline mutating func advance(_ count: Int) {
    if end - position >= count { position += count } else { failed = true }
  }

  @usableFromInline mutating func mismatch() -> UInt64 {
    failed = true
    return 0
  }
}

/// Reads the varints of a packed field.
public struct PackedReader {
  private var reader: ProtobufReader

  public init(_ bytes: UnsafeRawBufferPointer) { reader = ProtobufReader(bytes) }

  /// The next value; nil at the end or when the bytes are malformed.
  public mutating func next() -> UInt64? {
    guard reader.offset < reader.bytes.count, !reader.failed else { return nil }
    let value = reader.varint()
    return reader.failed ? nil : value
  }
}
