import Testing

@testable import Store

@Suite struct ConnectionTests {
  let directory = TemporaryDirectory()
  var path: String { directory.path + "/test.sqlite" }

  @Test func valuesOfEveryKindComeBackAsTheyWereBound() throws {
    let connection = try Connection(path: path)
    try connection.execute("CREATE TABLE t(i INTEGER, t TEXT, b BLOB)")
    let insert = try connection.prepare("INSERT INTO t VALUES(?1, ?2, ?3)")
    for (integer, text, bytes) in [
      (Int64.min, "", [UInt8]()), (Int64.max, "검토필요", [0, 255, 0]), (0, "a\u{0}b", [1]),
    ] {
      try insert.bind(1, integer)
      try insert.bind(2, text)
      try insert.bind(3, bytes)
      try insert.run()
    }
    try insert.bind(1, Int64?.none)
    try insert.bind(2, String?.none)
    try insert.bindNull(3)
    try insert.run()
    let select = try connection.prepare("SELECT i, t, b FROM t ORDER BY rowid")
    #expect(try select.step())
    #expect(select.integer(0) == .min && select.text(1) == "" && !select.isNull(1) && !select.isNull(2))
    #expect(try select.step())
    #expect(select.integer(0) == .max && select.text(1) == "검토필요" && [UInt8](select.bytes(2)) == [0, 255, 0])
    #expect(try select.step())
    #expect(select.text(1) == "a\u{0}b")
    #expect(try select.step())
    #expect(select.isNull(0) && select.optionalText(1) == nil && select.bytes(2).isEmpty)
    #expect(try !select.step())
  }

  @Test func anErrorNamesTheStatementAndNeverTheValue() throws {
    let connection = try Connection(path: path)
    try connection.execute("CREATE TABLE t(a TEXT PRIMARY KEY)")
    let insert = try connection.prepare("INSERT INTO t VALUES(?1)")
    try insert.bind(1, "secret-name")
    try insert.run()
    let error = #expect(throws: SQLiteError.self) { try insert.run() }
    #expect(error?.code == 19 && error?.remedy == .stop)
    #expect(error?.description.contains("INSERT INTO t") == true)
    #expect(error?.description.contains("secret-name") == false)
  }

  @Test func aTransactionThatThrowsLeavesNothing() throws {
    struct Stop: Error {}
    let connection = try Connection(path: path)
    try connection.execute("CREATE TABLE t(a)")
    #expect(throws: Stop.self) {
      try connection.transaction {
        try connection.execute("INSERT INTO t VALUES(1)")
        throw Stop()
      }
    }
    #expect(try connection.integer("SELECT count(*) FROM t") == 0)
    try connection.transaction { try connection.execute("INSERT INTO t VALUES(1)") }
    #expect(try connection.integer("SELECT count(*) FROM t") == 1)
  }

  @Test func aHeldLockIsToldAsRetry() throws {
    var options = Connection.Options()
    options.busyTimeoutMs = 0
    let first = try Connection(path: path, options: options)
    let second = try Connection(path: path, options: options)
    try first.execute("CREATE TABLE t(a)")
    try first.execute("BEGIN IMMEDIATE")
    let error = #expect(throws: SQLiteError.self) { try second.execute("BEGIN IMMEDIATE") }
    #expect(error?.remedy == .retry)
    try first.execute("COMMIT")
    try second.execute("BEGIN IMMEDIATE")
  }

  @Test func migrationsRunOnceAndANewerFileIsRefused() throws {
    let steps = ["CREATE TABLE a(x)", "CREATE TABLE b(x)"]
    do {
      let connection = try Connection(path: path)
      try connection.migrate([steps[0]])
      #expect(try connection.schemaVersion() == 1)
      try connection.migrate(steps)
      try connection.migrate(steps)
      #expect(try connection.schemaVersion() == 2)
    }
    let connection = try Connection(path: path)
    #expect(throws: Connection.NewerSchema(found: 2, known: 1)) { try connection.migrate([steps[0]]) }
    #expect(throws: Connection.NewerSchema(found: 2, known: 0)) { try connection.migrate([]) }
  }

  /// Two processes make a file at once: each does a part of the migrations.
  @Test func tablesThatAnotherWentOnWithAreKnownAfterMigrating() throws {
    let steps = ["CREATE TABLE t(a)", "ALTER TABLE t ADD COLUMN b"]
    let first = try Connection(path: path)
    try first.migrate([steps[0]])
    _ = try first.prepare("INSERT INTO t VALUES(?1)")
    let second = try Connection(path: path)
    try second.migrate(steps)
    try first.migrate(steps)
    let insert = try first.prepare("INSERT INTO t VALUES(?1, ?2)")
    try insert.bind(1, 1)
    try insert.bind(2, 2)
    try insert.run()
    #expect(try second.integer("SELECT b FROM t") == 2)
  }

  @Test func aFailingMigrationLeavesTheVersionBefore() throws {
    let connection = try Connection(path: path)
    #expect(throws: SQLiteError.self) {
      try connection.migrate(["CREATE TABLE a(x)", "CREATE TABLE b(x); CREATE TABLE a(x)"])
    }
    #expect(try connection.schemaVersion() == 1)
    #expect(try connection.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'b'") == 0)
  }
}
