internal import CLZ4
import Topics

/// Makes the bytes of an order's states small, with LZ4 (one block): what stood before, in themselves, in the identity that
/// the record's key tells anyway, or in a dictionary of what most orders say, is not said again. Lossless for any bytes.
///
/// What comes out: how many bytes went in, as a varint, and the block; of none, nothing.
struct RecordCompression: ~Copyable {
  private let stream: UnsafeMutablePointer<LZ4_stream_t>
  /// Dictionary and identity.
  private var known = ProtobufWriter(capacity: 1024)

  init() {
    guard let stream = LZ4_createStream() else { preconditionFailure("no memory for a compression") }
    self.stream = stream
  }

  deinit { LZ4_freeStream(stream) }

  /// Appends to `output`.
  mutating func compress(
    _ bytes: UnsafeRawBufferPointer, identity: [UInt8], into output: inout ProtobufWriter
  ) {
    guard !bytes.isEmpty else { return }
    known.removeAll()
    Self.dictionary.withUnsafeBytes { known.raw($0) }
    identity.withUnsafeBytes { known.raw($0) }
    output.rawVarint(UInt64(bytes.count))
    let room = Int(LZ4_compressBound(Int32(bytes.count)))
    known.withUnsafeBytes { known in
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: room) { block in
        LZ4_loadDict(stream, known.chars, Int32(known.count))
        let size = LZ4_compress_fast_continue(
          stream, bytes.chars, block.baseAddress, Int32(bytes.count), Int32(room), 1)
        precondition(size > 0, "LZ4 has not enough room although it has what it asks for")
        output.raw(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block)[..<Int(size)]))
      }
    }
  }

  /// Lends what was compressed; nil when the bytes are malformed or would make more than `bytesMax`.
  static func expand<Outcome>(
    _ bytes: UnsafeRawBufferPointer, identity: [UInt8], bytesMax: Int,
    _ body: (UnsafeRawBufferPointer) -> Outcome
  ) -> Outcome? {
    guard let (count, begin) = length(bytes) else { return bytes.isEmpty ? body(bytes) : nil }
    guard count <= bytesMax, count > 0 else { return nil }
    let block = UnsafeRawBufferPointer(rebasing: bytes[begin...])
    let start = dictionary.count + identity.count
    // What is known lies before what is made: LZ4 reads it there quickest.
    return withUnsafeTemporaryAllocation(byteCount: start + count, alignment: 1) { all in
      all.copyBytes(from: dictionary)
      UnsafeMutableRawBufferPointer(rebasing: all[dictionary.count...]).copyBytes(from: identity)
      let made = UnsafeMutableRawBufferPointer(rebasing: all[start...])
      let size = LZ4_decompress_safe_usingDict(
        block.chars, made.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(block.count), Int32(count),
        UnsafeRawBufferPointer(all).chars, Int32(start))
      return Int(size) == count ? body(UnsafeRawBufferPointer(made)) : nil
    }
  }

  /// The varint that the bytes begin with, and where it ends; nil: there is none.
  private static func length(_ bytes: UnsafeRawBufferPointer) -> (value: Int, end: Int)? {
    var value = 0
    for (index, byte) in bytes.prefix(5).enumerated() {
      value |= Int(byte & 0x7F) << (7 * index)
      if byte < 0x80 { return (value, index + 1) }
    }
    return nil
  }

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
}

extension UnsafeRawBufferPointer {
  fileprivate var chars: UnsafePointer<CChar>? { baseAddress?.assumingMemoryBound(to: CChar.self) }
}
