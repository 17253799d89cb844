import Glibc
import Synchronization
import Testing

@testable import Kafka
@testable import Stage
@testable import Store

private func clockMs() -> Int64 {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}

/// A changelog of memory and a directory for state files.
private final class Place {
  let directory: String
  let reports = Reports()
  private var bytes: [UnsafeMutableRawBufferPointer] = []

  final class Reports: Sendable {
    let texts = Mutex<[String]>([])
    func add(_ report: LaneReport) { texts.withLock { $0.append("\(report)") } }
    func contain(_ text: String) -> Bool { texts.withLock { $0.contains { $0.contains(text) } } }
  }

  init() {
    var template = Array("/tmp/passflow-standby-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { fatalError("no directory") }
    directory = String(cString: made)
  }

  deinit {
    for one in bytes { one.deallocate() }
    for partition in 0..<4 { try? PartitionState.delete(directory: directory, name: "group-\(partition)") }
    rmdir(directory)
  }

  func files(_ limits: StandbyFiles.Limits = StandbyFiles.Limits()) -> StandbyFiles {
    StandbyFiles(
      directory: directory, topic: "changelog", schemaVersion: 1, fileName: { "group-\($0)" }, limits: limits,
      report: { [reports] in reports.add($0) })
  }

  func state(_ partition: Int32) throws -> PartitionState {
    try PartitionState.open(
      directory: directory, name: "group-\(partition)",
      identity: PartitionIdentity(topic: "changelog", partition: partition, schemaVersion: 1))
  }

  private func copy(_ text: String?) -> UnsafeRawBufferPointer? {
    guard let text else { return nil }
    let made = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
    made.copyBytes(from: text.utf8)
    bytes.append(made)
    return UnsafeRawBufferPointer(made)
  }

  func batch(_ partition: Int32, from offset: Int64, _ records: [(String, String?)]) -> MessageBatch {
    let batch = MessageBatch()
    for (index, (key, value)) in records.enumerated() {
      batch.append(
        MessageView(
          topicIndex: 0, partition: partition, offset: offset + Int64(index), timestampMs: 0, key: copy(key),
          value: copy(value)))
    }
    return batch
  }
}

/// Read by one thread.
private final class Batches: @unchecked Sendable {
  let all: [MessageBatch]
  init(_ all: [MessageBatch]) { self.all = all }
}

@Suite struct StandbyFilesTests {
  private func value(_ state: PartitionState, _ key: String) throws -> String? {
    try state.get(Array(key.utf8)).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func whoTakesAPartitionOverFindsWhatWasReadAndWhereToReadOn() throws {
    let place = Place()
    let files = place.files()
    #expect(try files.open(0) == -1)
    files.append(place.batch(0, from: 3, [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")]))
    files.append(place.batch(0, from: 9, [("b", nil)]))
    // A record of a partition that nobody follows, and one that came already.
    files.append(place.batch(1, from: 0, [("x", "y")]))
    files.append(place.batch(0, from: 5, [("a", "old")]))
    files.reachedEnd(0, offset: 11)
    files.take([0])
    let state = try place.state(0)
    #expect(try value(state, "a") == "3" && value(state, "b") == nil && value(state, "c") == "4")
    #expect(state.position == StatePosition(inputOffset: -1, changelogOffset: 11))
    try state.verifyAll()
    #expect(place.reports.contain("caughtUp(records: 5)") && place.reports.contain("taken over"))
  }

  @Test func whatTheLaneHasIsLeftAloneUntilItIsGivenBack() throws {
    let place = Place()
    let files = place.files()
    #expect(try files.open(0) == -1)
    files.take([0, 1])
    #expect(try files.open(0) == nil && files.open(1) == nil)
    #expect(files.positions.isEmpty)
    // Records that were on their way change nothing.
    files.append(place.batch(0, from: 0, [("a", "1")]))
    do {
      let state = try place.state(0)
      #expect(try state.count() == 0)
      try state.apply(
        [StateChange(key: [1], value: [2])], position: StatePosition(inputOffset: 7, changelogOffset: 20))
    }
    files.giveBack([0])
    // It goes on where the lane's file ended.
    #expect(try files.open(0) == 20)
    #expect(try files.open(1) == nil)
    files.close(0, reason: "stopped")
  }

  @Test func aFileIsWrittenWhenItIsTimeOrWhenTooMuchWaits() throws {
    let place = Place()
    var limits = StandbyFiles.Limits()
    limits.saveIntervalMs = 1_000
    limits.pendingBytesMax = 100
    let files = place.files(limits)
    #expect(try files.open(0) == -1)
    let start = clockMs()
    files.append(place.batch(0, from: 0, [("a", "1")]))
    #expect(files.saveDue(nowMs: start).isEmpty)
    #expect(files.followers[0]?.state.position.changelogOffset == -1)
    #expect(files.saveDue(nowMs: start + 2_000).isEmpty)
    #expect(files.followers[0]?.state.position.changelogOffset == 1)
    files.append(place.batch(0, from: 1, [("a", String(repeating: "x", count: 200))]))
    #expect(files.saveDue(nowMs: start + 2_000).isEmpty)
    #expect(files.followers[0]?.state.position.changelogOffset == 2)
    #expect(files.followers[0]?.pending.byteCount == 0)
    files.close(0, reason: "stopped")
  }

  @Test func aDamagedFileIsBuiltAnew() throws {
    let place = Place()
    let path = place.directory + "/group-0.sqlite"
    let file = try #require(fopen(path, "w"))
    fputs(String(repeating: "no database ", count: 1_000), file)
    fclose(file)
    let files = place.files()
    #expect(try files.open(0) == -1)
    #expect(place.reports.contain("stateRebuilt"))
    files.append(place.batch(0, from: 0, [("a", "1")]))
    files.take([0])
    #expect(try value(place.state(0), "a") == "1")
  }

  @Test func aFileOfAnotherLogIsEmptied() throws {
    let place = Place()
    try place.state(0).apply(
      [StateChange(key: [9], value: [9])], position: StatePosition(changelogOffset: 500))
    let files = place.files()
    #expect(try files.open(0) == 500)
    try files.empty(0)
    #expect(files.positions == [0: -1])
    files.append(place.batch(0, from: 0, [("a", "1")]))
    files.take([0])
    let state = try place.state(0)
    #expect(try state.count() == 1)
    #expect(state.position.changelogOffset == 1)
  }

  @Test func aFileThatAnotherProcessHoldsIsNotTaken() throws {
    let place = Place()
    let held = try place.state(0)
    let files = place.files()
    #expect(throws: PartitionStateError.owned) { try files.open(0) }
    #expect(files.positions.isEmpty)
    // The lane does not wait for an opening that has failed.
    files.take([0])
    #expect(held.position == StatePosition())
  }

  @Test func aFullDiskEndsTheStandbyAndFreesItsRoom() throws {
    let place = Place()
    var limits = StandbyFiles.Limits()
    limits.saveIntervalMs = 0
    let files = place.files(limits)
    #expect(try files.open(0) == -1)
    #expect(try files.open(1) == -1)
    // SQLite says "full" here as it does when the disk is.
    try files.followers[0]?.state.connection.execute("PRAGMA max_page_count = 8")
    let large = String(repeating: "x", count: 100_000)
    files.append(place.batch(0, from: 0, [("a", large)]))
    files.append(place.batch(1, from: 0, [("b", "1")]))
    #expect(files.saveDue(nowMs: clockMs() + 1) == [0])
    #expect(place.reports.contain("disk full"))
    #expect(access(place.directory + "/group-0.sqlite", F_OK) != 0)
    // The other one goes on, and the lane gets its partition.
    #expect(files.positions == [1: 1])
    files.take([0, 1])
    #expect(try value(place.state(1), "b") == "1")
    #expect(try place.state(0).position == StatePosition())
  }

  @Test func theLaneTakesAndGivesBackWhileTheFollowerIsAtWork() throws {
    let place = Place()
    var limits = StandbyFiles.Limits()
    limits.saveIntervalMs = 0
    let files = place.files(limits)
    // Each record's key is its offset, so that a file of n records has read n: none twice, none missing.
    let batches = Batches((0..<2_000).map { place.batch(0, from: $0, [("\($0)", "v")]) })
    let ended = Atomic<Bool>(false)
    let started = NativeThread(name: "follower") {
      while !ended.load(ordering: .acquiring) {
        guard let next = try? files.open(0) else { continue }
        for offset in max(0, Int(next))..<min(2_000, Int(max(0, next)) + 40) {
          files.append(batches.all[offset])
          _ = files.saveDue(nowMs: clockMs() + 1)
        }
        usleep(500)
      }
    }
    let follower = try #require(started)
    var last: Int64 = -1
    for _ in 0..<60 {
      files.take([0])
      do {
        let state = try place.state(0)
        let position = max(0, state.position.changelogOffset)
        #expect(position >= last)
        #expect(try state.count() == position)
        last = position
      }
      files.giveBack([0])
      usleep(3_000)
    }
    ended.store(true, ordering: .releasing)
    follower.join()
    files.take([0])
    #expect(last > 0)
  }
}
