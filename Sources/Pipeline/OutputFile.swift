import Files
import Glibc

/// A file that is written front to back through one buffer.
final class OutputFile {
  private let descriptor: Int32
  private let path: String
  private let memory = UnsafeMutableRawPointer.allocate(byteCount: OutputFile.size, alignment: 16)
  private var used = 0
  private static let size = bufferBytes + (1 << 16)
  /// A write is as large as this, or a little larger.
  static let bufferBytes = 1 << 18

  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw UserError("cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }

  deinit {
    memory.deallocate()
    close(descriptor)
  }

  func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    if bytes.count >= OutputFile.bufferBytes {
      // As large as the buffer: written as it lies.
      try flush()
      return try put(bytes)
    }
    guard let start = bytes.baseAddress else { return }
    try append(atMost: bytes.count) { room in
      room.copyMemory(from: start, byteCount: bytes.count)
      return bytes.count
    }
  }

  /// Room for `count` bytes, at most `bufferBytes`, into which the body writes; it returns how many it has written.
  func append(atMost count: Int, _ body: (UnsafeMutableRawPointer) -> Int) throws {
    guard count <= OutputFile.bufferBytes else { throw UserError("cannot write \(path): a line is too long") }
    if used + count > OutputFile.size { try flush() }
    used += body(memory + used)
    if used >= OutputFile.bufferBytes { try flush() }
  }

  func flush() throws {
    let count = used
    used = 0
    try put(UnsafeRawBufferPointer(start: memory, count: count))
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
