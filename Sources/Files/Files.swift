/// Files: what people keep in files (rules, reference data), read whole and checked.
///
/// Promises: what is wrong is told with file and place; nothing is guessed.
import Glibc

/// What cannot be used, told to the person who named it.
public struct UserError: Error, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// Whole small files, and lists of folders.
public enum Files {
  public static let bytesMax = 512 << 20

  /// Nil when there is no such file or it cannot be read.
  public static func read(_ path: String) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= bytesMax else {
      return nil
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress! + done, $0.count - done) }
      if count <= 0 { break }
      done += count
    }
    return done == bytes.count ? bytes : nil
  }

  /// Puts a whole file in place of what was there.
  public static func write(_ bytes: [UInt8], to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw UserError("cannot write \(path): \(String(cString: strerror(errno)))") }
    defer { close(file) }
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + done, $0.count - done) }
      guard count > 0 else { throw UserError("cannot write \(path): \(String(cString: strerror(errno)))") }
      done += count
    }
  }

  public static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Names in a folder, sorted; without those that begin with a dot.
  public static func names(in path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// Makes the folder and those above it.
  public static func makeDirectory(_ path: String) throws {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
      if mkdir(made, 0o755) != 0, errno != EEXIST {
        throw UserError("cannot make the folder \(made): \(String(cString: strerror(errno)))")
      }
    }
    guard isDirectory(path) else { throw UserError("\(path) is in the way: it is not a folder") }
  }

  /// Removes a folder that we made ourselves, one level deep.
  public static func removeDirectory(_ path: String) {
    guard let folder = opendir(path) else { return }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { unlink("\(path)/\(name)") }
    }
    closedir(folder)
    rmdir(path)
  }

  /// The folder of shipped configuration: `config` here, beside the sources the program was built from, or
  /// `../share/passflow/config` beside an installed program.
  public static func shippedConfiguration() -> String? {
    var candidates = ["config"]
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    if count > 0 {
      let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      var folder = path.split(separator: "/").dropLast()
      candidates.append("/" + folder.dropLast().joined(separator: "/") + "/share/passflow/config")
      while !folder.isEmpty {
        candidates.append("/" + folder.joined(separator: "/") + "/config")
        folder = folder.dropLast()
      }
    }
    return candidates.first { isDirectory($0 + "/templates") && isDirectory($0 + "/rules") }
  }
}
