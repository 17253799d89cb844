import Topics

/// One snapshot written as what differs from the one before: for the records of an order, whose states have most
/// bytes in common. Lossless for any bytes.
///
/// A program of rounds, each: how many of the old bytes are kept, how many new ones are put in, these, and how many
/// old ones are passed over. All numbers are varints; what the last round leaves of the old bytes is dropped.
enum SnapshotDelta {
  /// Messages within a snapshot that are compared field by field: amounts, receivers, items, claims.
  private static func isMessage(_ field: Int) -> Bool { field == 13 || field == 21 || field == 22 || field == 23 }

  // MARK: Writing

  /// The program that makes `new` of `old`; nil when it would not be shorter than `new`.
  static func program(
    from old: UnsafeRawBufferPointer, to new: UnsafeRawBufferPointer, into scratch: inout ProtobufWriter
  ) -> Bool {
    scratch.removeAll()
    var rounds = Rounds()
    guard compare(old, new, isTop: true, &rounds, &scratch) else { return false }
    rounds.flush(&scratch)
    return scratch.count < new.count
  }

  /// Collects what follows on each other into rounds.
  private struct Rounds {
    private var kept = 0
    private var passed = 0
    private var added: [UInt8] = []

    mutating func keep(_ count: Int, _ writer: inout ProtobufWriter) {
      guard count > 0 else { return }
      if passed > 0 || !added.isEmpty { flush(&writer) }
      kept += count
    }

    mutating func pass(_ count: Int) { passed += count }
    mutating func add(_ bytes: UnsafeRawBufferPointer) { added.append(contentsOf: bytes) }

    mutating func flush(_ writer: inout ProtobufWriter) {
      guard kept > 0 || passed > 0 || !added.isEmpty else { return }
      writer.rawVarint(UInt64(kept))
      writer.rawVarint(UInt64(added.count))
      added.withUnsafeBytes { writer.raw($0) }
      writer.rawVarint(UInt64(passed))
      kept = 0
      passed = 0
      added.removeAll(keepingCapacity: true)
    }
  }

  /// A field's number and bytes, tag included, and its content if it has a length.
  private struct Field {
    var number = 0
    var whole = UnsafeRawBufferPointer(start: nil, count: 0)
    var content = UnsafeRawBufferPointer(start: nil, count: 0)
  }

  private static func next(_ reader: inout ProtobufReader, _ field: inout Field) -> Bool {
    let start = reader.offset
    guard reader.next() else {
      field.number = Int.max
      return false
    }
    field.number = reader.field
    if reader.wireType == 2 {
      field.content = reader.slice()
    } else {
      reader.skip()
      field.content = UnsafeRawBufferPointer(start: nil, count: 0)
    }
    guard !reader.failed else { return false }
    field.whole = UnsafeRawBufferPointer(rebasing: reader.bytes[start..<reader.offset])
    return true
  }

  /// False when either is malformed.
  private static func compare(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer, isTop: Bool, _ rounds: inout Rounds,
    _ writer: inout ProtobufWriter
  ) -> Bool {
    var before = ProtobufReader(old)
    var after = ProtobufReader(new)
    var one = Field()
    var other = Field()
    var hasOne = next(&before, &one)
    var hasOther = next(&after, &other)
    while hasOne || hasOther {
      if hasOne, hasOther, one.number == other.number {
        if sameBytes(one.whole, other.whole) {
          rounds.keep(one.whole.count, &writer)
        } else if isTop, isMessage(one.number), !one.content.isEmpty, !other.content.isEmpty {
          // Tag and length anew, the content field by field.
          let oldHead = one.whole.count - one.content.count
          let newHead = other.whole.count - other.content.count
          if oldHead == newHead, one.content.count == other.content.count {
            rounds.keep(oldHead, &writer)
          } else {
            rounds.add(UnsafeRawBufferPointer(rebasing: other.whole[..<newHead]))
            rounds.pass(oldHead)
          }
          guard compare(one.content, other.content, isTop: false, &rounds, &writer) else { return false }
        } else {
          rounds.add(other.whole)
          rounds.pass(one.whole.count)
        }
        hasOne = next(&before, &one)
        hasOther = next(&after, &other)
      } else if hasOne, !hasOther || one.number < other.number {
        rounds.pass(one.whole.count)
        hasOne = next(&before, &one)
      } else {
        rounds.add(other.whole)
        hasOther = next(&after, &other)
      }
    }
    return !before.failed && !after.failed
  }

  // MARK: Reading

  /// What the program makes of `old`; nil when it does not fit or would make more than `bytesMax`.
  static func apply(
    _ program: UnsafeRawBufferPointer, to old: UnsafeRawBufferPointer, bytesMax: Int
  ) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(min(old.count + program.count, bytesMax))
    var at = 0
    var from = 0
    func number() -> Int? {
      var value: UInt64 = 0
      var shift: UInt64 = 0
      while at < program.count, shift < 35 {
        let byte = program[at]
        at += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return Int(value) }
        shift += 7
      }
      return nil
    }
    while at < program.count {
      guard let kept = number(), kept <= old.count - from else { return nil }
      result.append(contentsOf: UnsafeRawBufferPointer(rebasing: old[from..<(from + kept)]))
      from += kept
      guard let added = number(), added <= program.count - at else { return nil }
      result.append(contentsOf: UnsafeRawBufferPointer(rebasing: program[at..<(at + added)]))
      at += added
      guard let passed = number(), passed <= old.count - from, result.count <= bytesMax else { return nil }
      from += passed
    }
    return result
  }
}
