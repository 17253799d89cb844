/// Known names, found by comparing two words and the length instead of bytes.
///
/// The search begins after the last hit, because senders write fields in the same order each time.
struct KeyTable {
  private struct Key {
    var head: UInt64
    var tail: UInt64
    var length: Int
    var start: UnsafeRawPointer
  }

  // Pointers only: the tables are copied with each event, without counting references.
  let names: UnsafePointer<StaticString>
  let count: Int
  private let keys: UnsafeMutablePointer<Key>

  init(_ names: [StaticString]) {
    let kept = UnsafeMutablePointer<StaticString>.allocate(capacity: max(names.count, 1))
    for (index, name) in names.enumerated() { (kept + index).initialize(to: name) }
    self.names = UnsafePointer(kept)
    count = names.count
    keys = .allocate(capacity: max(names.count, 1))
    for (index, name) in names.enumerated() {
      let start = UnsafeRawPointer(name.utf8Start)
      let length = name.utf8CodeUnitCount
      var head: UInt64 = 0
      for byte in 0..<min(length, 8) {
        head |= UInt64(start.load(fromByteOffset: byte, as: UInt8.self)) << UInt64(8 * byte)
      }
      let tail = length > 8 ? UInt64(littleEndian: (start + length - 8).loadUnaligned(as: UInt64.self)) : 0
      (keys + index).initialize(to: Key(head: head, tail: tail, length: length, start: start))
    }
  }

  func deallocate() {
    keys.deallocate()
    names.deallocate()
  }

  /// Index of the name, nil when unknown. At least 8 bytes must be readable from where the text begins, as they
  /// are in simdjson's string buffer.
  @inline(__always) func index(_ text: UnsafeRawBufferPointer, after hint: Int = -1) -> Int? {
    guard let start = text.baseAddress else { return nil }
    let length = text.count
    var head = UInt64(littleEndian: start.loadUnaligned(as: UInt64.self))
    var tail: UInt64 = 0
    if length < 8 {
      head &= (1 << UInt64(8 * length)) &- 1
    } else if length > 8 {
      tail = UInt64(littleEndian: (start + length - 8).loadUnaligned(as: UInt64.self))
    }
    var index = hint + 1
    for _ in 0..<count {
      if index >= count { index = 0 }
      let key = keys[index]
      if key.head == head, key.tail == tail, key.length == length {
        if length <= 16 || UnsafeRawBufferPointer(start: key.start, count: length).elementsEqual(text) {
          return index
        }
      }
      index += 1
    }
    return nil
  }
}

/// The fields of one kind of JSON object; the raw value is the index in `names`.
protocol FieldName: RawRepresentable where RawValue == Int {
  static var names: [StaticString] { get }
}

/// Where on the tape the last scanned object of one kind has its fields.
struct FieldTable<Field: FieldName> {
  let keys: KeyTable
  let places: UnsafeMutablePointer<Int>

  init() {
    keys = KeyTable(Field.names)
    places = .allocate(capacity: max(Field.names.count, 1))
    places.initialize(repeating: 0, count: Field.names.count)
  }

  func deallocate() {
    keys.deallocate()
    places.deallocate()
  }

  /// Place of the field's value; 0 when absent or null.
  @inline(__always) subscript(_ field: Field) -> Int { places[field.rawValue] }
  @inline(__always) func name(_ field: Field) -> StaticString { keys.names[field.rawValue] }
}
