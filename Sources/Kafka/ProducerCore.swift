internal import CRdKafka
internal import Synchronization

/// The state that callers and the worker thread share; everything mutable is guarded by `monitor` unless
/// marked as the worker's own.
final class ProducerCore: @unchecked Sendable {
  let settings: ClientSettings
  let monitor = Monitor()
  let acknowledged = Atomic<UInt64>(0)
  let buffered = Atomic<Int>(0)
  let reopenings = Atomic<Int>(0)
  let onAcknowledged: (@Sendable (UInt64) -> Void)?

  var lastSequence: UInt64 = 0
  var failure: KafkaError?
  var isStopping = false
  var topics: [Topic] = []
  var lanes: [OutputLane] = []
  /// Lanes to look at for handing over.
  var ready: [OutputLane] = []
  var hasPacing = false
  private var spare: [OutputBatch] = []
  private static let spareMax = 64

  // Replaced by the worker under `monitor`; `handleLock` keeps it alive during metadata requests.
  let handleLock = Monitor()
  var handle: ClientHandle
  /// nil while there is no client.
  var queue: OpaquePointer?

  // The worker's own.
  var topicObjects: [Int: OpaquePointer] = [:]
  var scratch: [rd_kafka_message_t] = []
  var handOverMax = OutputBatch.entriesMax
  var fruitlessReopenings = 0
  private var worker: WorkerThread?
  private var pacer: WorkerThread?

  struct Topic {
    let name: String
    let firstLane: Int
    let partitionCount: Int
  }

  init(_ settings: ClientSettings, _ onAcknowledged: (@Sendable (UInt64) -> Void)?) throws(KafkaError) {
    self.settings = settings
    self.onAcknowledged = onAcknowledged
    (handle, queue) = try ProducerCore.open(settings)
  }

  static func open(_ settings: ClientSettings) throws(KafkaError) -> (ClientHandle, OpaquePointer) {
    let handle = try ClientHandle(
      RD_KAFKA_PRODUCER, settings,
      defaults: [
        "enable.idempotence": "true", "enable.gapless.guarantee": "true", "acks": "all",
        // No time-out of single messages: it could leave a gap. The worker watches for stalls instead.
        "message.timeout.ms": "0", "request.timeout.ms": "10000", "linger.ms": "0",
        "message.max.bytes": "\(Producer.recordBytesMax + 4_096)", "batch.size": "1000000",
        "batch.num.messages": "\(OutputBatch.entriesMax)", "queue.buffering.max.messages": "2000000",
        "queue.buffering.max.kbytes": "1048576", "compression.codec": "none", "retry.backoff.ms": "50",
      ])
    guard let queue = handle.mainQueue() else { throw KafkaError.own("the producer has no queue") }
    return (handle, queue)
  }

  func start() {
    worker = WorkerThread { [self] in runWorker() }
  }

  func stop() {
    monitor.lock()
    let wasStopping = isStopping
    isStopping = true
    wakeWorker()
    monitor.wakeAll()
    monitor.unlock()
    if wasStopping { return }
    worker?.join()
    pacer?.join()
  }

  func register(_ name: String, _ pacing: Pacing?, timeoutMs: Int) throws(KafkaError) -> TopicHandle {
    monitor.lock()
    let known = topics.firstIndex { $0.name == name }.map {
      TopicHandle(index: $0, partitionCount: topics[$0].partitionCount)
    }
    monitor.unlock()
    if let known { return known }
    handleLock.lock()
    let found: Result<Int, KafkaError>
    do throws(KafkaError) {
      if monitor.locked({ queue == nil }) { throw KafkaError.own("the producer is closed or has failed") }
      found = .success(try partitionCount(of: name, handle, timeoutMs: timeoutMs))
    } catch { found = .failure(error) }
    handleLock.unlock()
    let count = try found.get()
    monitor.lock()
    defer { monitor.unlock() }
    let index = topics.count
    topics.append(Topic(name: name, firstLane: lanes.count, partitionCount: count))
    for partition in 0..<count {
      lanes.append(
        OutputLane(
          topic: index, partition: Int32(clamping: partition), pacing: pacing.map { LanePacing($0) }))
    }
    if let pacing, let progress = pacing.progress {
      let listener: @Sendable (Int32, Int64) -> Void = { [weak self] partition, offset in
        self?.finished(index, partition, offset)
      }
      if pacing.countsHandled {
        progress.onRead(name, listener)
      } else {
        progress.onFinished(name, listener)
      }
    } else if pacing != nil, pacer == nil, !isStopping {
      hasPacing = true
      pacer = WorkerThread { [self] in runPacer() }
    }
    return TopicHandle(index: index, partitionCount: count)
  }

  /// The reader of a partition has come so far.
  private func finished(_ topic: Int, _ partition: Int32, _ offset: Int64) {
    monitor.locked {
      guard topic < topics.count, partition >= 0, Int(partition) < topics[topic].partitionCount else {
        return
      }
      let lane = lanes[topics[topic].firstLane &+ Int(partition)]
      lane.pacing?.account.consumed(to: offset)
      guard lane.isHeldBack, lane.pacing?.account.hasMuchRoom ?? true else { return }
      lane.isHeldBack = false
      if lane.isIdle, !lane.batches.isEmpty, !lane.isQueued { makeReady(lane) }
    }
  }

  func send(
    _ topic: TopicHandle, _ partition: Int32, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?
  ) throws(KafkaError) -> UInt64 {
    let bytes = (key?.count ?? 0) &+ (value?.count ?? 0)
    if bytes > Producer.recordBytesMax {
      throw KafkaError.tooLarge(bytes)
    }
    guard partition >= 0, Int(partition) < topic.partitionCount else {
      throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "no partition \(partition)")
    }
    monitor.lock()
    defer { monitor.unlock() }
    if isStopping { throw KafkaError.own("the producer is closed") }
    guard topic.index < topics.count else { throw KafkaError.own("a topic of another producer") }
    let lane = lanes[topics[topic.index].firstLane &+ Int(partition)]
    lastSequence &+= 1
    let batch = openBatch(of: lane, for: bytes)
    batch.append(key: key, value: value, sequence: lastSequence)
    buffered.wrappingAdd(bytes, ordering: .relaxed)
    if lane.isReadyToGo { makeReady(lane) }
    return lastSequence
  }

  private func openBatch(of lane: OutputLane, for bytes: Int) -> OutputBatch {
    if let last = lane.batches.last, last.fits(bytes) { return last }
    let batch = spare.popLast() ?? OutputBatch(capacity: 65_536)
    if lane.batches.isEmpty { lane.handed = 0 }
    lane.batches.append(batch)
    return batch
  }

  func flushPending() {
    monitor.locked {
      for lane in lanes where !lane.batches.isEmpty {
        lane.dueThrough = lastSequence
        if lane.isReadyToGo { makeReady(lane) }
      }
    }
  }

  /// With the monitor held.
  func makeReady(_ lane: OutputLane) {
    lane.isQueued = true
    ready.append(lane)
    if ready.count == 1 { wakeWorker() }
  }

  /// With the monitor held: the worker's poll returns at once.
  private func wakeWorker() {
    if let queue { rd_kafka_queue_yield(queue) }
  }

  /// With the monitor held: the first batch of the lane is done.
  func retireFirstBatch(of lane: OutputLane) {
    let batch = lane.batches.removeFirst()
    lane.handed = 0
    if spare.count < ProducerCore.spareMax, batch.capacity <= 2 &* OutputBatch.bytesMax {
      batch.reset()
      spare.append(batch)
    }
  }

  /// With the monitor held.
  func publishAcknowledged() -> UInt64 {
    var through = lastSequence
    for lane in lanes {
      if let first = lane.firstUnacknowledged, first &- 1 < through { through = first &- 1 }
    }
    acknowledged.store(through, ordering: .releasing)
    monitor.wakeAll()
    return through
  }

  /// Waits until it holds, the time is over, or nothing more will happen.
  func wait(_ timeoutMs: Int, _ holds: () -> Bool) -> Bool {
    let limit = deadline(inMs: timeoutMs)
    monitor.lock()
    defer { monitor.unlock() }
    return monitor.wait(untilMs: limit) { holds() || failure != nil || isStopping }
  }
}
