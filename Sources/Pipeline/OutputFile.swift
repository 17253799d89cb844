import Files
import Glibc

/// A file that is written front to back through one buffer.
final class OutputFile {
  private let descriptor: Int32
  private let path: String
  private var buffer: [UInt8] = []
  /// A write is as large as this, or a little larger.
  static let bufferBytes = 1 << 18

  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw UserError("cannot write \(path): \(String(cString: strerror(errno)))")
    }
    buffer.reserveCapacity(OutputFile.bufferBytes + (1 << 16))
  }

  deinit { close(descriptor) }

  func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    if bytes.count >= OutputFile.bufferBytes {
      // As large as the buffer: written as it lies.
      try flush()
      return try put(bytes)
    }
    buffer.append(contentsOf: bytes)
    if buffer.count >= OutputFile.bufferBytes { try flush() }
  }

  func flush() throws {
    try buffer.withUnsafeBytes { try put($0) }
    buffer.removeAll(keepingCapacity: true)
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      let count = Glibc.write(descriptor, start, rest.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw UserError("cannot write \(path): \(String(cString: strerror(errno)))") }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }
}
