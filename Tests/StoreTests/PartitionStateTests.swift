import Glibc
import TestKit
import Testing

@testable import Store

@Suite struct PartitionStateTests {
  let directory = TemporaryDirectory()
  let identity = PartitionIdentity(topic: "enrich.history", partition: 3, schemaVersion: 1)

  func open(_ identity: PartitionIdentity? = nil) throws -> PartitionState {
    try PartitionState.open(directory: directory.path, name: "p3", identity: identity ?? self.identity)
  }

  @Test func aNewStateReflectsNothing() throws {
    let state = try open()
    #expect(state.position == StatePosition(inputOffset: -1, changelogOffset: -1))
    #expect(try state.get([1]) == nil)
    #expect(try state.count() == 0)
    #expect(state.isSound())
  }

  @Test func changesAndPositionSurviveReopeningTogether() throws {
    do {
      let state = try open()
      try state.apply(
        [StateChange(key: [1], value: [9]), StateChange(key: [2], value: [])],
        position: StatePosition(inputOffset: 10, changelogOffset: 20))
      try state.apply(
        [StateChange(key: [1], value: nil), StateChange(key: [3], value: [7, 7])],
        position: StatePosition(inputOffset: 11, changelogOffset: 22))
      try state.checkpointWAL()
    }
    let state = try open()
    #expect(state.position == StatePosition(inputOffset: 11, changelogOffset: 22))
    #expect(try state.get([1]) == nil)
    #expect(try state.get([2]) == [])
    #expect(try state.get([3]) == [7, 7])
  }

  @Test func aScanGivesThePrefixInOrderOfBytes() throws {
    let state = try open()
    let keys: [[UInt8]] = [
      [], [1], [1, 0], [1, 255], [1, 255, 255], [2], [255], [255, 255], [255, 255, 1],
    ]
    try state.apply(keys.shuffled().map { StateChange(key: $0, value: $0) }, position: StatePosition())
    func scan(_ prefix: [UInt8]) throws -> [[UInt8]] {
      var found: [[UInt8]] = []
      try state.scan(prefix: prefix) { key, value in
        #expect([UInt8](key) == [UInt8](value))
        found.append([UInt8](key))
      }
      return found
    }
    #expect(try scan([]) == keys)
    #expect(try scan([1]) == [[1], [1, 0], [1, 255], [1, 255, 255]])
    #expect(try scan([1, 255]) == [[1, 255], [1, 255, 255]])
    #expect(try scan([255, 255]) == [[255, 255], [255, 255, 1]])
    #expect(try scan([3]) == [])
  }

  @Test func aFileOfAnotherPartitionTopicOrVersionIsRefused() throws {
    do { _ = try open() }
    for other in [
      PartitionIdentity(topic: "enrich.history", partition: 4, schemaVersion: 1),
      PartitionIdentity(topic: "apply.ledger", partition: 3, schemaVersion: 1),
      PartitionIdentity(topic: "enrich.history", partition: 3, schemaVersion: 2),
    ] {
      #expect(throws: PartitionStateError.otherIdentity(found: identity)) { _ = try open(other) }
    }
    try PartitionState.delete(directory: directory.path, name: "p3")
    _ = try open(PartitionIdentity(topic: "apply.ledger", partition: 3, schemaVersion: 1))
  }

  /// A file of version 2 held key and value in one row.
  @Test func aFormerFileKeepsItsRowsAndItsPosition() throws {
    let former = StatePosition(inputOffset: 10, changelogOffset: 20)
    func writeFormer(checksumError: Int64) throws {
      let connection = try Connection(path: directory.path + "/p3.sqlite")
      try connection.migrate(Array(PartitionState.migrations.prefix(2)))
      let meta = try connection.prepare("INSERT INTO meta VALUES(1, 'enrich.history', 3, 1, 10, 20, ?1)")
      try meta.bind(1, StateChecksum.of(former))
      try meta.run()
      let insert = try connection.prepare("INSERT INTO state VALUES(?1, ?2, ?3)")
      for number in UInt8(0)..<100 {
        let (key, value): ([UInt8], [UInt8]) = ([number, 0], [number, number])
        try insert.bind(1, key)
        try insert.bind(2, value)
        let checksum = key.withUnsafeBytes { key in
          value.withUnsafeBytes { StateChecksum.ofFormer(key, $0) }
        }
        try insert.bind(3, checksum + (number == 50 ? checksumError : 0))
        try insert.run()
      }
    }
    try writeFormer(checksumError: 0)
    // Left behind by one that died while it moved the rows.
    directory.create("p3.sqlite.next", [UInt8](repeating: 65, count: 100))
    for _ in 0..<2 {
      let state = try open()
      #expect(access(directory.path + "/p3.sqlite.next", F_OK) != 0)
      #expect(state.position == former)
      #expect(try state.count() == 100)
      #expect(try state.get([99, 0]) == [99, 99])
      try state.verifyAll()
    }
    try PartitionState.delete(directory: directory.path, name: "p3")
    try writeFormer(checksumError: 1)
    #expect(throws: PartitionStateError.damaged(nil)) { _ = try open() }
    let connection = try Connection(path: directory.path + "/p3.sqlite")
    #expect(try connection.schemaVersion() == 2)
  }

  @Test func whatIsNoDatabaseIsDamagedAndCanBeDropped() throws {
    directory.create("p3.sqlite", [UInt8](repeating: 65, count: 8192))
    let error = #expect(throws: PartitionStateError.self) { _ = try open() }
    guard case .damaged = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    try PartitionState.delete(directory: directory.path, name: "p3")
    #expect(try open().count() == 0)
  }

  @Test func anotherProgramsDatabaseIsDamaged() throws {
    do {
      let other = try Connection(path: directory.path + "/p3.sqlite")
      try other.execute("CREATE TABLE state(x)")
    }
    let error = #expect(throws: PartitionStateError.self) { _ = try open() }
    guard case .damaged = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func aFlippedPageIsFoundByReadingOrByTheCheck() throws {
    do {
      let state = try open()
      let changes = (0..<2000).map { number in
        StateChange(
          key: [UInt8(number / 256), UInt8(number % 256)], value: [UInt8](repeating: 5, count: 300))
      }
      try state.apply(changes, position: StatePosition(inputOffset: 1, changelogOffset: 1))
      try state.checkpointWAL()
    }
    for page in 3..<60 {
      directory.overwrite("p3.sqlite", at: page * 4096, with: [UInt8](repeating: 0xEE, count: 64))
    }
    var found: PartitionStateError?
    do {
      let state = try open()
      #expect(!state.isSound())
      try state.scan(prefix: []) { _, _ in }
    } catch let error as PartitionStateError {
      found = error
    }
    guard case .damaged(let cause) = found else {
      Issue.record("\(String(describing: found))")
      return
    }
    #expect(cause?.remedy == .rebuild)
  }

  @Test func aFileThatIsOpenElsewhereIsOwned() throws {
    let first = try open()
    #expect(throws: PartitionStateError.owned) { _ = try open() }
    #expect(try first.count() == 0)
  }

  @Test func aNameCannotLeaveItsDirectory() {
    for name in ["", "../x", "a/b", ".hidden", "가", String(repeating: "a", count: 201)] {
      #expect(throws: PartitionStateError.badName) {
        _ = try PartitionState.open(directory: directory.path, name: name, identity: identity)
      }
    }
  }

  @Test func randomChangesEqualADictionary() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var model: [[UInt8]: [UInt8]] = [:]
    for round in 0..<20 {
      let state = try open()
      var changes: [[UInt8]: [UInt8]?] = [:]
      for _ in 0..<200 {
        let key = [UInt8.random(in: 0...20, using: &random), UInt8.random(in: 0...20, using: &random)]
        let value = [UInt8](repeating: UInt8(round), count: Int.random(in: 0...3000, using: &random))
        changes[key] = Bool.random(using: &random) ? .some(value) : .some(nil)
      }
      for (key, value) in changes { model[key] = value }
      try state.apply(
        changes.map { StateChange(key: $0.key, value: $0.value) },
        position: StatePosition(inputOffset: Int64(round), changelogOffset: 0))
      var found: [[UInt8]: [UInt8]] = [:]
      try state.scan(prefix: []) { found[[UInt8]($0)] = [UInt8]($1) }
      #expect(found == model)
    }
  }
}
