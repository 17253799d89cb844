internal import CSodium
internal import Glibc

/// Why a key file cannot be used.
public struct KeyFileError: Error, Sendable, Equatable, CustomStringConvertible {
  public let path: String
  public let reason: String
  public var description: String { "key file cannot be used: \(reason): \(path)" }
}

/// A secret of 32 bytes in a file that only its owner may read.
public struct KeyFile: Sendable, Equatable {
  public static let byteCount = 32
  public let bytes: [UInt8]

  /// Reads the file; makes it with random bytes when it is not there. Of several processes that start
  /// at once one makes it and the others read what it made: it appears whole, by a link.
  public static func readOrCreate(_ path: String) throws(KeyFileError) -> KeyFile {
    if let known = try read(path) { return known }
    try create(path)
    guard let made = try read(path) else { throw KeyFileError(path: path, reason: "it disappeared") }
    return made
  }

  /// Nil when there is no such file.
  public static func read(_ path: String) throws(KeyFileError) -> KeyFile? {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT { return nil }
      throw failure(path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw KeyFileError(path: path, reason: "no regular file")
    }
    guard status.st_mode & 0o077 == 0 else {
      throw KeyFileError(path: path, reason: "others may read it, make it 0600")
    }
    guard status.st_size == byteCount else {
      throw KeyFileError(path: path, reason: "it must have \(byteCount) bytes")
    }
    guard let bytes = FileBytes.read(path, bytesMax: byteCount) else { throw failure(path) }
    guard bytes.count == byteCount else {
      throw KeyFileError(path: path, reason: "it must have \(byteCount) bytes")
    }
    return KeyFile(bytes: bytes)
  }

  private static func create(_ path: String) throws(KeyFileError) {
    makeDirectories(above: path)
    let bytes = SecureRandom.bytes(byteCount)
    let mark = SecureRandom.bytes(8).map { String($0, radix: 16) }.joined()
    let unfinished = "\(path).\(mark).new"
    let file = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure(path) }
    defer { unlink(unfinished) }
    let written = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    let synced = fsync(file) == 0
    close(file)
    guard written == byteCount, synced else { throw failure(path) }
    guard link(unfinished, path) == 0 || errno == EEXIST else { throw failure(path) }
  }

  private static func makeDirectories(above path: String) {
    for (offset, byte) in path.utf8.enumerated() where byte == UInt8(ascii: "/") && offset > 0 {
      mkdir(String(decoding: path.utf8.prefix(offset), as: UTF8.self), 0o700)
    }
  }

  private static func failure(_ path: String) -> KeyFileError {
    KeyFileError(path: path, reason: String(cString: strerror(errno)))
  }
}

/// Random bytes of the operating system's.
enum SecureRandom {
  static func bytes(_ count: Int) -> [UInt8] {
    // Also safe to call from several threads at once; it must have been called before any other use.
    _ = sodium_init()
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
      guard let start = buffer.baseAddress else { return }
      randombytes_buf(start, count)
      initialised = count
    }
  }
}

/// The key that encrypts dead letters: nonce ‖ XChaCha20-Poly1305 of the raw bytes.
public struct DeadLetterKey: Sendable {
  private let key: [UInt8]
  /// How much longer a sealed body is.
  public static let overheadBytes =
    Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES) + Int(crypto_aead_xchacha20poly1305_ietf_ABYTES)

  public init(_ file: KeyFile) { key = file.bytes }

  /// Reads the key from its file, which is made (0600) when it is not there.
  public init(path: String) throws(KeyFileError) { key = try KeyFile.readOrCreate(path).bytes }

  public func seal(_ body: UnsafeRawBufferPointer) -> [UInt8] {
    let nonceBytes = Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
    let nonce = SecureRandom.bytes(nonceBytes)
    return [UInt8](unsafeUninitializedCapacity: body.count + Self.overheadBytes) { buffer, count in
      _ = buffer.initialize(from: nonce)
      var sealedBytes: UInt64 = 0
      guard let start = buffer.baseAddress else { return }
      crypto_aead_xchacha20poly1305_ietf_encrypt(
        start + nonceBytes, &sealedBytes,
        body.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(body.count), nil, 0, nil, nonce, key)
      count = nonceBytes + Int(clamping: sealedBytes)
    }
  }

  public func seal(_ body: [UInt8]) -> [UInt8] { body.withUnsafeBytes { seal($0) } }

  /// Nil where the bytes were sealed with another key, or changed.
  public func open(_ sealed: [UInt8]) -> [UInt8]? {
    let nonceBytes = Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
    guard sealed.count >= Self.overheadBytes else { return nil }
    var isGood = false
    let body = [UInt8](unsafeUninitializedCapacity: sealed.count - Self.overheadBytes) { buffer, count in
      sealed.withUnsafeBufferPointer { bytes in
        guard let start = bytes.baseAddress else { return }
        var openedBytes: UInt64 = 0
        let result = crypto_aead_xchacha20poly1305_ietf_decrypt(
          buffer.baseAddress, &openedBytes, nil, start + nonceBytes, UInt64(bytes.count - nonceBytes), nil, 0,
          start, key)
        isGood = result == 0
        count = isGood ? Int(clamping: openedBytes) : 0
      }
    }
    return isGood ? body : nil
  }
}
