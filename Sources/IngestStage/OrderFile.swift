import Glibc

/// Why an orders file cannot be read.
public struct OrderFileError: Error, CustomStringConvertible {
  public let path: String
  public let reason: String
  public var description: String { "cannot read \(path): \(reason)" }
}

/// Reads an NDJSON file line by line in bounded memory; lines are lent.
public final class OrderFile {
  /// A longer line is handed out cut to this length (one byte more than an event may have).
  public static let lineBytesMax = (1 << 20) + 1
  /// Bytes of memory behind each line that may be read.
  public static let readableAfter = 64
  /// Small enough to stay in a core's cache until it is parsed.
  private static let chunkBytes = 256 << 10

  private let descriptor: Int32
  private let buffer: UnsafeMutableRawPointer
  private let capacity = OrderFile.chunkBytes + OrderFile.lineBytesMax + OrderFile.readableAfter
  private var start = 0
  private var end = 0
  private var atEnd = false
  private var skipping = false
  private var scanned = 0
  public let path: String
  /// Bytes of the whole file; 0 for a pipe.
  public let byteCount: Int
  public private(set) var bytesRead = 0
  /// Number of the line handed out last, 1-based.
  public private(set) var lineNumber: Int64 = 0

  /// `-` reads standard input.
  public init(path: String) throws(OrderFileError) {
    self.path = path
    descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw OrderFileError(path: path, reason: String(cString: strerror(errno))) }
    var status = stat()
    fstat(descriptor, &status)
    guard status.st_mode & S_IFMT != S_IFDIR else {
      Glibc.close(descriptor)
      throw OrderFileError(path: path, reason: "it is a directory; give the file")
    }
    byteCount = Int(status.st_size)
    buffer = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit {
    if descriptor > 0 { close(descriptor) }
    buffer.deallocate()
  }

  /// The next line that is not blank, without its line end, valid until the next call; nil at the end.
  public func next() throws(OrderFileError) -> UnsafeRawBufferPointer? {
    while let line = try rawLine() {
      lineNumber += 1
      if line.contains(where: { $0 != 32 && $0 != 9 && $0 != 13 }) { return line }
    }
    return nil
  }

  private func rawLine() throws(OrderFileError) -> UnsafeRawBufferPointer? {
    while true {
      if let newline = memchr(buffer + start + scanned, 10, end - start - scanned) {
        let at = UnsafeRawPointer(newline) - UnsafeRawPointer(buffer)
        let line = UnsafeRawBufferPointer(start: buffer + start, count: at - start)
        start = at + 1
        scanned = 0
        if skipping {
          skipping = false
          continue
        }
        return line
      }
      scanned = end - start
      if scanned >= OrderFile.lineBytesMax {
        let line = UnsafeRawBufferPointer(start: buffer + start, count: OrderFile.lineBytesMax)
        let wasSkipping = skipping
        skipping = true
        start = end
        scanned = 0
        if wasSkipping { continue }
        return line
      }
      if atEnd {
        guard end > start, !skipping else { return nil }
        let line = UnsafeRawBufferPointer(start: buffer + start, count: end - start)
        start = end
        scanned = 0
        return line
      }
      try fill()
    }
  }

  private func fill() throws(OrderFileError) {
    if start > 0 {
      memmove(buffer, buffer + start, end - start)
      end -= start
      start = 0
    }
    var count: Int
    repeat {
      count = read(
        descriptor, buffer + end, min(OrderFile.chunkBytes, capacity - OrderFile.readableAfter - end))
    } while count < 0 && errno == EINTR
    guard count >= 0 else { throw OrderFileError(path: path, reason: String(cString: strerror(errno))) }
    if count == 0 { atEnd = true }
    end += count
    bytesRead += count
  }
}
