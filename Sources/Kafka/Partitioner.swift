/// Kafka's own way from a key to a partition (murmur2 as in the Java client), so that producers in any
/// language agree.
public enum Partitioner {
  /// The partition of a key among `count`; 0 when there is no partition to choose from.
  ///
  /// Source: `org.apache.kafka.clients.producer.internals.BuiltInPartitioner`: `toPositive(murmur2(key)) % n`.
  public static func partition(forKey key: UnsafeRawBufferPointer, count: Int) -> Int32 {
    if count <= 1 { return 0 }
    return Int32(clamping: Int(murmur2(key) & 0x7fff_ffff) % count)
  }

  /// Austin Appleby's MurmurHash2, 32 bits, seed 0x9747b28c, as Kafka uses it.
  public static func murmur2(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    let m: UInt32 = 0x5bd1_e995
    var hash: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
    var index = 0
    while index &+ 4 <= bytes.count {
      var k = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self))
      k = k &* m
      k ^= k >> 24
      k = k &* m
      hash = (hash &* m) ^ k
      index &+= 4
    }
    let rest = bytes.count &- index
    if rest >= 3 { hash ^= UInt32(bytes[index &+ 2]) << 16 }
    if rest >= 2 { hash ^= UInt32(bytes[index &+ 1]) << 8 }
    if rest >= 1 {
      hash ^= UInt32(bytes[index])
      hash = hash &* m
    }
    hash ^= hash >> 13
    hash = hash &* m
    return hash ^ (hash >> 15)
  }
}
