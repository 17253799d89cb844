internal import CYAML
internal import Glibc

/// A YAML file as one tree.
public struct YAMLDocument: Sendable {
  /// The bytes a document may have.
  public static let bytesMax = 4 * 1024 * 1024
  /// How deep sequences and mappings may stand in each other.
  public static let depthMax = 64
  /// Scalars, sequences and mappings together, keys included.
  public static let nodesMax = 500_000

  /// An empty document has a root that `isNull`.
  public let root: YAMLNode

  public static func parse(_ text: String, file: String) throws(YAMLError) -> YAMLDocument {
    try parse(bytes: Array(text.utf8), file: file)
  }

  /// - Parameter file: the name shown in errors.
  public static func parse(bytes: [UInt8], file: String) throws(YAMLError) -> YAMLDocument {
    guard bytes.count <= bytesMax else {
      let start = YAMLLocation(file: file, line: 1, column: 1)
      throw YAMLError(.tooLarge, at: start, "larger than \(bytesMax) bytes")
    }
    if bytes.isEmpty {
      return YAMLDocument(root: YAMLNode(.scalar("", .plain), at: .init(file: file, line: 1, column: 1)))
    }
    let result = bytes.withUnsafeBufferPointer { buffer -> Result<YAMLNode, YAMLError> in
      var builder = YAMLTreeBuilder(file: file)
      do throws(YAMLError) { return .success(try builder.build(buffer)) } catch { return .failure(error) }
    }
    return YAMLDocument(root: try result.get())
  }

  /// Reads a file of at most `bytesMax` bytes and parses it.
  public static func read(path: String) throws(YAMLError) -> YAMLDocument {
    let start = YAMLLocation(file: path, line: 1, column: 1)
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw YAMLError(.unreadable, at: start, "cannot be opened: \(String(cString: strerror(errno)))")
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    let chunkBytes = 64 * 1024
    while bytes.count <= bytesMax {
      var failure: Int32 = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: chunkBytes) { buffer, count in
        let got = Glibc.read(file, buffer.baseAddress, chunkBytes)
        if got < 0 { failure = errno }
        count = max(got, 0)
      }
      if failure == EINTR { continue }
      guard failure == 0 else {
        throw YAMLError(.unreadable, at: start, "cannot be read: \(String(cString: strerror(failure)))")
      }
      if chunk.isEmpty { break }
      bytes += chunk
    }
    return try parse(bytes: bytes, file: path)
  }
}
