import Kafka
import Store
import Synchronization

// Claiming partitions: the file, rolled forward from the changelog, then the position to read on from.
extension StatefulLane {
  func claim(_ partitions: [TopicPartition]) throws {
    let starts = try prepare(partitions)
    if settings.usesGroup { try consumer.finishAssignment(starts) } else { try consumer.assign(starts) }
  }

  /// Opens and restores the partitions; where each is to be read on.
  private func prepare(_ partitions: [TopicPartition]) throws -> [(TopicPartition, Int64)] {
    var starts: [(TopicPartition, Int64)] = []
    standby?.take(partitions.map(\.partition))
    let claims = try openAll(partitions)
    for topicPartition in partitions {
      let partition = topicPartition.partition
      guard let claim = claims[partition] else { continue }
      let next = try checked(topicPartition, next: claim.next)
      owned[partition] = Owned(
        state: claim.state, nextOffset: next, committedOffset: next, changelogEnd: claim.changelogEnd)
      try processor.open(partition, state: claim.state)
      starts.append((topicPartition, next))
      CrashPoint.claimed.reach()
      context.note(.assigned(partition: partition, offset: next, restored: claim.restored))
    }
    context.ownedPartitions.store(owned.count, ordering: .relaxed)
    return starts
  }

  /// A partition's state and the next input, which belong together.
  private struct Claim {
    var state: Outside.StateFile
    var next: Int64
    var changelogEnd: Int64 = -1
    var restored: Int64 = 0
  }

  private func openAll(_ partitions: [TopicPartition]) throws -> [Int32: Claim] {
    var claims: [Int32: Claim] = [:]
    guard case .transaction(_, let changelogTopic) = settings.durability else {
      for partition in partitions.map(\.partition) {
        let state = try openFile(partition)
        claims[partition] = Claim(state: state, next: state.position.inputOffset)
      }
      return claims
    }
    let committed = try committedOffsets(partitions)
    for partition in partitions.map(\.partition) {
      let (state, end, restored) = try openRestored(TopicPartition(changelogTopic, partition))
      claims[partition] = Claim(
        state: state, next: committed[partition] ?? -1, changelogEnd: end, restored: restored)
    }
    try catchUp(&claims, partitions, changelogTopic)
    return claims
  }

  /// Whoever stood still while restoring may find that the group gave the partitions to others, who committed: that is in
  /// the states then, and its inputs must not be folded once more. Until offsets and states agree.
  private func catchUp(
    _ claims: inout [Int32: Claim], _ partitions: [TopicPartition], _ changelogTopic: String
  ) throws {
    var isBehind = true
    while isBehind {
      isBehind = false
      let committed = try committedOffsets(partitions)
      for partition in partitions.map(\.partition) {
        guard let claim = claims[partition], committed[partition] ?? -1 != claim.next else { continue }
        isBehind = true
        let (state, end, restored) = try restore(
          claim.state, changelog: TopicPartition(changelogTopic, partition))
        claims[partition] = Claim(
          state: state, next: committed[partition] ?? -1, changelogEnd: end,
          restored: claim.restored + restored)
      }
    }
  }

  /// Stable committed offsets: an open transaction of the former owner is waited for.
  private func committedOffsets(_ partitions: [TopicPartition]) throws -> [Int32: Int64] {
    guard case .transaction = settings.durability else { return [:] }
    var result: [Int32: Int64] = [:]
    for (topicPartition, offset) in try consumer.committed(partitions, timeoutMs: 60_000) {
      result[topicPartition.partition] = offset
    }
    return result
  }

  /// Where to read on: the beginning when nothing was committed yet; an offset below retention is an error.
  private func checked(_ topicPartition: TopicPartition, next: Int64) throws -> Int64 {
    let (earliest, _) = try consumer.watermarks(topicPartition, timeoutMs: 30_000)
    if next < 0 { return earliest }
    if next < earliest, settings.skipsGoneInputs {
      context.note(.inputSkipped(partition: topicPartition.partition, from: next, to: earliest))
      return earliest
    }
    if next < earliest {
      throw LaneError.inputGone(
        partition: topicPartition.partition, committed: next, earliest: earliest)
    }
    return next
  }

  private var fileTopic: String {
    if case .transaction(_, let topic) = settings.durability { return topic }
    return settings.inputTopic
  }

  private func openFile(_ partition: Int32) throws -> Outside.StateFile {
    do {
      let state = try openState(partition)
      if hasChangelog, state.fileBytes <= settings.verifiedBytesMax { try state.verifyAll() }
      return state
    } catch PartitionStateError.damaged, PartitionStateError.otherIdentity {
      return try openAnew(partition, reason: "file damaged or of another layout")
    }
  }

  var hasChangelog: Bool {
    if case .transaction = settings.durability { return true }
    return false
  }

  private func fileName(_ partition: Int32) -> String { settings.stateFileName(partition) }

  private func openState(_ partition: Int32) throws(PartitionStateError) -> Outside.StateFile {
    try outside.openState(
      directory: settings.stateDirectory, name: fileName(partition),
      identity: PartitionIdentity(topic: fileTopic, partition: partition, schemaVersion: schemaVersion),
      cacheKiB: settings.fileCacheKiB, isScratch: settings.durability == .scratch)
  }

  /// The changelog has it all: begin with an empty file. Without a changelog the file was the only copy.
  private func openAnew(_ partition: Int32, reason: String) throws -> Outside.StateFile {
    guard hasChangelog else { throw PartitionStateError.damaged(nil) }
    context.note(.stateRebuilt(partition: partition, reason: reason))
    try outside.deleteState(directory: settings.stateDirectory, name: fileName(partition))
    return try openState(partition)
  }

  /// A file in use turned out damaged. Which inputs were handled since is no longer to be trusted: everything is
  /// dropped, as after a crash, and claimed again; the damaged files are rebuilt from the changelog.
  func rebuildDamaged() throws {
    let partitions = owned.keys.sorted()
    let damaged = partitions.filter { owned[$0]?.state.isDamaged == true }
    guard hasChangelog, !damaged.isEmpty else { throw PartitionStateError.damaged(nil) }
    context.become(.restoring)
    batch.release()
    for partition in partitions { release(partition) }
    // In the same generation it could still commit, behind what is about to be read.
    if outcomesToDrop > 0 { throw LaneError.commitUnresolved }
    for partition in damaged {
      context.note(.stateRebuilt(partition: partition, reason: "file damaged"))
      try outside.deleteState(directory: settings.stateDirectory, name: fileName(partition))
    }
    if !consumer.owesRebalanceAnswer {
      let starts = try prepare(partitions.map { TopicPartition(settings.inputTopic, $0) })
      try consumer.assign(starts)
    }
    try handleEvents()
    context.become(.ready)
  }

  /// The partition's file rolled forward; one that turns out damaged on the way is built anew.
  private func openRestored(_ changelog: TopicPartition) throws -> (Outside.StateFile, Int64, Int64) {
    do {
      return try restore(try openFile(changelog.partition), changelog: changelog)
    } catch PartitionStateError.damaged {
      return try restore(
        try openAnew(changelog.partition, reason: "file damaged"), changelog: changelog)
    }
  }

  /// Rolls the file forward; one that the changelog no longer reaches back to is built anew.
  private func restore(_ state: Outside.StateFile, changelog: TopicPartition) throws
    -> (Outside.StateFile, Int64, Int64)
  {
    do {
      return try rollForward(state, changelog: changelog)
    } catch let error as KafkaError where error.name == "OFFSET_OUT_OF_RANGE" {
      context.note(
        .stateRebuilt(partition: changelog.partition, reason: "the changelog begins after the file's end"))

    }
    try state.removeAll()
    return try rollForward(state, changelog: changelog)
  }

  /// Applies the changelog's records after the file's position, read committed, up to its end at this moment.
  private func rollForward(_ state: Outside.StateFile, changelog: TopicPartition) throws
    -> (Outside.StateFile, Int64, Int64)
  {
    var pending = StateChanges()
    var restored: Int64 = 0
    let from = state.position.changelogOffset >= 0 ? state.position.changelogOffset : nil
    func flush(_ next: Int64) throws {
      let indices = pending.folded(partition: changelog.partition)
      try state.apply(position: StatePosition(inputOffset: -1, changelogOffset: next)) { put in
        CrashPoint.inRestore.reach()
        for index in indices { try pending.withEntry(index) { key, value in try put(key, value) } }
      }
      pending.removeAll()
    }
    let end = try outside.readChangelog(changelog, from: from) { key, value, offset in
      guard let key else { return }
      pending.put(partition: changelog.partition, key: key, value: value)
      restored += 1
      self.context.restoredRecords.wrappingAdd(1, ordering: .relaxed)
      if pending.byteCount > self.settings.restoreBytesMax { try flush(offset + 1) }
    }
    try flush(end)
    return (state, end, restored)
  }
}
