import Files
import Glibc

/// A file that is written front to back through one buffer.
final class OutputFile {
  private let descriptor: Int32
  private let path: String
  private var buffer: [UInt8] = []
  private static let bufferBytes = 1 << 18

  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw UserError("cannot write \(path): \(String(cString: strerror(errno)))")
    }
    buffer.reserveCapacity(OutputFile.bufferBytes + (1 << 16))
  }

  deinit { close(descriptor) }

  func write(_ bytes: [UInt8]) throws {
    buffer.append(contentsOf: bytes)
    if buffer.count >= OutputFile.bufferBytes { try flush() }
  }

  func flush() throws {
    var done = 0
    while done < buffer.count {
      let count = buffer.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw UserError("cannot write \(path): \(String(cString: strerror(errno)))") }
      done += count
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
