import Topics

/// Makes the bytes of an order's states small: what stood before (in themselves, in the identity that the record's key
/// tells anyway, in a dictionary of what most orders say) is told as a distance and a count. Lossless for any bytes.
///
/// Rounds of: a byte of two counts (new bytes; kept bytes less `keptMin`; 15 = more follows as a varint), the new
/// bytes, the distance back as a varint. The last round may end after its new bytes. Equal inputs give equal bytes.
struct RecordCompression: ~Copyable {
  private static let keptMin = 4
  private static let tableBits = 10

  /// The window (dictionary, identity), then what is compressed.
  private var buffer = ProtobufWriter(capacity: 4096)
  /// By hash of four bytes: 1 + where they stood last, 0 = nowhere.
  private var table = [UInt32](repeating: 0, count: 1 << tableBits)

  // MARK: Writing

  /// Appends to `output`.
  mutating func compress(
    _ bytes: UnsafeRawBufferPointer, identity: [UInt8], into output: inout ProtobufWriter
  ) {
    buffer.removeAll()
    Self.dictionary.withUnsafeBytes { buffer.raw($0) }
    identity.withUnsafeBytes { buffer.raw($0) }
    let start = buffer.count
    buffer.raw(bytes)
    Self.dictionaryTable.withUnsafeBufferPointer { known in
      table.withUnsafeMutableBufferPointer { _ = $0.update(from: known) }
    }
    buffer.withUnsafeBytes { all in
      table.withUnsafeMutableBufferPointer { table in
        for position in Self.dictionary.count..<max(start, Self.dictionary.count)
        where position + 4 <= all.count {
          table[Self.slot(all, position)] = UInt32(position + 1)
        }
        Self.compress(all, from: start, table, &output)
      }
    }
  }

  private static func compress(
    _ all: UnsafeRawBufferPointer, from start: Int, _ table: UnsafeMutableBufferPointer<UInt32>,
    _ output: inout ProtobufWriter
  ) {
    var position = start
    var literals = start
    while position &+ keptMin <= all.count {
      let slot = slot(all, position)
      let candidate = Int(table[slot]) &- 1
      table[slot] = UInt32(truncatingIfNeeded: position &+ 1)
      guard candidate >= 0, word(all, candidate) == word(all, position) else {
        position &+= 1
        continue
      }
      var count = keptMin
      while position &+ count < all.count, all[candidate &+ count] == all[position &+ count] { count &+= 1 }
      var back = position
      var from = candidate
      while back > literals, from > 0, all[back &- 1] == all[from &- 1] {
        back &-= 1
        from &-= 1
        count &+= 1
      }
      writeRound(all, literals..<back, count, back &- from, &output)
      // Every other place is enough.
      var seen = position &+ 1
      let end = back &+ count
      while seen &+ keptMin <= min(end, all.count) {
        table[Self.slot(all, seen)] = UInt32(truncatingIfNeeded: seen &+ 1)
        seen &+= 2
      }
      position = end
      literals = end
    }
    if literals < all.count { writeRound(all, literals..<all.count, 0, 0, &output) }
  }

  private static func writeRound(
    _ all: UnsafeRawBufferPointer, _ new: Range<Int>, _ count: Int, _ distance: Int,
    _ output: inout ProtobufWriter
  ) {
    let kept = max(count - keptMin, 0)
    let head = UInt8(min(new.count, 15) << 4 | min(kept, 15))
    withUnsafeBytes(of: head) { output.raw($0) }
    if new.count >= 15 { output.rawVarint(UInt64(new.count - 15)) }
    output.raw(UnsafeRawBufferPointer(rebasing: all[new]))
    guard count > 0 else { return }
    if kept >= 15 { output.rawVarint(UInt64(kept - 15)) }
    output.rawVarint(UInt64(distance))
  }

  @inline(__always) private static func word(_ all: UnsafeRawBufferPointer, _ position: Int) -> UInt32 {
    all.loadUnaligned(fromByteOffset: position, as: UInt32.self)
  }

  @inline(__always) private static func slot(_ all: UnsafeRawBufferPointer, _ position: Int) -> Int {
    let product = UInt32(littleEndian: word(all, position)) &* 2_654_435_761
    return Int(truncatingIfNeeded: product >> UInt32(32 - tableBits))
  }

  // MARK: Reading

  /// Lends what was compressed; nil when the bytes are malformed or would make more than `bytesMax`.
  static func expand<Outcome>(
    _ bytes: UnsafeRawBufferPointer, identity: [UInt8], bytesMax: Int,
    _ body: (UnsafeRawBufferPointer) -> Outcome
  ) -> Outcome? {
    var rounds = Rounds(bytes: bytes)
    var count = 0
    while let round = rounds.next() {
      count += round.new.count + round.kept
      guard count <= bytesMax else { return nil }
    }
    guard !rounds.isMalformed else { return nil }
    let start = dictionary.count + identity.count
    return withUnsafeTemporaryAllocation(byteCount: start + count, alignment: 1) { all in
      dictionary.withUnsafeBytes { all.copyMemory(from: $0) }
      identity.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(rebasing: all[dictionary.count...]).copyMemory(from: $0)
      }
      guard fill(all, from: start, bytes) else { return nil }
      return body(UnsafeRawBufferPointer(rebasing: all[start...]))
    }
  }

  /// The rounds were found sound, and to make just as much as there is room. False: one goes back too far.
  private static func fill(
    _ all: UnsafeMutableRawBufferPointer, from start: Int, _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    var rounds = Rounds(bytes: bytes)
    var end = start
    while let round = rounds.next() {
      let room = UnsafeMutableRawBufferPointer(rebasing: all[end...])
      room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[round.new]))
      end += round.new.count
      guard round.distance <= end, round.kept == 0 || round.distance > 0 else { return false }
      let from = end - round.distance
      if round.distance >= round.kept {
        UnsafeMutableRawBufferPointer(rebasing: all[end...])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: all[from..<(from + round.kept)]))
      } else {
        // It runs into what it makes.
        for index in 0..<round.kept { all[end + index] = all[from + index] }
      }
      end += round.kept
    }
    return true
  }

  private struct Rounds {
    let bytes: UnsafeRawBufferPointer
    var at = 0
    var isMalformed = false

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next() -> (new: Range<Int>, kept: Int, distance: Int)? {
      guard at < bytes.count else { return nil }
      let head = bytes[at]
      at += 1
      let count = number(head >> 4)
      guard count <= bytes.count - at else {
        isMalformed = true
        return nil
      }
      let new = at..<(at + count)
      at += count
      if at == bytes.count { return (new, 0, 0) }
      let kept = number(head & 15) + keptMin
      let distance = varint()
      return isMalformed ? nil : (new, kept, distance)
    }

    private mutating func number(_ nibble: UInt8) -> Int { nibble < 15 ? Int(nibble) : varint() + 15 }

    private mutating func varint() -> Int {
      var value = 0
      var shift = 0
      while at < bytes.count, shift < 35 {
        let byte = bytes[at]
        at += 1
        value |= Int(byte & 0x7F) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      isMalformed = true
      return 0
    }
  }

  // MARK: The dictionary

  /// What most orders say, as they say it. Never to be changed: stored records are read with it.
  static let dictionary: [UInt8] = {
    var writer = ProtobufWriter(capacity: 1024)
    for event in [
      "order.created", "order.placed", "order.cancelled", "order.paid", "shipping.started",
      "shipping.delivered",
    ] {
      writer.string(5, event)
    }
    for status in ["N00", "N20", "N21", "N22", "N50", "C00", "C40", "R00", "R40", "E00", "E40"] {
      writer.string(7, status)
    }
    for region in ["부산광역시", "인천광역시", "대구광역시", "경상남도", "경기도", "서울특별시"] {
      writer.string(3, region)
    }
    for method in ["kakaopay", "naverpay", "icash", "tcash", "point", "cash", "card"] {
      writer.string(15, method)
    }
    writer.string(10, "self")
    writer.string(12, "KRW")
    writer.string(20, "1")
    writer.bool(5, true)
    writer.string(6, "KR")
    writer.string(2, "KR")
    writer.string(3, "none")
    writer.bool(5, true)
    writer.bool(9, true)
    for status in ["N10", "N30", "N40"] {
      writer.message(22) { item in
        item.string(2, "P0000000")
        item.string(3, "P000000000A")
        item.int64(4, 1)
        item.int64(5, 10_000)
        item.string(7, status)
        item.int32(10, 1)
        item.bool(11, true)
      }
    }
    return writer.bytes
  }()

  private static let dictionaryTable: [UInt32] = {
    var table = [UInt32](repeating: 0, count: 1 << tableBits)
    dictionary.withUnsafeBytes { all in
      for position in 0..<(all.count - 3) { table[slot(all, position)] = UInt32(position + 1) }
    }
    return table
  }()
}
