import Glibc

extension PartitionState {
  /// True if SQLite's quick check finds the file sound (reads all of it: at start or on request only).
  public func isSound() -> Bool { (try? connection.text("PRAGMA quick_check(1)")) == "ok" }

  /// Removes the file and its log. No `PartitionState` of it may be open; missing files are no error.
  public static func delete(directory: String, name: String) throws(PartitionStateError) {
    let path = try path(directory: directory, name: name)
    for suffix in ["-wal", "-shm", "-journal", "", ".next"]
    where unlink(path + suffix) != 0 && errno != ENOENT {
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

  /// Reads every row and holds all of them against their checksums: what was lost or changed on the disk while nobody
  /// looked. The checksums are sums of a part for the key and one for the value, so that each table is read in its own
  /// order.
  ///
  /// About half a second for a million rows. Throws `.damaged`.
  public func verifyAll() throws(PartitionStateError) {
    do {
      let keys = try sumOfKeys()
      let values = try sumOfValues()
      guard keys.count == values.count, keys.sum == values.sum else { throw PartitionStateError.damaged(nil) }
    } catch {
      throw noted(error)
    }
  }

  private func sumOfKeys() throws -> (count: Int, sum: Int64) {
    var last: [UInt8] = []
    var count = 0
    var sum: Int64 = 0
    let rows = try connection.prepare("SELECT key, id FROM entry ORDER BY key")
    while try rows.step() {
      let key = rows.bytes(0)
      guard count == 0 || PartitionState.precedes(last, key) else { throw PartitionStateError.damaged(nil) }
      last.removeAll(keepingCapacity: true)
      last.append(contentsOf: key)
      sum &+= StateChecksum.of(key, rows.integer(1))
      count += 1
    }
    return (count, sum)
  }

  /// What the checksums leave for the keys.
  private func sumOfValues() throws -> (count: Int, sum: Int64) {
    var count = 0
    var sum: Int64 = 0
    let rows = try connection.prepare("SELECT value, checksum FROM content ORDER BY id")
    while try rows.step() {
      sum &+= rows.integer(1) &- StateChecksum.of(rows.bytes(0))
      count += 1
    }
    return (count, sum)
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

  static func lastId(_ connection: Connection) throws(SQLiteError) -> Int64 {
    try connection.integer("SELECT max(id) FROM content") ?? 0
  }

  /// Puts a new file in the place of one of version 2, in which key and value were one row. The former one stays as it
  /// is until the new one is whole.
  static func takeFormerFile(_ path: String, _ identity: PartitionIdentity) throws {
    guard access(path, F_OK) == 0 else { return }
    let next = path + ".next"
    for suffix in ["-wal", "-shm", ""] { unlink(next + suffix) }
    guard try copyFormerRows(from: path, to: next, identity) else { return }
    // Both are closed, and with that their logs are in them; a log of the former file must not meet the new one.
    unlink(path + "-wal")
    guard rename(next, path) == 0 else { throw PartitionStateError.badDirectory(errno: errno) }
  }

  /// False: the file is of another version.
  private static func copyFormerRows(
    from path: String, to next: String, _ identity: PartitionIdentity
  ) throws -> Bool {
    var options = Connection.Options()
    options.exclusive = true
    options.busyTimeoutMs = 1000
    let former = try Connection(path: path, options: options)
    guard try former.schemaVersion() == 2 else { return false }
    let position = try readPosition(former, identity)
    let state = try PartitionState(path: next, identity: identity, cacheKiB: 8_192, isScratch: false)
    let rows = try former.prepare("SELECT key, value, checksum FROM state ORDER BY key")
    try state.apply(position: position) { put in
      while try rows.step() {
        guard StateChecksum.ofFormer(rows.bytes(0), rows.bytes(1)) == rows.integer(2) else {
          throw PartitionStateError.damaged(nil)
        }
        try put(rows.bytes(0), rows.bytes(1))
      }
    }
    try state.checkpointWAL()
    try former.checkpoint()
    return true
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
