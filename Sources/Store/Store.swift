/// Store: SQLite, called directly through a small typed layer, and what stages keep in it.
///
/// - `Connection`, `Statement`, `SQLiteError`: one connection has one owner, statements are prepared once, values
///   are always bound and never part of the SQL, and errors name the SQL but never a value.
/// - `PartitionState`: one file per (stage, partition): a key/value table and the positions that it reflects,
///   written together in one transaction. A damaged or foreign file is told from a busy one, because the answer
///   differs: drop and rebuild from the changelog, or wait.
/// - `StateCache`: hot entries in memory, dirty ones pinned until they were written; look-ups allocate nothing.
///
/// Promises: no byte read from a file can stop the process. Never knows what the bytes mean.
