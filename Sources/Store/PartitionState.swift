import Glibc

/// A key and its new value; nil removes the key.
public struct StateChange: Equatable, Sendable {
  public var key: [UInt8]
  public var value: [UInt8]?

  public init(key: [UInt8], value: [UInt8]?) {
    self.key = key
    self.value = value
  }
}

/// What a state file is of. A file of anything else is refused.
public struct PartitionIdentity: Equatable, Sendable {
  /// Changelog topic that the file can be rebuilt from.
  public var topic: String
  public var partition: Int32
  /// Layout of the values, counted up by the stage when old values cannot be read any more.
  public var schemaVersion: Int64

  public init(topic: String, partition: Int32, schemaVersion: Int64) {
    self.topic = topic
    self.partition = partition
    self.schemaVersion = schemaVersion
  }
}

/// Which inputs and which changelog records a state file reflects: offsets of the *next* record, −1 = none yet.
public struct StatePosition: Equatable, Sendable {
  public var inputOffset: Int64
  public var changelogOffset: Int64

  public init(inputOffset: Int64 = -1, changelogOffset: Int64 = -1) {
    self.inputOffset = inputOffset
    self.changelogOffset = changelogOffset
  }
}

public enum PartitionStateError: Error, Equatable, Sendable {
  /// Damaged, of another layout, or no SQLite file: `PartitionState.delete(directory:name:)` and rebuild.
  case damaged(SQLiteError?)
  /// A sound file of another topic, partition or schema version.
  case otherIdentity(found: PartitionIdentity)
  /// Another process or connection owns the file; it may be given up soon.
  case owned
  /// Anything else: disk full, no permission. Stop.
  case failed(SQLiteError)
  /// Empty, longer than `PartitionState.nameMax`, or with other characters than letters, digits, `-`, `_`, `.`.
  case badName
  case badDirectory(errno: Int32)
}

/// The state of one (stage, partition) in one SQLite file: keys, values and the position they reflect.
///
/// Keys and values are two tables. A value stands where it was first written, beside those of the same time, which are
/// the next to change together: a write then touches few pages, wherever the keys lie. The table of keys is small.
///
/// One owner, in one process: the file is held exclusively. Written in whole transactions only, so that it is
/// always the state as of `position`; whatever is newer is replayed from the changelog.
public final class PartitionState {
  public static let nameMax = 200

  let connection: Connection
  private let getStatement: Statement
  private let findStatement: Statement
  private let insertEntryStatement: Statement
  private let insertContentStatement: Statement
  private let updateStatement: Statement
  private let removeEntryStatement: Statement
  private let removeContentStatement: Statement
  private let scanStatement: Statement
  private let scanToEndStatement: Statement
  private let positionStatement: Statement

  public let identity: PartitionIdentity
  /// What the file reflects: the last `apply`.
  public private(set) var position: StatePosition
  /// A row read was not what was written, or SQLite found the file malformed: it must be built anew.
  public private(set) var isDamaged = false
  private let isScratch: Bool
  /// Of the next new row; never one that is in use.
  private var nextId: Int64

  static let migrations = [
    """
    CREATE TABLE state(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE meta(
      id INTEGER PRIMARY KEY CHECK (id = 1), topic TEXT NOT NULL, partition INTEGER NOT NULL,
      schema_version INTEGER NOT NULL, input_offset INTEGER NOT NULL, changelog_offset INTEGER NOT NULL);
    """,
    // What version 1 wrote has no checksum: it is built anew.
    """
    DROP TABLE state;
    CREATE TABLE state(
      key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;
    DELETE FROM meta;
    ALTER TABLE meta ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
    """,
    // What version 2 wrote was moved before, by `takeFormerFile`.
    """
    DROP TABLE state;
    CREATE TABLE entry(key BLOB PRIMARY KEY NOT NULL, id INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE content(id INTEGER PRIMARY KEY, value BLOB NOT NULL, checksum INTEGER NOT NULL);
    """,
  ]

  /// Opens or creates `directory/name.sqlite`; the directory is created if only its last part is missing.
  public static func open(
    directory: String, name: String, identity: PartitionIdentity, cacheKiB: Int64 = 32_768,
    isScratch: Bool = false
  ) throws(PartitionStateError) -> PartitionState {
    let path = try path(directory: directory, name: name)
    if mkdir(directory, 0o750) != 0, errno != EEXIST { throw .badDirectory(errno: errno) }
    do {
      try takeFormerFile(path, identity)
      return try PartitionState(path: path, identity: identity, cacheKiB: cacheKiB, isScratch: isScratch)
    } catch {
      throw translate(error)
    }
  }

  init(path: String, identity: PartitionIdentity, cacheKiB: Int64, isScratch: Bool) throws {
    var options = Connection.Options()
    options.exclusive = true
    options.busyTimeoutMs = 1000
    options.cacheKiB = cacheKiB
    options.isScratch = isScratch
    connection = try Connection(path: path, options: options)
    do {
      try connection.migrate(PartitionState.migrations)
    } catch is Connection.NewerSchema {
      throw PartitionStateError.damaged(nil)
    }
    self.identity = identity
    self.isScratch = isScratch
    position = try PartitionState.readPosition(connection, identity)
    nextId = try PartitionState.lastId(connection) + 1
    // A key whose value is missing must not be taken for a key that is missing.
    let row = "FROM entry LEFT JOIN content ON content.id = entry.id"
    getStatement = try connection.prepare("SELECT value, checksum, entry.id \(row) WHERE key = ?1")
    findStatement = try connection.prepare("SELECT id FROM entry WHERE key = ?1")
    insertEntryStatement = try connection.prepare("INSERT INTO entry(key, id) VALUES(?1, ?2)")
    insertContentStatement = try connection.prepare(
      "INSERT INTO content(id, value, checksum) VALUES(?1, ?2, ?3)")
    updateStatement = try connection.prepare("UPDATE content SET value = ?2, checksum = ?3 WHERE id = ?1")
    removeEntryStatement = try connection.prepare("DELETE FROM entry WHERE key = ?1")
    removeContentStatement = try connection.prepare("DELETE FROM content WHERE id = ?1")
    scanStatement = try connection.prepare(
      "SELECT key, value, checksum, entry.id \(row) WHERE key >= ?1 AND key < ?2 ORDER BY key")
    scanToEndStatement = try connection.prepare(
      "SELECT key, value, checksum, entry.id \(row) WHERE key >= ?1 ORDER BY key")
    positionStatement = try connection.prepare(
      "UPDATE meta SET input_offset = ?1, changelog_offset = ?2, checksum = ?3")
  }

  static func readPosition(_ connection: Connection, _ identity: PartitionIdentity) throws
    -> StatePosition
  {
    let insert = try connection.prepare("INSERT OR IGNORE INTO meta VALUES(1, ?1, ?2, ?3, -1, -1, ?4)")
    try insert.bind(1, identity.topic)
    try insert.bind(2, Int64(identity.partition))
    try insert.bind(3, identity.schemaVersion)
    try insert.bind(4, StateChecksum.of(StatePosition()))
    try insert.run()
    let read = try connection.prepare(
      "SELECT topic, partition, schema_version, input_offset, changelog_offset, checksum FROM meta")
    guard try read.step() else { throw PartitionStateError.damaged(nil) }
    let found = PartitionIdentity(
      topic: read.text(0), partition: Int32(clamping: read.integer(1)), schemaVersion: read.integer(2))
    guard found == identity else { throw PartitionStateError.otherIdentity(found: found) }
    let position = StatePosition(inputOffset: read.integer(3), changelogOffset: read.integer(4))
    let checksum = read.integer(5)
    guard checksum == StateChecksum.of(position) else { throw PartitionStateError.damaged(nil) }
    return position
  }

  // MARK: Reading

  /// Calls the body with the value, borrowed for the time of the call; nil if there is no such key. The body must
  /// not use this state.
  public func withValue<Result>(
    _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result? {
    defer { getStatement.reset() }
    do {
      try getStatement.bindBorrowed(1, key)
      guard try getStatement.step() else { return nil }
      try verify(key, getStatement, valueColumn: 0)
    } catch {
      throw noted(error)
    }
    return try body(getStatement.bytes(0))
  }

  public func get(_ key: [UInt8]) throws -> [UInt8]? {
    try key.withUnsafeBytes { try withValue($0) { [UInt8]($0) } }
  }

  /// All entries whose key begins with the prefix (all, if it is empty), by key; key and value are borrowed for
  /// the time of the call. The state must not be changed meanwhile.
  public func scan(
    prefix: [UInt8], _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let end = PartitionState.end(ofPrefix: prefix)
    let statement = end == nil ? scanToEndStatement : scanStatement
    defer { statement.reset() }
    do {
      try statement.bind(1, prefix)
      if let end { try statement.bind(2, end) }
    } catch {
      throw PartitionState.translate(error)
    }
    while true {
      let hasRow: Bool
      do {
        hasRow = try statement.step()
        if hasRow { try verify(statement.bytes(0), statement, valueColumn: 1) }
      } catch {
        throw noted(error)
      }
      guard hasRow else { return }
      try body(statement.bytes(0), statement.bytes(1))
    }
  }

  /// Up to `limit` entries with keys after `last` (from the first, if nil), by key, borrowed for the call.
  public func page(
    after last: [UInt8]?, limit: Int, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void
  ) throws {
    // The smallest key behind another is that key with a zero byte.
    let statement = scanToEndStatement
    defer { statement.reset() }
    var rest = limit
    do { try statement.bind(1, last.map { $0 + [0] } ?? []) } catch { throw PartitionState.translate(error) }
    while rest > 0 {
      let hasRow: Bool
      do {
        hasRow = try statement.step()
        if hasRow { try verify(statement.bytes(0), statement, valueColumn: 1) }
      } catch {
        throw noted(error)
      }
      guard hasRow else { return }
      try body(statement.bytes(0), statement.bytes(1))
      rest -= 1
    }
  }

  public func count() throws -> Int64 { try connection.integer("SELECT count(*) FROM entry") ?? 0 }

  /// The smallest key behind all that begin with the prefix; nil if there is none.
  static func end(ofPrefix prefix: [UInt8]) -> [UInt8]? {
    var end = prefix
    while let last = end.last {
      if last < 255 {
        end[end.count - 1] = last + 1
        return end
      }
      end.removeLast()
    }
    return nil
  }

  /// Holds a row (value, checksum, id, from `valueColumn` on) against its checksum.
  private func verify(_ key: UnsafeRawBufferPointer, _ row: Statement, valueColumn: Int32) throws {
    guard !row.isNull(valueColumn) else { throw PartitionStateError.damaged(nil) }
    guard !isScratch else { return }
    let checksum =
      StateChecksum.of(key, row.integer(valueColumn + 2)) &+ StateChecksum.of(row.bytes(valueColumn))
    guard row.integer(valueColumn + 1) == checksum else { throw PartitionStateError.damaged(nil) }
  }

  /// The error as one of this type; remembers damage.
  func noted(_ error: any Error) -> PartitionStateError {
    let translated = PartitionState.translate(error)
    if case .damaged = translated { isDamaged = true }
    return translated
  }

  // MARK: Writing

  /// Writes all changes and the position in one transaction: all of it or nothing. Sorted keys are much faster.
  public func apply(_ changes: [StateChange], position next: StatePosition) throws(PartitionStateError) {
    do {
      try connection.transaction {
        for change in changes { try write(change) }
        try write(next)
      }
    } catch {
      throw noted(error)
    }
    position = next
  }

  /// The same with borrowed bytes: the body calls `put` for each change, sorted by key.
  public func apply(
    position next: StatePosition,
    _ body: ((_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) throws -> Void) throws -> Void
  ) throws(PartitionStateError) {
    do {
      try connection.transaction {
        try body { key, value in try put(key, value) }
        try write(next)
      }
    } catch {
      throw noted(error)
    }
    position = next
  }

  func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) throws {
    guard let value else { return try remove(key) }
    if let id = try find(key) { return try write(value, key, id, updateStatement) }
    let id = nextId
    nextId += 1
    try write(value, key, id, insertContentStatement)
    try insertEntryStatement.bindBorrowed(1, key)
    try insertEntryStatement.bind(2, id)
    try insertEntryStatement.run()
  }

  private func write(
    _ value: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, _ id: Int64, _ statement: Statement
  ) throws {
    try statement.bind(1, id)
    try statement.bindBorrowed(2, value)
    try statement.bind(3, isScratch ? 0 : StateChecksum.of(key, id) &+ StateChecksum.of(value))
    try statement.run()
    // Of a damaged file the value that belongs to a key may be gone.
    guard connection.changedRows == 1 else { throw PartitionStateError.damaged(nil) }
  }

  private func find(_ key: UnsafeRawBufferPointer) throws -> Int64? {
    try findStatement.bindBorrowed(1, key)
    defer { findStatement.reset() }
    return try findStatement.step() ? findStatement.integer(0) : nil
  }

  private func remove(_ key: UnsafeRawBufferPointer) throws {
    guard let id = try find(key) else { return }
    try removeContentStatement.bind(1, id)
    try removeContentStatement.run()
    try removeEntryStatement.bindBorrowed(1, key)
    try removeEntryStatement.run()
  }

  private func write(_ position: StatePosition) throws {
    try positionStatement.bind(1, position.inputOffset)
    try positionStatement.bind(2, position.changelogOffset)
    try positionStatement.bind(3, StateChecksum.of(position))
    try positionStatement.run()
  }

  private func write(_ change: StateChange) throws {
    try change.key.withUnsafeBytes { key in
      guard let value = change.value else { return try put(key, nil) }
      try value.withUnsafeBytes { try put(key, $0) }
    }
  }

  /// Forgets everything, the position included: the file is to be built anew.
  public func removeAll() throws(PartitionStateError) {
    do { try connection.execute("DELETE FROM entry; DELETE FROM content") } catch { throw noted(error) }
    try apply([], position: StatePosition())
  }

  /// Moves the write-ahead log into the file: the slow part of writing, to be done between batches.
  public func checkpointWAL() throws(PartitionStateError) {
    do { try connection.checkpoint() } catch { throw PartitionState.translate(error) }
  }
}
