import TestKit
import Testing
import Topics

@testable import History

@Suite struct RecordCompressionTests {
  private func packed(_ bytes: [UInt8], _ identity: [UInt8] = []) -> [UInt8] {
    var compression = RecordCompression()
    var writer = ProtobufWriter()
    // Twice: what is left of one run must not show in the next.
    for _ in 0..<2 {
      writer.removeAll()
      bytes.withUnsafeBytes { compression.compress($0, identity: identity, into: &writer) }
    }
    return writer.bytes
  }

  private func expanded(_ bytes: [UInt8], _ identity: [UInt8] = [], bytesMax: Int = 1 << 20) -> [UInt8]? {
    bytes.withUnsafeBytes {
      RecordCompression.expand($0, identity: identity, bytesMax: bytesMax) { [UInt8]($0) }
    }
  }

  @Test func anyBytesComeBack() {
    let seed = UInt64.random(in: 0 ... .max)
    print("record compression seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for round in 0..<3_000 {
      let letters = UInt8.random(in: 0...5, using: &random)
      let range: ClosedRange<UInt8> = letters == 0 ? 0...255 : 65...(65 + letters)
      func draw(_ most: Int) -> [UInt8] {
        (0..<Int.random(in: 0...most, using: &random)).map { _ in UInt8.random(in: range, using: &random) }
      }
      let identity = draw(60)
      var bytes = draw(round % 100 == 0 ? 100_000 : 300)
      if round % 3 == 0 { bytes = identity + bytes + RecordCompression.dictionary.suffix(100) + identity }
      #expect(expanded(packed(bytes, identity), identity) == bytes, "seed \(seed), round \(round)")
    }
    #expect(packed([]) == [])
    let zeros = [UInt8](repeating: 0, count: 70_000)
    #expect(packed(zeros).count < 400)
    #expect(expanded(packed(zeros)) == zeros)
  }

  @Test func anyBytesToExpandEndWithoutACrash() {
    let seed = UInt64.random(in: 0 ... .max)
    print("record expansion seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        Bool.random(using: &random) ? 0xFF : UInt8.random(in: 0...255, using: &random)
      }
      #expect((expanded(bytes, [1, 2, 3], bytesMax: 4_096)?.count ?? 0) <= 4_096)
    }
  }

  @Test func moreThanTheLimitIsRefused() {
    let bytes = [UInt8](repeating: 7, count: 5_000)
    #expect(expanded(packed(bytes), bytesMax: 5_000) == bytes)
    #expect(expanded(packed(bytes), bytesMax: 4_999) == nil)
    var random = SeededGenerator(seed: 1)
    let noise = (0..<100).map { _ in UInt8.random(in: 0...255, using: &random) }
    #expect(expanded(packed(noise), bytesMax: 99) == nil)
  }

  /// Records are stored that were made with it.
  @Test func theDictionaryIsWhatItWas() {
    #expect(RecordCompression.dictionary.count == 452)
    #expect(RecordCompression.dictionary.withUnsafeBytes { ContentHash.of($0) } == 0x402E_87C7_ABFB_63E8)
  }

  @Test func anOrdersRecordIsLessThanTwoThirdsOfItsState() throws {
    let bench = Bench()
    let first = SnapshotBuilder("20261001-0000017", at: 0).with { snapshot in
      snapshot.items = (1...3).map { number in
        var line = SnapshotBuilder.Line()
        line.code = "20261001-0000017-0\(number)"
        line.product = "P200\(number)123"
        line.sku = line.product + "000"
        return line
      }
    }
    try bench.fold(first)
    var size = 0
    bench.customer.changedRecords { size = $1.count }
    #expect(size * 3 < first.bytes.count * 2, "\(size) of \(first.bytes.count)")
  }
}
