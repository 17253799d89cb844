import Glibc
import TestKit

/// A directory of its own for one test, removed with everything in it at the end.
final class TemporaryDirectory {
  let path = TemporaryFolder.make("store")

  deinit { TemporaryFolder.remove(path) }

  /// Overwrites bytes of a file in it.
  func overwrite(_ name: String, at offset: Int, with bytes: [UInt8]) {
    let file = Glibc.open("\(path)/\(name)", O_WRONLY)
    _ = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, off_t(offset)) }
    close(file)
  }

  func create(_ name: String, _ bytes: [UInt8]) { TemporaryFolder.write("\(path)/\(name)", bytes) }
}
