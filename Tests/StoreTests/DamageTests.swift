import Glibc
import Testing

@testable import Store

/// What a disk does to a file while nobody looks must be found, never believed.
@Suite struct DamageTests {
  let directory = TemporaryDirectory()
  let identity = PartitionIdentity(topic: "enrich.history", partition: 3, schemaVersion: 1)
  let rows = 400

  func open() throws -> PartitionState {
    try PartitionState.open(directory: directory.path, name: "p3", identity: identity)
  }

  func key(_ number: Int) -> [UInt8] { Array("customer-\(1000 + number)".utf8) }
  func value(_ number: Int) -> [UInt8] { Array("history of \(1000 + number), unmistakable".utf8) }

  func fill() throws {
    let state = try open()
    try state.apply(
      (0..<rows).map { StateChange(key: key($0), value: value($0)) },
      position: StatePosition(inputOffset: 77, changelogOffset: 99))
    try state.checkpointWAL()
  }

  /// Changes one bit of the only place where the bytes stand in the file.
  func flip(_ bytes: [UInt8], at offset: Int) throws {
    let path = directory.path + "/p3.sqlite"
    let file = try #require(fopen(path, "r+b"))
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    var content = [UInt8](repeating: 0, count: ftell(file))
    rewind(file)
    #expect(fread(&content, 1, content.count, file) == content.count)
    let start = try #require(content.indices.first { content[$0...].starts(with: bytes) })
    fseek(file, start + offset, SEEK_SET)
    fputc(Int32(content[start + offset] ^ 4), file)
  }

  @Test func aChangedByteOfAValueIsFoundWhenItIsRead() throws {
    try fill()
    try flip(value(123), at: 3)
    let state = try open()
    #expect(try state.get(key(122)) == value(122))
    #expect(!state.isDamaged)
    #expect(throws: PartitionStateError.damaged(nil)) { try state.get(key(123)) }
    #expect(state.isDamaged)
  }

  @Test func aChangedByteOfAValueIsFoundByAScan() throws {
    try fill()
    try flip(value(57), at: 10)
    let state = try open()
    #expect(throws: PartitionStateError.damaged(nil)) { try state.scan(prefix: key(57)) { _, _ in } }
  }

  /// The row under the changed key answers to nobody: only a look at the whole file finds it.
  @Test func aChangedByteOfAKeyIsFoundByVerifyingAll() throws {
    try fill()
    try flip(key(200), at: 11)
    let state = try open()
    #expect(throws: PartitionStateError.damaged(nil)) { try state.verifyAll() }
    #expect(state.isDamaged)
  }

  @Test func aSoundFileVerifies() throws {
    try fill()
    let state = try open()
    try state.verifyAll()
    #expect(!state.isDamaged)
    #expect(state.fileBytes > 8192)
    #expect(state.position == StatePosition(inputOffset: 77, changelogOffset: 99))
  }

  @Test func aPositionThatWasNotWrittenIsRefused() throws {
    try fill()
    do {
      let connection = try Connection(path: directory.path + "/p3.sqlite")
      try connection.execute("UPDATE meta SET changelog_offset = 98")
    }
    #expect(throws: PartitionStateError.damaged(nil)) { try open() }
  }

  @Test func aRowThatLostItsChecksumIsDamaged() throws {
    try fill()
    do {
      let connection = try Connection(path: directory.path + "/p3.sqlite")
      try connection.execute("UPDATE content SET checksum = 0 WHERE id = \(Self.idOfKey5)")
    }
    let state = try open()
    #expect(throws: PartitionStateError.damaged(nil)) { try state.get(key(5)) }
  }

  static let idOfKey5 = "(SELECT id FROM entry WHERE key = CAST('customer-1005' AS BLOB))"

  /// A key without its value is damage, not an absent key: neither reading nor writing may pass over it.
  @Test func aKeyThatLostItsValueIsDamaged() throws {
    try fill()
    do {
      let connection = try Connection(path: directory.path + "/p3.sqlite")
      try connection.execute("DELETE FROM content WHERE id = \(Self.idOfKey5)")
    }
    do {
      let state = try open()
      #expect(throws: PartitionStateError.damaged(nil)) { try state.get(key(5)) }
    }
    do {
      let state = try open()
      #expect(throws: PartitionStateError.damaged(nil)) { try state.scan(prefix: []) { _, _ in } }
    }
    do {
      let state = try open()
      #expect(throws: PartitionStateError.damaged(nil)) {
        try state.apply([StateChange(key: key(5), value: [1])], position: StatePosition())
      }
      #expect(state.position == StatePosition(inputOffset: 77, changelogOffset: 99))
    }
    let state = try open()
    #expect(throws: PartitionStateError.damaged(nil)) { try state.verifyAll() }
  }

  /// Two keys that have changed places answer with each other's value.
  @Test func aKeyWithTheValueOfAnotherIsDamaged() throws {
    try fill()
    do {
      let connection = try Connection(path: directory.path + "/p3.sqlite")
      let other = "CAST('customer-1006' AS BLOB)"
      try connection.execute(
        "UPDATE entry SET id = (SELECT id FROM entry WHERE key = \(other)) "
          + "WHERE key = CAST('customer-1005' AS BLOB)")
    }
    let state = try open()
    #expect(throws: PartitionStateError.damaged(nil)) { try state.get(key(5)) }
    #expect(throws: PartitionStateError.damaged(nil)) { try state.verifyAll() }
  }
}
