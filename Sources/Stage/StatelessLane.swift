import Glibc
public import Kafka
import Synchronization

/// The loop of a stage without state: handle batches, commit offsets behind the acknowledged outputs.
public final class StatelessLane<Processor: StatelessProcessor> {
  private let settings: LaneSettings
  private let consumer: Consumer
  private let producer: Producer
  private let processor: Processor
  private let context: LaneContext
  private let batch = MessageBatch()
  private var owned: Set<Int32> = []
  private var acknowledged = AcknowledgedOffsets()
  private var lastCommitMs = monotonicMs()
  private var grew = false

  public init(
    settings: LaneSettings, consumer: Consumer, producer: Producer, processor: Processor, context: LaneContext
  ) {
    self.settings = settings
    self.consumer = consumer
    self.producer = producer
    self.processor = processor
    self.context = context
  }

  /// Runs until `context.stop()` or an error that needs an operator. Drains before it returns.
  public func run() {
    do {
      try start()
      while !context.isStopping { try step() }
      context.become(.draining)
      try drain()
      consumer.close()
      context.become(.stopped)
    } catch {
      consumer.close()
      context.fail("\(settings.groupId): \(error)")
    }
  }

  private func start() throws {
    context.become(.restoring)
    if settings.usesGroup {
      try consumer.subscribe([settings.inputTopic])
    } else {
      try claim((0..<Int32(settings.inputPartitions)).map { TopicPartition(settings.inputTopic, $0) })
    }
  }

  private func claim(_ partitions: [TopicPartition]) throws {
    let committed = try consumer.committed(partitions, timeoutMs: 60_000)
    var starts: [(TopicPartition, Int64)] = []
    for topicPartition in partitions {
      let (earliest, _) = try consumer.watermarks(topicPartition, timeoutMs: 30_000)
      let found = committed[topicPartition] ?? -1
      if found >= 0, found < earliest {
        throw LaneError.inputGone(
          partition: topicPartition.partition, committed: found, earliest: earliest)
      }
      let next = found >= 0 ? found : earliest
      try processor.open(
        topicPartition.partition,
        start: StatelessStart(offset: next, earliest: earliest, isKnown: found >= 0), outputs: producer)
      owned.insert(topicPartition.partition)
      starts.append((topicPartition, next))
      context.note(.assigned(partition: topicPartition.partition, offset: next, restored: 0))
    }
    context.ownedPartitions.store(owned.count, ordering: .relaxed)
    if settings.usesGroup { try consumer.finishAssignment(starts) } else { try consumer.assign(starts) }
    context.become(.ready)
  }

  private func step() throws {
    var events = consumer.poll(into: batch, max: settings.batchMax, timeoutMs: settings.pollTimeoutMs)
    if settings.gatherMs > 0, events.isEmpty, batch.count > 0, batch.count < settings.batchMax / 4 {
      usleep(UInt32(settings.gatherMs) * 1000)
      events = consumer.poll(into: batch, max: settings.batchMax - batch.count, timeoutMs: 0)
    }
    if batch.count > 0 {
      CrashPoint.afterPoll.reach()
      try processor.process(batch, outputs: producer)
      CrashPoint.handledNotSent.reach()
      producer.flushPending()
      CrashPoint.sentNotAcknowledged.reach()
      noteHandled()
      context.handled.wrappingAdd(Int64(batch.count), ordering: .relaxed)
    }
    batch.release()
    for event in events { try handle(event) }
    try processor.tick(outputs: producer)
    commitIfDue()
    if producer.bufferedBytes > settings.dirtyBytesMax {
      _ = producer.waitForRoom(maxBytes: settings.dirtyBytesMax, timeoutMs: 1000)
    }
    if let failure = producer.failure { throw failure }
  }

  private func noteHandled() {
    var last: [Int32: Int64] = [:]
    for index in 0..<batch.count { last[batch[index].partition] = batch[index].offset + 1 }
    let sequence = producer.lastSequence
    for (partition, offset) in last where owned.contains(partition) {
      acknowledged.handled(partition: partition, nextOffset: offset, sequence: sequence)
    }
  }

  private func commitIfDue() {
    if acknowledged.advance(acknowledgedThrough: producer.acknowledgedThrough) { grew = true }
    if let progress = settings.progress, grew {
      for (topicPartition, offset) in offsets(owned) { progress.finished(topicPartition, to: offset) }
      grew = false
    }
    let now = monotonicMs()
    guard grew, now - lastCommitMs >= Int64(settings.commitIntervalMs) else { return }
    CrashPoint.beforeOffsetCommit.reach()
    try? consumer.commitAsync(offsets(owned))
    CrashPoint.afterOffsetCommit.reach()
    lastCommitMs = now
    grew = false
  }

  private func offsets(_ partitions: Set<Int32>) -> [(TopicPartition, Int64)] {
    acknowledged.all.filter { partitions.contains($0.partition) }.map {
      (TopicPartition(settings.inputTopic, $0.partition), $0.offset)
    }
  }

  private func handle(_ event: ConsumerEvent) throws {
    switch event {
    case .assigned(let partitions):
      try claim(partitions)
    case .revoked(let partitions, let lost):
      CrashPoint.inRevoke.reach()
      if !lost { try drain() }
      for topicPartition in partitions {
        owned.remove(topicPartition.partition)
        processor.close(topicPartition.partition)
        acknowledged.forget(topicPartition.partition)
        context.note(.revoked(partition: topicPartition.partition, lost: lost))
      }
      context.ownedPartitions.store(owned.count, ordering: .relaxed)
      try consumer.finishRevocation(partitions)
    case .endOfPartition:
      break
    case .error(let error):
      context.note(.clientError("\(error)"))
      if error.isFatal || error.name == "_AUTO_OFFSET_RESET" { throw error }
    }
  }

  /// Waits for the acknowledgement of all outputs and commits behind them.
  private func drain() throws {
    let deadline = monotonicMs() + 8_000
    CrashPoint.inDrain.reach()
    let sequence = producer.lastSequence
    producer.flushPending()
    while !producer.waitAcknowledged(through: sequence, timeoutMs: 100), monotonicMs() < deadline {
      if let failure = producer.failure { throw failure }
    }
    _ = acknowledged.advance(acknowledgedThrough: producer.acknowledgedThrough)
    let settled = offsets(owned)
    if !settled.isEmpty, settings.progress == nil { try? consumer.commit(settled) }
    grew = false
  }
}
