import CSQLite
import Glibc

/// An open SQLite database. One owner: it must not be used from two threads at the same time, and it is closed
/// when the last statement of it and the owner's reference are gone.
public final class Connection {
  public struct Options: Sendable, Equatable {
    public var readOnly = false
    /// How long a statement waits for another connection's lock before `SQLITE_BUSY`, in milliseconds.
    public var busyTimeoutMs: Int32 = 5000
    /// Bytes a page, a power of two from 512 to 65,536; counts only for a new file.
    public var pageSize: Int64 = 4096
    public var cacheKiB: Int64 = 16_384
    /// Pages in the write-ahead log after which a commit checkpoints by itself; 0 = never.
    public var autoCheckpointPages: Int64 = 16_000
    /// No other connection may open the file. Look-ups outside a transaction then take no lock.
    public var exclusive = false
    /// Deleted content is overwritten (a forgotten customer must not be left in free pages, D29).
    public var secureDelete = true
    /// The file is thrown away with its process: no journal, nothing is waited for, a crash may damage it.
    public var isScratch = false

    public init() {}
  }

  let handle: OpaquePointer
  public let path: String

  /// Opens (and unless `readOnly` creates) the file; WAL, `synchronous = NORMAL`: a process's crash loses
  /// nothing, a power failure at most the last commits.
  public init(path: String, options: Options = Options()) throws(SQLiteError) {
    var opened: OpaquePointer?
    let access = options.readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    let code = sqlite3_open_v2(path, &opened, access | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let opened else {
      let extended = opened.map { sqlite3_extended_errcode($0) } ?? code
      sqlite3_close_v2(opened)
      throw SQLiteError(extendedCode: extended, sql: "open")
    }
    handle = opened
    self.path = path
    sqlite3_extended_result_codes(handle, 1)
    sqlite3_busy_timeout(handle, options.busyTimeoutMs)
    try configure(options)
  }

  deinit { sqlite3_close_v2(handle) }

  private func configure(_ options: Options) throws(SQLiteError) {
    if options.exclusive { try execute("PRAGMA locking_mode = EXCLUSIVE") }
    if !options.readOnly {
      try execute("PRAGMA page_size = \(options.pageSize)")
      try setJournal(options)
      try execute("PRAGMA synchronous = \(options.isScratch ? "OFF" : "NORMAL")")
      try execute("PRAGMA secure_delete = \(options.secureDelete && !options.isScratch ? 1 : 0)")
      try execute("PRAGMA wal_autocheckpoint = \(options.autoCheckpointPages)")
      try execute("PRAGMA journal_size_limit = 67108864")
    }
    try execute("PRAGMA cache_size = -\(options.cacheKiB)")
    try execute("PRAGMA temp_store = MEMORY")
    try execute("PRAGMA foreign_keys = ON")
    // A file that was tampered with must not reach functions or shadow tables through its schema.
    try execute("PRAGMA trusted_schema = OFF")
  }

  /// SQLite does not always wait by itself for another process that is switching the same new file to WAL.
  private func setJournal(_ options: Options) throws(SQLiteError) {
    let deadline = Connection.nowMs() + Int64(options.busyTimeoutMs)
    while true {
      do throws(SQLiteError) {
        return try execute("PRAGMA journal_mode = \(options.isScratch ? "OFF" : "WAL")")
      } catch {
        guard error.code == SQLITE_BUSY, Connection.nowMs() < deadline else { throw error }
      }
      usleep(10_000)
    }
  }

  private static func nowMs() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
  }

  /// Runs statements without parameters and throws their rows away. Only for fixed SQL: values are bound.
  public func execute(_ sql: String) throws(SQLiteError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    if code != SQLITE_OK { throw error(code, sql) }
  }

  /// Prepares one statement, to be kept and used again.
  public func prepare(_ sql: String) throws(SQLiteError) -> Statement {
    try Statement(connection: self, sql: sql)
  }

  /// First column of the first row, or nil without a row. For settings and counts, not for loops.
  public func integer(_ sql: String) throws(SQLiteError) -> Int64? {
    let statement = try prepare(sql)
    return try statement.step() ? statement.integer(0) : nil
  }

  /// First column of the first row as text, or nil without a row.
  public func text(_ sql: String) throws(SQLiteError) -> String? {
    let statement = try prepare(sql)
    return try statement.step() ? statement.text(0) : nil
  }

  /// Rows that the last `INSERT`, `UPDATE` or `DELETE` changed.
  public var changedRows: Int64 { sqlite3_changes64(handle) }

  /// Runs the body in one transaction that takes the write lock at its start; whatever the body throws rolls
  /// it back. Not to be nested.
  public func transaction<Result>(_ body: () throws -> Result) throws -> Result {
    try execute("BEGIN IMMEDIATE")
    do {
      let result = try body()
      try execute("COMMIT")
      return result
    } catch {
      // Some errors (disk full, I/O) have rolled back by themselves.
      if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
      throw error
    }
  }

  /// Moves the write-ahead log into the file and empties it. Does as much as it can while others read.
  public func checkpoint() throws(SQLiteError) {
    let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
    // Another reader only delays the rest of the checkpoint.
    if code != SQLITE_OK, code & 0xFF != SQLITE_BUSY { throw error(code, "checkpoint") }
  }

  func error(_ code: Int32, _ sql: String) -> SQLiteError {
    let extended = sqlite3_extended_errcode(handle)
    return SQLiteError(extendedCode: extended & 0xFF == code & 0xFF ? extended : code, sql: sql)
  }
}
