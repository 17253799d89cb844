import Glibc

/// A directory of its own for one test, removed with everything in it at the end.
final class TemporaryDirectory {
  let path: String

  init() {
    var template = Array("/tmp/passflow-store-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
  }

  deinit {
    if let directory = opendir(path) {
      while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        unlink("\(path)/\(name)")
      }
      closedir(directory)
    }
    rmdir(path)
  }

  /// Overwrites bytes of a file in it.
  func overwrite(_ name: String, at offset: Int, with bytes: [UInt8]) {
    let file = Glibc.open("\(path)/\(name)", O_WRONLY)
    _ = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, off_t(offset)) }
    close(file)
  }

  func create(_ name: String, _ bytes: [UInt8]) {
    let file = Glibc.open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    close(file)
  }
}
