import CSodium

/// The last webhooks by what they are known by, and what each waits for: a bounded window.
struct RecentDeliveries {
  /// A delivery's digest: 128 bits of BLAKE2b.
  struct Key: Hashable {
    var high: UInt64
    var low: UInt64

    init(_ text: String) {
      var digest = [UInt8](repeating: 0, count: 16)
      let bytes = Array(text.utf8)
      _ = sodium_init()
      crypto_generichash(&digest, digest.count, bytes, UInt64(bytes.count), nil, 0)
      (high, low) = digest.withUnsafeBytes {
        ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      }
    }
  }

  private let countMax: Int
  private var sequences: [Key: UInt64] = [:]
  private var ring: [Key] = []
  private var next = 0

  init(countMax: Int) { self.countMax = max(1, countMax) }

  /// The sequence number of its last record, when it came before.
  func sequence(of key: Key) -> UInt64? { sequences[key] }

  /// The oldest makes room.
  mutating func insert(_ key: Key, sequence: UInt64) {
    guard sequences.updateValue(sequence, forKey: key) == nil else { return }
    if ring.count < countMax {
      ring.append(key)
      return
    }
    sequences[ring[next]] = nil
    ring[next] = key
    next = (next + 1) % countMax
  }

  var count: Int { sequences.count }
}
