import Glibc

extension PartitionState {
  /// True if SQLite's quick check finds the file sound (reads all of it: at start or on request only).
  public func isSound() -> Bool { (try? connection.text("PRAGMA quick_check(1)")) == "ok" }

  /// Removes the file and its log. No `PartitionState` of it may be open; missing files are no error.
  public static func delete(directory: String, name: String) throws(PartitionStateError) {
    let path = try path(directory: directory, name: name)
    for suffix in ["-wal", "-shm", "-journal", ""] where unlink(path + suffix) != 0 && errno != ENOENT {
      throw .badDirectory(errno: errno)
    }
  }

  static func path(directory: String, name: String) throws(PartitionStateError) -> String {
    let allowed = name.utf8.allSatisfy {
      switch $0 {
      case 48...57, 65...90, 97...122, 45, 46, 95: true
      default: false
      }
    }
    guard allowed, !name.isEmpty, name.utf8.count <= nameMax, name.utf8.first != 46 else { throw .badName }
    return "\(directory)/\(name).sqlite"
  }

  /// Reads every row and holds it against its checksum: what was lost or changed on the disk while nobody looked.
  ///
  /// About a second for a million rows. Throws `.damaged`.
  public func verifyAll() throws(PartitionStateError) {
    var last: [UInt8] = []
    do {
      try scan(prefix: []) { key, _ in
        guard last.isEmpty || PartitionState.precedes(last, key) else {
          throw PartitionStateError.damaged(nil)
        }
        last.removeAll(keepingCapacity: true)
        last.append(contentsOf: key)
      }
    } catch {
      throw noted(error)
    }
  }

  private static func precedes(_ left: [UInt8], _ right: UnsafeRawBufferPointer) -> Bool {
    left.withUnsafeBytes { left in
      guard let first = left.baseAddress, let second = right.baseAddress else {
        return left.count < right.count
      }
      let order = memcmp(first, second, min(left.count, right.count))
      return order == 0 ? left.count < right.count : order < 0
    }
  }

  /// Bytes of the file, its log not counted.
  public var fileBytes: Int64 {
    let pages = (try? connection.integer("PRAGMA page_count")) ?? 0
    let size = (try? connection.integer("PRAGMA page_size")) ?? 0
    return pages * size
  }

  static func translate(_ error: any Error) -> PartitionStateError {
    if let error = error as? PartitionStateError { return error }
    guard let error = error as? SQLiteError else { return .damaged(nil) }
    return switch error.remedy {
    case .rebuild: .damaged(error)
    case .retry: .owned
    // Tables that are missing or of another shape: a sound file, but not ours.
    case .stop: error.code == 1 ? .damaged(error) : .failed(error)
    }
  }
}
