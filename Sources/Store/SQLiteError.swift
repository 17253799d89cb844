import CSQLite

/// A refusal of SQLite: codes, what was attempted, the SQL text; never a bound value and never a row's content.
public struct SQLiteError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What the caller should do about it.
  public enum Remedy: Sendable, Equatable {
    /// Another connection holds the file: the same call may succeed later.
    case retry
    /// The file is damaged or is no SQLite file: drop it and rebuild it from its changelog.
    case rebuild
    /// Disk full, no permission, I/O error, a mistake of ours: repeating changes nothing.
    case stop
  }

  /// Primary result code (`SQLITE_BUSY` = 5, `SQLITE_CORRUPT` = 11, …).
  public let code: Int32
  /// Extended result code, e.g. `SQLITE_IOERR_WRITE`.
  public let extendedCode: Int32
  /// SQL text with its placeholders, or the name of the call.
  public let sql: String

  public init(extendedCode: Int32, sql: String) {
    code = extendedCode & 0xFF
    self.extendedCode = extendedCode
    self.sql = sql
  }

  public var remedy: Remedy {
    switch code {
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_INTERRUPT, SQLITE_SCHEMA: .retry
    case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT: .rebuild
    // A WAL or page that ends too early is damage, not a failing disk.
    case SQLITE_IOERR where extendedCode == SQLITE_IOERR | (2 << 8): .rebuild
    default: .stop
    }
  }

  /// Fixed text of SQLite for the code, then the SQL.
  public var description: String {
    let text = sqlite3_errstr(extendedCode).map { String(cString: $0) } ?? "unknown error"
    return "SQLite: \(text) (\(extendedCode)) in: \(sql)"
  }
}
