import CSodium

/// Seals the raw bytes of dead letters, so that the topic holds no personal data in the clear (D29).
///
/// XChaCha20-Poly1305 (IETF) with a random nonce in front: nonce (24 bytes) ‖ ciphertext ‖ tag (16 bytes).
public struct DeadLetterSeal: Sendable {
  public static let keyByteCount = 32
  /// How many bytes longer the sealed body is.
  public static let overhead = nonceByteCount + tagByteCount
  private static let nonceByteCount = 24
  private static let tagByteCount = 16
  private let key: [UInt8]

  /// Nil unless there are 32 bytes.
  public init?(key: [UInt8]) {
    guard key.count == DeadLetterSeal.keyByteCount, sodium_init() >= 0 else { return nil }
    self.key = key
  }

  public func seal(_ body: UnsafeRawBufferPointer) -> [UInt8] {
    var sealed = [UInt8](repeating: 0, count: body.count + DeadLetterSeal.overhead)
    sealed.withUnsafeMutableBufferPointer { sealed in
      guard let nonce = sealed.baseAddress else { return }
      randombytes_buf(nonce, DeadLetterSeal.nonceByteCount)
      _ = crypto_aead_xchacha20poly1305_ietf_encrypt(
        nonce + DeadLetterSeal.nonceByteCount, nil, body.baseAddress?.assumingMemoryBound(to: UInt8.self),
        UInt64(body.count), nil, 0, nil, nonce, key)
    }
    return sealed
  }

  /// Nil when the bytes were not sealed with this key, or changed since.
  public func open(_ sealed: UnsafeRawBufferPointer) -> [UInt8]? {
    guard sealed.count >= DeadLetterSeal.overhead,
      let nonce = sealed.baseAddress?.assumingMemoryBound(to: UInt8.self)
    else { return nil }
    var body = [UInt8](repeating: 0, count: sealed.count - DeadLetterSeal.overhead)
    let code = body.withUnsafeMutableBufferPointer { body in
      crypto_aead_xchacha20poly1305_ietf_decrypt(
        body.baseAddress, nil, nil, nonce + DeadLetterSeal.nonceByteCount,
        UInt64(sealed.count - DeadLetterSeal.nonceByteCount), nil, 0, nonce, key)
    }
    return code == 0 ? body : nil
  }
}
