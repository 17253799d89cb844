extension Connection {
  /// The file was written by a newer version of this program.
  public struct NewerSchema: Error, Equatable, Sendable {
    public let found: Int64
    public let known: Int64
  }

  /// Brings the schema up to date. Migration number i + 1 is `migrations[i]`, fixed SQL that is never edited once
  /// released; each runs in a transaction of its own that also counts up `user_version`. Safe when several
  /// processes start at once.
  public func migrate(_ migrations: [String]) throws {
    for (index, migration) in migrations.enumerated() {
      let number = index + 1
      if try schemaVersion() >= number { continue }
      try transaction {
        // Another process may have been quicker.
        if try schemaVersion() >= number { return }
        try execute(migration)
        try execute("PRAGMA user_version = \(number)")
      }
    }
    // Another process may have gone on since this connection last read the tables' columns: a statement that reads
    // a table makes it look again, which a wrong number of values in an INSERT does not.
    _ = try integer("SELECT count(*) FROM sqlite_schema")
    let found = try schemaVersion()
    if found > migrations.count { throw NewerSchema(found: found, known: Int64(migrations.count)) }
  }

  /// Number of the last migration that ran; 0 for a new file.
  public func schemaVersion() throws(SQLiteError) -> Int64 { try integer("PRAGMA user_version") ?? 0 }
}
