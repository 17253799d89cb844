import Glibc
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
public final class StatefulLane<Processor: StatefulProcessor> {
  struct Owned {
    var state: PartitionState
    /// Next input to be handled.
    var nextOffset: Int64
    /// Next input after the last state commit.
    var committedOffset: Int64
    /// Offset after the last changelog record that is known to be committed; −1 = unknown.
    var changelogEnd: Int64
  }

  enum CommitPhase { case idle, waitingAcknowledgements, inTransaction }

  let settings: LaneSettings
  let consumer: Consumer
  let producer: Producer
  let processor: Processor
  let context: LaneContext
  let effectTopics: [EffectTopic]
  let schemaVersion: Int64
  let clientSettings: ClientSettings
  let batch = MessageBatch()
  var owned: [Int32: Owned] = [:]
  var phase = CommitPhase.idle
  var changes = StateChanges()
  /// Committed by a transaction, not yet in the files.
  var awaitingCheckpoint = StateChanges()
  var commitOffsets: [(partition: Int32, offset: Int64)] = []
  var commitSequence: UInt64 = 0
  var lastCommitMs = monotonicMs()
  var lastCheckpointMs = monotonicMs()
  var lastHintMs = monotonicMs()
  var uncommitted = 0
  var acknowledged = AcknowledgedOffsets()
  var transactions: TransactionRunner?

  /// `effectTopics`: topics whose records `collect` may send with the state, by their number there.
  public init(
    settings: LaneSettings, clientSettings: ClientSettings, consumer: Consumer, producer: Producer,
    processor: Processor, schemaVersion: Int64, effectTopics: [EffectTopic] = [], context: LaneContext
  ) {
    self.settings = settings
    self.clientSettings = clientSettings
    self.consumer = consumer
    self.producer = producer
    self.processor = processor
    self.schemaVersion = schemaVersion
    self.effectTopics = effectTopics
    self.context = context
  }

  /// Runs until `context.stop()` or an error that needs an operator. Drains before it returns.
  public func run() {
    do {
      try start()
      while !context.isStopping {
        do { try step() } catch PartitionStateError.damaged { try rebuildDamaged() }
      }
      context.become(.draining)
      if settings.keepsStateAtEnd || settings.durability != .scratch { try drain(Array(owned.keys)) }
      close()
      context.become(.stopped)
    } catch {
      close()
      context.fail("\(settings.groupId): \(error)")
    }
  }

  private func start() throws {
    if case .transaction(let transactionalId, _) = settings.durability {
      let runner = TransactionRunner(
        producer: TransactionalProducer(settings: clientSettings, transactionalId: transactionalId))
      try runner.open()
      transactions = runner
    }
    context.become(.restoring)
    try makeDirectories(above: settings.stateDirectory + "/file")
    if settings.usesGroup {
      try consumer.subscribe([settings.inputTopic])
    } else {
      try claim((0..<Int32(settings.inputPartitions)).map { TopicPartition(settings.inputTopic, $0) })
      context.become(.ready)
    }
  }

  private func step() throws {
    let room = settings.uncommittedMax - uncommitted
    if room <= 0 { try waitForCommit() }
    let limit = max(64, min(settings.batchMax, room))
    var events = consumer.poll(into: batch, max: limit, timeoutMs: settings.pollTimeoutMs)
    if settings.gatherMs > 0, events.isEmpty, batch.count > 0, batch.count < limit / 4 {
      usleep(UInt32(settings.gatherMs) * 1000)
      events = consumer.poll(into: batch, max: limit - batch.count, timeoutMs: 0)
    }
    if batch.count > 0 { CrashPoint.afterPoll.reach() }
    try handleBatch()
    try processor.tick(outputs: producer)
    for event in events { try handle(event) }
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
    let sequence = producer.lastSequence
    for index in 0..<batch.count {
      let message = batch[index]
      owned[message.partition]?.nextOffset = message.offset + 1
    }
    for partition in Set((0..<batch.count).map { batch[$0].partition }) {
      if let offset = owned[partition]?.nextOffset {
        acknowledged.handled(partition: partition, nextOffset: offset, sequence: sequence)
      }
    }
    uncommitted += batch.count
    context.handled.wrappingAdd(Int64(batch.count), ordering: .relaxed)
    context.uncommitted.store(uncommitted, ordering: .relaxed)
  }

  private func handle(_ event: ConsumerEvent) throws {
    switch event {
    case .assigned(let partitions):
      context.become(.restoring)
      try claim(partitions)
      context.become(.ready)
    case .revoked(let partitions, let lost):
      let numbers = partitions.map(\.partition)
      CrashPoint.inRevoke.reach()
      if !lost { try drain(numbers) }
      for partition in numbers {
        release(partition)
        context.note(.revoked(partition: partition, lost: lost))
      }
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
      if transactions?.wait(milliseconds: 15_000) == nil {
        context.note(.clientError("transaction still open"))
      }
      phase = .waitingAcknowledgements
    }
    changes.drop(partition: partition)
    awaitingCheckpoint.drop(partition: partition)
    commitOffsets.removeAll { $0.partition == partition }
    if changes.isEmpty, commitOffsets.isEmpty { phase = .idle }
    processor.close(partition)
    owned[partition] = nil
    acknowledged.forget(partition)
    if owned.isEmpty { uncommitted = 0 }
    context.ownedPartitions.store(owned.count, ordering: .relaxed)
  }

  private func close() {
    for partition in Array(owned.keys) { release(partition) }
    transactions?.close()
    consumer.close()
  }
}
