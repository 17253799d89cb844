import Glibc

/// Folders under /tmp for the time of a test.
enum TemporaryFolder {
  static func make() -> String {
    var template = Array("/tmp/passflow-ingest-XXXXXX".utf8CString)
    return template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/tmp"
    }
  }

  static func remove(_ folder: String) {
    if let handle = opendir(folder) {
      while let entry = readdir(handle) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        unlink("\(folder)/\(name)")
      }
      closedir(handle)
    }
    rmdir(folder)
  }
}
