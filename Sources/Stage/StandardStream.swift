internal import Glibc

/// Standard output and standard error, written whole; a closed reader is not an error.
public enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  public func write(_ text: String) {
    var text = text
    text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
  }

  public func write(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let count = Glibc.write(rawValue, part.baseAddress, part.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  public var isTerminal: Bool { isatty(rawValue) == 1 }
}

/// Small files read whole.
enum FileBytes {
  /// Nil where it cannot be read or is larger; `errno` says why in the first case.
  static func read(_ path: String, bytesMax: Int) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    let chunkBytes = 16 * 1024
    while bytes.count <= bytesMax {
      var got = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: chunkBytes) { buffer, count in
        got = Glibc.read(file, buffer.baseAddress, chunkBytes)
        count = max(got, 0)
      }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { return nil }
      if got == 0 { return bytes }
      bytes += chunk
    }
    return nil
  }
}
