internal import Glibc

/// Makes the folders that a file's path names, as far as they are missing.
public func makeDirectories(above path: String) throws(StageStartError) {
  let parts = path.split(separator: "/", omittingEmptySubsequences: true).dropLast()
  var made = path.hasPrefix("/") ? "/" : ""
  for part in parts {
    made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
    if mkdir(made, 0o750) != 0, errno != EEXIST {
      throw StageStartError("cannot make the folder \(made): \(String(cString: strerror(errno)))")
    }
  }
}
