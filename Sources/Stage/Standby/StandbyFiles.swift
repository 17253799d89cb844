import Glibc
import Kafka
import Store
import Synchronization

/// The state files of partitions that this instance stands by for, between the thread that follows their changelogs and
/// the lane that takes them over.
///
/// Any thread. Unchecked: everything below the lock, files included, is touched with the lock held only.
final class StandbyFiles: @unchecked Sendable {
  final class Follower {
    let state: PartitionState
    /// Read, not yet in the file.
    var pending = StateChanges()
    /// Next changelog record; −1: the log's first.
    var next: Int64
    var savedMs: Int64
    var records: Int64 = 0
    var isCaughtUp = false

    init(_ state: PartitionState, nowMs: Int64) {
      self.state = state
      next = state.position.changelogOffset
      savedMs = nowMs
    }
  }

  struct Limits {
    /// Changes of all files together that are kept in memory.
    var pendingBytesMax = 8 << 20
    var saveIntervalMs: Int64 = 5_000
    /// SQLite's page cache of each file.
    var cacheKiB: Int64 = 2_048
    /// As ``LaneSettings/verifiedBytesMax``.
    var verifiedBytesMax: Int64 = 512 << 20
  }

  private let directory: String
  private let topic: String
  private let schemaVersion: Int64
  private let fileName: @Sendable (Int32) -> String
  private let limits: Limits
  private let report: @Sendable (LaneReport) -> Void
  private let lock = Mutex<Void>(())
  var followers: [Int32: Follower] = [:]
  /// The lane's: not to be touched.
  private var held: Set<Int32> = []
  private var opening: Set<Int32> = []

  init(
    directory: String, topic: String, schemaVersion: Int64, fileName: @escaping @Sendable (Int32) -> String,
    limits: Limits = Limits(), report: @escaping @Sendable (LaneReport) -> Void = { _ in }
  ) {
    self.directory = directory
    self.topic = topic
    self.schemaVersion = schemaVersion
    self.fileName = fileName
    self.limits = limits
    self.report = report
  }

  // MARK: The lane's side

  /// Closes the files of these partitions, with all that was read in them; they are the lane's from now on. Waits for
  /// a file that is being opened or written, never for the network.
  func take(_ partitions: [Int32]) {
    lock.withLock { _ in held.formUnion(partitions) }
    while lock.withLock({ _ in !opening.isDisjoint(with: partitions) }) { usleep(2_000) }
    for partition in partitions { close(partition, reason: "taken over") }
  }

  /// The lane has closed their files.
  func giveBack(_ partitions: [Int32]) { lock.withLock { _ in held.subtract(partitions) } }

  // MARK: The follower's side

  /// Opens the partition's file, built anew if need be; nil: the lane has it.
  /// - Returns: the next changelog record; −1: the log's first.
  func open(_ partition: Int32) throws(PartitionStateError) -> Int64? {
    let isFree = lock.withLock { _ in
      if held.contains(partition) { return false }
      opening.insert(partition)
      return true
    }
    guard isFree else { return nil }
    let opened: Result<Follower, PartitionStateError>
    do throws(PartitionStateError) {
      opened = .success(Follower(try openFile(partition), nowMs: monotonicMs()))
    } catch {
      opened = .failure(error)
    }
    let isOurs = lock.withLock { _ in
      opening.remove(partition)
      return !held.contains(partition)
    }
    let follower = try opened.get()
    guard isOurs else { return nil }
    return lock.withLock { _ in
      if held.contains(partition) { return nil }
      followers[partition] = follower
      return follower.next
    }
  }

  private func openFile(_ partition: Int32) throws(PartitionStateError) -> PartitionState {
    func opened() throws(PartitionStateError) -> PartitionState {
      try PartitionState.open(
        directory: directory, name: fileName(partition),
        identity: PartitionIdentity(topic: topic, partition: partition, schemaVersion: schemaVersion),
        cacheKiB: limits.cacheKiB)
    }
    do {
      let state = try opened()
      if state.fileBytes <= limits.verifiedBytesMax { try state.verifyAll() }
      return state
    } catch PartitionStateError.damaged, PartitionStateError.otherIdentity {
      report(.stateRebuilt(partition: partition, reason: "standby: file damaged or of another layout"))
      try PartitionState.delete(directory: directory, name: fileName(partition))
      return try opened()
    }
  }

  /// Forgets what the file holds: it is not of this log, or the log no longer reaches back to it.
  func empty(_ partition: Int32) throws(PartitionStateError) {
    let outcome = lock.withLock { _ -> Result<Void, PartitionStateError> in
      guard let follower = followers[partition] else { return .success(()) }
      do throws(PartitionStateError) { try follower.state.removeAll() } catch { return .failure(error) }
      follower.pending.removeAll()
      follower.next = -1
      follower.isCaughtUp = false
      return .success(())
    }
    try outcome.get()
  }

  /// Takes changelog records in; those of partitions that were taken over meanwhile are passed over.
  func append(_ batch: MessageBatch) {
    lock.withLock { _ in
      for index in 0..<batch.count {
        let message = batch[index]
        guard let follower = followers[message.partition], message.offset >= follower.next else { continue }
        follower.next = message.offset + 1
        follower.records += 1
        guard let key = message.key else { continue }
        follower.pending.put(partition: message.partition, key: key, value: message.value)
      }
    }
  }

  /// Everything decided before this offset has been read.
  func reachedEnd(_ partition: Int32, offset: Int64) {
    let caughtUp = lock.withLock { _ -> Int64? in
      guard let follower = followers[partition] else { return nil }
      follower.next = max(follower.next, offset)
      if follower.isCaughtUp { return nil }
      follower.isCaughtUp = true
      return follower.records
    }
    if let caughtUp { report(.standby(partition: partition, .caughtUp(records: caughtUp))) }
  }

  /// Writes what is due, one file at a time: whoever takes a partition over waits for one at most.
  /// - Returns: partitions that could not be written; they are not followed any more.
  func saveDue(nowMs: Int64) -> [Int32] {
    let (all, bytes) = lock.withLock { _ in
      (followers.keys.sorted(), followers.values.reduce(0) { $0 + $1.pending.byteCount })
    }
    let isTooMuch = bytes > limits.pendingBytesMax
    return all.filter { partition in
      lock.withLock { _ in
        guard let follower = followers[partition],
          isTooMuch || nowMs - follower.savedMs >= limits.saveIntervalMs
        else { return false }
        do throws(PartitionStateError) { try save(partition, follower, nowMs: nowMs) } catch {
          giveUp(partition, error)
          return true
        }
        return false
      }
    }
  }

  private func save(_ partition: Int32, _ follower: Follower, nowMs: Int64) throws(PartitionStateError) {
    follower.savedMs = nowMs
    let indices = follower.pending.folded(partition: partition)
    let position = StatePosition(inputOffset: -1, changelogOffset: follower.next)
    guard !indices.isEmpty || follower.next != follower.state.position.changelogOffset else { return }
    try follower.state.apply(position: position) { put in
      for index in indices {
        try follower.pending.withEntry(index) { key, value in try put(key, value) }
      }
      CrashPoint.inStandby.reach()
    }
    // Not emptied: each file's would keep the room of the largest step.
    follower.pending = StateChanges()
  }

  /// What could not be written is in the way of owned partitions: its file goes, and with it the room that it took.
  private func giveUp(_ partition: Int32, _ error: PartitionStateError) {
    followers[partition] = nil
    try? PartitionState.delete(directory: directory, name: fileName(partition))
    report(.standby(partition: partition, .ended(reason: error.standbyReason)))
  }

  func close(_ partition: Int32, reason: StaticString) {
    let wasFollowed = lock.withLock { _ in
      guard let follower = followers[partition] else { return false }
      // Whoever reads the file next goes by its own position.
      try? save(partition, follower, nowMs: monotonicMs())
      followers[partition] = nil
      return true
    }
    if wasFollowed { report(.standby(partition: partition, .ended(reason: reason))) }
  }

  /// Next changelog record of each partition that is followed.
  var positions: [Int32: Int64] { lock.withLock { _ in followers.mapValues(\.next) } }
}

extension PartitionStateError {
  /// For the log.
  var standbyReason: StaticString {
    switch self {
    case .owned: "file held by another process"
    case .damaged, .otherIdentity: "file damaged"
    case .failed(let error): error.code == 13 ? "disk full" : "file cannot be written"
    case .badName, .badDirectory: "directory cannot be written"
    }
  }
}
