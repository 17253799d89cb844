import CSQLite

/// A prepared statement, kept by its owner and used again and again. Parameters count from 1, columns from 0.
/// Keeps its connection open; finalised when the last reference goes.
public final class Statement {
  private let handle: OpaquePointer
  private let connection: Connection
  public let sql: String

  init(connection: Connection, sql: String) throws(SQLiteError) {
    var prepared: OpaquePointer?
    let code = sqlite3_prepare_v3(
      connection.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
    guard code == SQLITE_OK, let prepared else {
      throw connection.error(code == SQLITE_OK ? SQLITE_MISUSE : code, sql)
    }
    handle = prepared
    self.connection = connection
    self.sql = sql
  }

  deinit { sqlite3_finalize(handle) }

  // MARK: Binding

  public func bind(_ parameter: Int32, _ value: Int64) throws(SQLiteError) {
    try check(sqlite3_bind_int64(handle, parameter, value))
  }

  public func bind(_ parameter: Int32, _ value: Int64?) throws(SQLiteError) {
    if let value { try bind(parameter, value) } else { try bindNull(parameter) }
  }

  public func bindNull(_ parameter: Int32) throws(SQLiteError) {
    try check(sqlite3_bind_null(handle, parameter))
  }

  /// Binds a copy of the text.
  public func bind(_ parameter: Int32, _ value: String) throws(SQLiteError) {
    var copy = value
    let code = copy.withUTF8 { text in
      text.withMemoryRebound(to: CChar.self) { characters in
        // A nil pointer would bind NULL in place of an empty text.
        characters.isEmpty
          ? sqlite3_bind_text(handle, parameter, "", 0, copied)
          : sqlite3_bind_text(handle, parameter, characters.baseAddress, Int32(clamping: text.count), copied)
      }
    }
    try check(code)
  }

  public func bind(_ parameter: Int32, _ value: String?) throws(SQLiteError) {
    if let value { try bind(parameter, value) } else { try bindNull(parameter) }
  }

  /// Binds a copy of the bytes as a blob.
  public func bind(_ parameter: Int32, _ value: [UInt8]) throws(SQLiteError) {
    let code = value.withUnsafeBytes { bindBlob(parameter, $0, copied) }
    try check(code)
  }

  /// Binds bytes as a blob without copying them: they must stay where they are until `reset()` or `run()`
  /// has returned.
  public func bindBorrowed(_ parameter: Int32, _ value: UnsafeRawBufferPointer) throws(SQLiteError) {
    try check(bindBlob(parameter, value, nil))
  }

  /// Binds UTF-8 bytes as text without copying them; the same time rule as `bindBorrowed`.
  public func bindBorrowedText(_ parameter: Int32, _ value: UnsafeRawBufferPointer) throws(SQLiteError) {
    guard value.count > 0 else { return try bind(parameter, "") }
    let characters = value.assumingMemoryBound(to: CChar.self)
    try check(
      sqlite3_bind_text64(
        handle, parameter, characters.baseAddress, UInt64(value.count), nil, UInt8(SQLITE_UTF8)))
  }

  private func bindBlob(
    _ parameter: Int32, _ value: UnsafeRawBufferPointer, _ lifetime: sqlite3_destructor_type?
  ) -> Int32 {
    guard value.count > 0 else { return sqlite3_bind_zeroblob(handle, parameter, 0) }
    return sqlite3_bind_blob64(handle, parameter, value.baseAddress, UInt64(value.count), lifetime)
  }

  /// SQLITE_TRANSIENT: SQLite copies before the call returns.
  private var copied: sqlite3_destructor_type {
    unsafeBitCast(-1 as Int, to: sqlite3_destructor_type.self)
  }

  // MARK: Running

  /// Moves to the next row; false when there is none. An error resets the statement.
  public func step() throws(SQLiteError) -> Bool {
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    if code == SQLITE_DONE { return false }
    let failure = connection.error(code, sql)
    sqlite3_reset(handle)
    throw failure
  }

  /// Steps once, ignores a row, and resets: for `INSERT`, `UPDATE`, `DELETE`.
  public func run() throws(SQLiteError) {
    _ = try step()
    sqlite3_reset(handle)
  }

  /// Back to before the first row. Borrowed columns end here; bindings stay, but borrowed ones may no longer
  /// be stepped.
  public func reset() { sqlite3_reset(handle) }

  // MARK: Columns of the current row

  public func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  public func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  /// Text, or the bytes of a blob read as UTF-8; empty for NULL.
  public func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

  public func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

  /// Bytes of a blob or text, borrowed until the next `step()` or `reset()`; empty for NULL.
  public func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
    guard let start = sqlite3_column_blob(handle, column) else {
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
  }

  private func check(_ code: Int32) throws(SQLiteError) {
    if code != SQLITE_OK { throw connection.error(code, sql) }
  }
}
