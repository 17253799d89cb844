import Kafka
import Store
import Synchronization

// The state commit: frozen, acknowledged, decided, checkpointed.
extension StatefulLane {
  /// Moves the commit on as far as it goes without waiting.
  func advanceCommit(idle: Bool) throws {
    let now = outside.nowMs()
    _ = acknowledged.advance(acknowledgedThrough: producer.acknowledgedThrough)
    switch phase {
    case .idle:
      // What is being written must be all that was collected: the next commit waits for the few rounds.
      if checkpointing.isEmpty, uncommitted > 0, isDue(now: now, idle: idle) { try freeze() }
    case .waitingAcknowledgements:
      if producer.acknowledgedThrough >= commitSequence { try decide() }
    case .inTransaction:
      if let outcome = waitOutcome(milliseconds: 0) { try settle(outcome) }
    }
    if settings.durability == .scratch, settings.progress != nil || now - lastHintMs >= 10 {
      hint(acknowledged.all, now: now)
    }
    if !checkpointing.isEmpty {
      try writeNextFile()
    } else if !awaitingCheckpoint.isEmpty, phase == .idle,
      now - lastCheckpointMs >= Int64(settings.checkpointIntervalMs)
        || awaitingCheckpoint.byteCount >= settings.dirtyBytesMax
        || processor.dirtyBytes >= settings.dirtyBytesMax
    {
      try beginCheckpoint()
    }
  }

  private func isDue(now: Int64, idle: Bool) -> Bool {
    if processor.dirtyBytes >= settings.dirtyBytesMax { return true }
    if settings.durability == .scratch { return false }
    return now - lastCommitMs >= Int64(settings.commitIntervalMs)
      || uncommitted >= settings.uncommittedMax / 2
  }

  /// Takes what has changed up to here; the lane goes on while its outputs are being acknowledged.
  private func freeze() throws {
    CrashPoint.beforeFreeze.reach()
    try processor.collect(into: &changes)
    commitOffsets = owned.sorted { $0.key < $1.key }.map { ($0.key, $0.value.nextOffset) }
    commitSequence = producer.lastSequence
    uncommitted = 0
    phase = .waitingAcknowledgements
    if producer.acknowledgedThrough >= commitSequence { try decide() }
  }

  /// False: the group has gone on without us, as an event will say.
  private var mayCommit: Bool { !settings.usesGroup || !hasChangelog || membership != nil }

  /// The outcome of the transaction that this commit waits for; those of former ones are dropped.
  func waitOutcome(milliseconds: Int) -> CommitOutcome? {
    while let outcome = transactions?.wait(milliseconds: milliseconds) {
      if outcomesToDrop == 0 { return outcome }
      outcomesToDrop -= 1
    }
    return nil
  }

  private func decide() throws {
    guard mayCommit else { return }
    CrashPoint.acknowledgedNotCommitted.reach()
    switch settings.durability {
    case .transaction(_, let changelogTopic):
      try startTransaction(changelogTopic: changelogTopic)
      phase = .inTransaction
    case .file, .scratch:
      try sendEffectsWithoutTransaction()
      for (partition, offset) in commitOffsets {
        try write(changes, partition: partition, inputOffset: offset, changelogOffset: -1)
      }
      finishCommit()
      processor.persisted()
      hint(commitOffsets, now: outside.nowMs())
    }
  }

  private func startTransaction(changelogTopic: String) throws {
    let records = TransactionRecords(capacity: changes.byteCount)
    let changelog = records.topic(changelogTopic)
    let effects = effectTopics.map { records.topic($0.name) }
    try changes.lendEntries { entry, key, value in
      let topic = entry.topic.map { effects[$0] } ?? changelog
      try records.append(topic: topic, partition: entry.topicPartition, key: key, value: value)
    }
    let offsets = commitOffsets.map {
      (TopicPartition(settings.inputTopic, $0.partition), $0.offset)
    }
    let group = settings.usesGroup ? membership : try consumer.groupMetadata()
    transactions?.start(records, offsets: offsets, group: group)
    CrashPoint.inTransaction.reach()
  }

  /// On a broker without usable transactions: effect records are acknowledged before the file commits.
  private func sendEffectsWithoutTransaction() throws {
    var last: UInt64 = 0
    try changes.lendEntries { entry, key, value in
      guard let topic = entry.topic else { return }
      last = try producer.send(
        topic: effectTopics[topic].handle, partition: entry.topicPartition, key: key, value: value)
    }
    guard last > 0 else { return }
    producer.flushPending()
    try waitAcknowledged(last, deadlineMs: outside.nowMs() + 30_000)
  }

  private func settle(_ outcome: CommitOutcome) throws {
    switch outcome {
    case .committed(let endOffsets):
      CrashPoint.committedNotNoted.reach()
      for (topicPartition, end) in endOffsets { noteChangelogEnd(topicPartition, end) }
      transactionCommitted()
    case .aborted(let error):
      context.note(.commitRepeated(reason: error.name))
      try transactions?.reopenIfClosed()
      phase = .waitingAcknowledgements
    case .uncertain(let error), .fenced(let error):
      context.note(.commitRepeated(reason: error.name))
      try transactions?.reopenIfClosed()
      if try wasCommitted() { transactionCommitted() } else { phase = .waitingAcknowledgements }
    }
  }

  private func noteChangelogEnd(_ topicPartition: TopicPartition, _ end: Int64) {
    guard case .transaction(_, let changelogTopic) = settings.durability,
      topicPartition.topic == changelogTopic
    else { return }
    owned[topicPartition.partition]?.changelogEnd = end
  }

  /// After an unresolved commit: the group's committed offsets tell which way it went.
  private func wasCommitted() throws -> Bool {
    let partitions = commitOffsets.map {
      TopicPartition(settings.inputTopic, $0.partition)
    }
    let committed = try consumer.committed(partitions, timeoutMs: 30_000)
    for (partition, offset) in commitOffsets where offset > (owned[partition]?.committedOffset ?? 0) {
      let found = committed[TopicPartition(settings.inputTopic, partition)] ?? -1
      if found < offset { return false }
    }
    return true
  }

  private func transactionCommitted() {
    changes.lendEntries { entry, key, value in
      if entry.topic == nil { awaitingCheckpoint.put(partition: entry.partition, key: key, value: value) }
    }
    finishCommit()
  }

  private func finishCommit() {
    for (partition, offset) in commitOffsets { owned[partition]?.committedOffset = offset }
    changes.removeAll()
    phase = .idle
    lastCommitMs = outside.nowMs()
    context.stateCommits.wrappingAdd(1, ordering: .relaxed)
  }

  /// What transactions have committed goes into the files, one in each round of the loop: inputs do not wait for all.
  private func beginCheckpoint() throws {
    CrashPoint.beforeCheckpoint.reach()
    checkpointing = owned.keys.sorted()
    try writeNextFile()
  }

  private func writeNextFile() throws {
    guard let partition = checkpointing.first else { return }
    if let entry = owned[partition] {
      try write(
        awaitingCheckpoint, partition: partition, inputOffset: entry.committedOffset,
        changelogOffset: entry.changelogEnd)
    }
    checkpointing.removeFirst()
    if checkpointing.isEmpty { endCheckpoint() }
  }

  /// Writes the files that a checkpoint under way has left.
  private func finishCheckpoint() throws {
    while !checkpointing.isEmpty { try writeNextFile() }
  }

  /// Writes what transactions have committed into the files.
  func checkpoint() throws {
    try finishCheckpoint()
    if awaitingCheckpoint.isEmpty { return }
    try beginCheckpoint()
    try finishCheckpoint()
  }

  private func endCheckpoint() {
    CrashPoint.afterCheckpoint.reach()
    awaitingCheckpoint.removeAll()
    lastCheckpointMs = outside.nowMs()
    if changes.isEmpty { processor.persisted() }
  }

  private func write(
    _ source: borrowing StateChanges, partition: Int32, inputOffset: Int64, changelogOffset: Int64
  ) throws {
    guard let state = owned[partition]?.state else { return }
    let indices = source.folded(partition: partition)
    let position = StatePosition(inputOffset: inputOffset, changelogOffset: changelogOffset)
    guard !indices.isEmpty || position != state.position else { return }
    try state.apply(position: position) { put in
      for index in indices {
        try source.withEntry(index) { key, value in try put(key, value) }
      }
      CrashPoint.inCheckpoint.reach()
    }
  }

  private func hint(_ offsets: [(partition: Int32, offset: Int64)], now: Int64) {
    lastHintMs = now
    guard !offsets.isEmpty else { return }
    if let progress = settings.progress {
      for (partition, offset) in offsets {
        progress.finished(TopicPartition(settings.inputTopic, partition), to: offset)
      }
      return
    }
    try? consumer.commitAsync(
      offsets.map { (TopicPartition(settings.inputTopic, $0.partition), $0.offset) })
  }

  func waitAcknowledged(_ sequence: UInt64, deadlineMs: Int64) throws {
    while !producer.waitAcknowledged(through: sequence, timeoutMs: 100) {
      if let failure = producer.failure { throw failure }
      if outside.nowMs() > deadlineMs { throw LaneError.outputsNotAcknowledged }
    }
  }

  /// The run-ahead limit is reached: waits until the commit in progress has ended, at most a second.
  func waitForCommit() throws {
    try finishCheckpoint()
    let deadline = outside.nowMs() + 1000
    while uncommitted >= settings.uncommittedMax, outside.nowMs() < deadline {
      if phase == .idle { try freeze() }
      try waitOnPhase(milliseconds: 100)
    }
  }

  private func waitOnPhase(milliseconds: Int) throws {
    switch phase {
    case .idle: return
    case .waitingAcknowledgements:
      producer.flushPending()
      if producer.waitAcknowledged(through: commitSequence, timeoutMs: milliseconds) { try decide() }
      if let failure = producer.failure { throw failure }
    case .inTransaction:
      if let outcome = waitOutcome(milliseconds: milliseconds) { try settle(outcome) }
    }
  }

  /// Brings everything of these partitions to rest: outputs acknowledged, state committed, files written.
  func drain(_ partitions: [Int32]) throws {
    guard partitions.contains(where: { owned[$0] != nil }) else { return }
    let deadline = outside.nowMs() + 8_000
    CrashPoint.inDrain.reach()
    try finishCheckpoint()
    while mayCommit, phase != .idle || uncommitted > 0 || !changes.isEmpty {
      if phase == .idle { try freeze() }
      try waitOnPhase(milliseconds: 100)
      if outside.nowMs() > deadline {
        context.note(.clientError("drain: state commit not finished in time; its inputs will be read again"))
        return
      }
    }
    if !awaitingCheckpoint.isEmpty { try checkpoint() }
    if settings.durability == .scratch {
      _ = acknowledged.advance(acknowledgedThrough: producer.acknowledgedThrough)
    }
  }
}

/// Why a lane stops by itself.
public enum LaneError: Error, CustomStringConvertible {
  case outputsNotAcknowledged
  case commitUnresolved
  case inputGone(partition: Int32, committed: Int64, earliest: Int64)
  case changelogGone(partition: Int32, needed: Int64)

  public var description: String {
    switch self {
    case .outputsNotAcknowledged: "outputs were not acknowledged in time: is the broker reachable?"
    case .commitUnresolved: "a state commit does not end: is the transaction coordinator reachable?"
    case .inputGone(let partition, let committed, let earliest):
      "partition \(partition): the committed offset \(committed) is gone, the topic begins at \(earliest): "
        + "retention was shorter than the stop; set the group's offset by hand to go on"
    case .changelogGone(let partition, let needed):
      "partition \(partition): the changelog does not reach back to \(needed); delete the state file to rebuild"
    }
  }
}
