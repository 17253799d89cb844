import Glibc

/// Folders under /tmp for the time of a test.
public enum TemporaryFolder {
  public static func make(_ name: String = "test") -> String {
    var template = Array("/tmp/passflow-\(name)-XXXXXX".utf8CString)
    return template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/tmp"
    }
  }

  /// With these files in it.
  public static func make(_ name: String = "test", files: [String: String]) -> String {
    let folder = make(name)
    for (name, text) in files { write("\(folder)/\(name)", Array(text.utf8)) }
    return folder
  }

  public static func write(_ path: String, _ bytes: [UInt8]) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    let written = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    precondition(written == bytes.count, "\(path) cannot be written")
    close(file)
  }

  /// With everything in it; a folder that is not of `make` stays.
  public static func remove(_ folder: String) {
    guard folder.hasPrefix("/tmp/passflow-") else { return }
    if let handle = opendir(folder) {
      while let entry = readdir(handle) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard name != ".", name != ".." else { continue }
        let path = "\(folder)/\(name)"
        if entry.pointee.d_type == UInt8(DT_DIR) { remove(path) } else { unlink(path) }
      }
      closedir(handle)
    }
    rmdir(folder)
  }
}
