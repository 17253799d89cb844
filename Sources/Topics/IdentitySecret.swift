import CSodium

/// The key of all digests of persons: whoever has it can test guesses, so it never leaves the deployment.
public struct IdentitySecret: Sendable {
  public static let byteCount = 32
  /// Bytes of a digest.
  public static let digestByteCount = 16
  let bytes: [UInt8]

  /// Nil unless there are 32 bytes.
  public init?(bytes: [UInt8]) {
    guard bytes.count == IdentitySecret.byteCount, sodium_init() >= 0 else { return nil }
    self.bytes = bytes
  }

  /// Keyed BLAKE2b-128 of the text into `digest` (16 bytes).
  func digest(_ text: UnsafeRawBufferPointer, into digest: UnsafeMutableRawPointer) {
    bytes.withUnsafeBytes { key in
      _ = crypto_generichash(
        digest.assumingMemoryBound(to: UInt8.self), IdentitySecret.digestByteCount,
        text.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(text.count),
        key.baseAddress?.assumingMemoryBound(to: UInt8.self), key.count)
    }
  }

  /// Keyed BLAKE2b-128 of (mall ‖ 0 ‖ kind ‖ 0 ‖ normalised value): the digest of a customer key (D13).
  public func customerDigest(mallId: String, kind: UInt8, normalisedValue: String) -> [UInt8] {
    let text = Array(mallId.utf8) + [0, kind, 0] + Array(normalisedValue.utf8)
    var made = [UInt8](repeating: 0, count: IdentitySecret.digestByteCount)
    text.withUnsafeBytes { text in
      made.withUnsafeMutableBytes { if let base = $0.baseAddress { digest(text, into: base) } }
    }
    return made
  }
}
