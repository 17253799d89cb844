public import Kafka
import Store
import Synchronization

/// A topic whose records belong into the state's transaction.
public struct EffectTopic: Sendable {
  public let name: String
  /// Of the lane's producer, which writes it where there are no transactions.
  public let handle: TopicHandle

  public init(name: String, handle: TopicHandle) {
    self.name = name
    self.handle = handle
  }
}

/// The loop of a stage with state: claim partitions, restore, handle batches, commit state, drain, give up.
///
/// Order of commits (docs/design.md): outputs leave at once and are acknowledged; then the state commits, as a
/// Kafka transaction of changelog and input offsets or, on a broker without usable ones, as the file's own
/// transaction; the file is never ahead of what decides. One thread runs everything here except the
/// transaction's round trips, which have a queue of their own.
public final class StatefulLane<Processor: StatefulProcessor, Outside: LaneOutside>
where Processor.Sink == Outside.Outputs, Processor.StateFile == Outside.StateFile {
  struct Owned {
    var state: Outside.StateFile
    /// Next input to be handled.
    var nextOffset: Int64
    /// Next input after the last state commit.
    var committedOffset: Int64
    /// Offset after the last changelog record that is known to be committed; −1 = unknown.
    var changelogEnd: Int64
  }

  enum CommitPhase { case idle, waitingAcknowledgements, inTransaction }

  let settings: LaneSettings
  let outside: Outside
  let consumer: Outside.Inputs
  let producer: Outside.Outputs
  let processor: Processor
  let context: LaneContext
  let effectTopics: [EffectTopic]
  let schemaVersion: Int64
  let batch = MessageBatch()
  var owned: [Int32: Owned] = [:]
  var phase = CommitPhase.idle
  var changes = StateChanges()
  /// Committed by a transaction, not yet in the files.
  var awaitingCheckpoint = StateChanges()
  /// Partitions whose files a checkpoint under way has still to write.
  var checkpointing: [Int32] = []
  var commitOffsets: [(partition: Int32, offset: Int64)] = []
  var commitSequence: UInt64 = 0
  var lastCommitMs: Int64
  var lastCheckpointMs: Int64
  var lastHintMs: Int64
  var uncommitted = 0
  var acknowledged = AcknowledgedOffsets()
  var transactions: Outside.Transactions?
  /// Outcomes still to come of transactions that no longer matter.
  var outcomesToDrop = 0
  /// Follows partitions that others own; nil: nobody's.
  var standby: Standby?
  /// Of the assignment whose partitions are owned; nil: the group has gone on, nothing may be committed.
  var membership: Outside.Inputs.Group?
  /// Of the last poll, not yet worked off.
  private var events: [ConsumerEvent] = []
  private var isStarted = false

  /// `effectTopics`: topics whose records `collect` may send with the state, by their number there.
  public init(
    settings: LaneSettings, outside: Outside, consumer: Outside.Inputs, producer: Outside.Outputs,
    processor: Processor, schemaVersion: Int64, effectTopics: [EffectTopic] = [], context: LaneContext
  ) {
    self.settings = settings
    self.outside = outside
    self.consumer = consumer
    self.producer = producer
    self.processor = processor
    self.schemaVersion = schemaVersion
    self.effectTopics = effectTopics
    self.context = context
    lastCommitMs = outside.nowMs()
    lastCheckpointMs = lastCommitMs
    lastHintMs = lastCommitMs
  }

  /// Runs until `context.stop()` or an error that needs an operator. Drains before it returns.
  public func run() { while advance() {} }

  /// The next piece of a run: its start, a round of the loop, or its end. False: it has ended.
  func advance() -> Bool {
    do {
      if !isStarted {
        isStarted = true
        try start()
        return true
      }
      if !context.isStopping {
        do { try step() } catch PartitionStateError.damaged { try rebuildDamaged() }
        return true
      }
      context.become(.draining)
      if settings.keepsStateAtEnd || settings.durability != .scratch { try drainAtEnd() }
      close()
      context.become(.stopped)
    } catch {
      close()
      context.fail("\(settings.groupId): \(error)")
    }
    return false
  }

  /// A file that turns out damaged now is rebuilt by its next owner; what decides is the changelog.
  private func drainAtEnd() throws {
    do {
      try drain(Array(owned.keys))
    } catch PartitionStateError.damaged where hasChangelog {
      context.note(.clientError("a state file is damaged; it is rebuilt at the next start"))
    }
  }

  private func start() throws {
    if case .transaction(let transactionalId, _) = settings.durability {
      let opened = outside.transactions(id: transactionalId)
      try opened.open()
      transactions = opened
    }
    context.become(.restoring)
    try outside.makeDirectory(settings.stateDirectory)
    standby?.start()
    if settings.usesGroup {
      try consumer.subscribe([settings.inputTopic])
    } else {
      let partitions = settings.takenPartitions ?? Array(0..<Int32(settings.inputPartitions))
      try claim(partitions.map { TopicPartition(settings.inputTopic, $0) })
      context.become(.ready)
    }
  }

  private func step() throws {
    let room = settings.uncommittedMax - uncommitted
    if room <= 0 { try waitForCommit() }
    let limit = max(64, min(settings.batchMax, room))
    events = consumer.poll(into: batch, max: limit, timeoutMs: settings.pollTimeoutMs)
    if settings.gatherMs > 0, events.isEmpty, batch.count > 0, batch.count < limit / 4 {
      outside.pause(milliseconds: settings.gatherMs)
      events = consumer.poll(into: batch, max: limit - batch.count, timeoutMs: 0)
    }
    if batch.count > 0 { CrashPoint.afterPoll.reach() }
    try handleBatch()
    try processor.tick(outputs: producer)
    try handleEvents()
    try advanceCommit(idle: batch.count == 0)
    batch.release()
    if let failure = producer.failure { throw failure }
  }

  private func handleBatch() throws {
    guard batch.count > 0 else { return }
    try processor.process(batch, outputs: producer)
    CrashPoint.handledNotSent.reach()
    producer.flushPending()
    CrashPoint.sentNotAcknowledged.reach()
    noteHandled(sequence: producer.lastSequence)
    uncommitted += batch.count
    context.handled.wrappingAdd(Int64(batch.count), ordering: .relaxed)
    context.uncommitted.store(uncommitted, ordering: .relaxed)
  }

  /// Run by run of messages of one partition.
  private func noteHandled(sequence: UInt64) {
    var index = 0
    while index < batch.count {
      let partition = batch[index].partition
      while index + 1 < batch.count, batch[index + 1].partition == partition { index += 1 }
      let next = batch[index].offset + 1
      index += 1
      guard owned[partition] != nil else { continue }
      owned[partition]?.nextOffset = next
      acknowledged.handled(partition: partition, nextOffset: next, sequence: sequence)
      settings.progress?.read(TopicPartition(settings.inputTopic, partition), to: next)
    }
  }

  /// An event that ends in an error stays, so that a rebalance is answered after all.
  func handleEvents() throws {
    while let event = events.first {
      try handle(event)
      events.removeFirst()
    }
  }

  private func handle(_ event: ConsumerEvent) throws {
    switch event {
    case .assigned(let partitions):
      context.become(.restoring)
      membership = try? consumer.groupMetadata()
      try claim(partitions)
      standby?.divided(member: consumer.memberId)
      context.become(.ready)
    case .revoked(let partitions, let lost):
      let numbers = partitions.map(\.partition)
      CrashPoint.inRevoke.reach()
      if !lost { try drain(numbers) }
      for partition in numbers {
        release(partition)
        context.note(.revoked(partition: partition, lost: lost))
      }
      standby?.giveBack(numbers)
      try consumer.finishRevocation(partitions)
    case .endOfPartition:
      break
    case .error(let error):
      context.note(.clientError("\(error)"))
      if error.isFatal || error.name == "_AUTO_OFFSET_RESET" { throw error }
    }
  }

  /// Gives a partition up: what of it is not committed by now is dropped and will be read again by its owner.
  func release(_ partition: Int32) {
    if phase == .inTransaction {
      // Its outcome no longer matters to this partition; for the others it is found out afterwards.
      if waitOutcome(milliseconds: 15_000) == nil {
        outcomesToDrop += 1
        context.note(.clientError("transaction still open"))
      }
      phase = .waitingAcknowledgements
    }
    changes.drop(partition: partition)
    awaitingCheckpoint.drop(partition: partition)
    checkpointing.removeAll { $0 == partition }
    commitOffsets.removeAll { $0.partition == partition }
    if changes.isEmpty, commitOffsets.isEmpty { phase = .idle }
    processor.close(partition)
    owned[partition] = nil
    acknowledged.forget(partition)
    if owned.isEmpty { uncommitted = 0 }
    context.ownedPartitions.store(owned.count, ordering: .relaxed)
  }

  private func close() {
    standby?.stop()
    for partition in Array(owned.keys) { release(partition) }
    transactions?.close()
    consumer.leave()
  }
}

extension StatefulLane where Outside == BrokerOutside {
  /// A lane on a Kafka cluster.
  public convenience init(
    settings: LaneSettings, clientSettings: ClientSettings, consumer: Consumer, producer: Producer,
    processor: Processor, schemaVersion: Int64, effectTopics: [EffectTopic] = [], context: LaneContext
  ) {
    self.init(
      settings: settings, outside: BrokerOutside(settings: clientSettings), consumer: consumer,
      producer: producer, processor: processor, schemaVersion: schemaVersion, effectTopics: effectTopics,
      context: context)
    standby = Standby(
      settings: settings, client: clientSettings, schemaVersion: schemaVersion, context: context)
  }
}
