internal import CRdKafka
internal import Synchronization

/// A topic known to a producer.
public struct TopicHandle: Sendable, Hashable {
  let index: Int
  public let partitionCount: Int
}

/// Writes records at once, without transactions: idempotent, ordered per partition, nothing lost.
///
/// **Batches are clocked by acknowledgements**: each partition has at most one batch on its way; what comes
/// meanwhile gathers and goes as one batch when that is acknowledged, if it was flushed or is large. Batch sizes
/// follow the load, and librdkafka never spins on an unanswered request.
///
/// After a delivery error, a fatal error or a stall the producer opens itself anew and repeats, in order,
/// everything not acknowledged. Readers may see repeats, never a gap. It gives up (``failure``) only on
/// what no repetition can help.
///
/// Any thread may call; delivery reports are taken on a thread of its own.
public final class Producer: Sendable {
  /// Largest record, key and value together. The broker's own limit may be lower.
  public static let recordBytesMax = 4_000_000

  private let core: ProducerCore

  /// - Parameter onAcknowledged: called on the producer's thread after each step of
  ///   ``acknowledgedThrough``; must not block or call back.
  public init(settings: ClientSettings, onAcknowledged: (@Sendable (UInt64) -> Void)? = nil)
    throws(KafkaError)
  {
    core = try ProducerCore(settings, onAcknowledged)
    core.start()
  }

  /// Looks a topic up and prepares its partitions. Pacing can be given once per topic.
  /// - Throws: ``KafkaError``: unknown topic, no answer in time.
  public func topic(_ name: String, pacing: Pacing? = nil, timeoutMs: Int = 10_000) throws(KafkaError)
    -> TopicHandle
  {
    try core.register(name, pacing, timeoutMs: timeoutMs)
  }

  public func partitionCount(_ topic: TopicHandle) -> Int { topic.partitionCount }

  /// Copies the record and returns its sequence number (1, 2, 3 …). It leaves with the next
  /// ``flushPending()``, or earlier when much has gathered for its partition.
  /// - Throws: ``KafkaError``, origin `.input`: the record is larger than ``recordBytesMax``, or there is
  ///   no such partition. Nothing was taken then.
  public func send(
    topic: TopicHandle, partition: Int32, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
  ) throws(KafkaError) -> UInt64 {
    try core.send(topic, partition, key, value)
  }

  /// What has gathered is due: it leaves now, or when its partition's batch on the way is acknowledged.
  public func flushPending() { core.flushPending() }

  /// Every record with this sequence number or a smaller one is acknowledged.
  public var acknowledgedThrough: UInt64 { core.acknowledged.load(ordering: .acquiring) }

  /// The last sequence number given out.
  public var lastSequence: UInt64 { core.monitor.locked { core.lastSequence } }

  /// Bytes taken and not acknowledged.
  public var bufferedBytes: Int { core.buffered.load(ordering: .relaxed) }

  /// How often the producer had to open itself anew.
  public var reopenings: Int { core.reopenings.load(ordering: .relaxed) }

  /// Why the producer gave up; nothing is sent any more.
  public var failure: KafkaError? { core.monitor.locked { core.failure } }

  /// Flushes and waits until everything up to `sequence` is acknowledged; false: not in time, or failed.
  public func waitAcknowledged(through sequence: UInt64, timeoutMs: Int) -> Bool {
    core.flushPending()
    return core.wait(timeoutMs) { self.acknowledgedThrough >= sequence } && acknowledgedThrough >= sequence
  }

  /// Flushes and waits until at most `maxBytes` are unacknowledged; false: not in time, or failed.
  public func waitForRoom(maxBytes: Int, timeoutMs: Int) -> Bool {
    if bufferedBytes <= maxBytes { return true }
    core.flushPending()
    return core.wait(timeoutMs) { self.bufferedBytes <= maxBytes } && bufferedBytes <= maxBytes
  }

  /// Waits for what is outstanding (up to the time-out), then ends; says whether all was acknowledged.
  @discardableResult
  public func close(timeoutMs: Int = 10_000) -> Bool {
    let all = waitAcknowledged(through: lastSequence, timeoutMs: timeoutMs)
    core.stop()
    return all
  }

  deinit { core.stop() }
}
