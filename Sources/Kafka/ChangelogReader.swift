internal import CRdKafka

/// Reads a changelog partition to the end that it had when asked, counting only what is decided.
///
/// The end is the high watermark, open transactions included; reading is read committed and goes on until
/// the position has passed that end. So an open transaction is waited for, and its end marker, which uses
/// an offset but is no record, counts.
public final class ChangelogReader {
  private let ends: ClientHandle
  private let consumer: Consumer

  /// - Throws: ``KafkaError`` when a property is refused.
  public init(settings: ClientSettings) throws(KafkaError) {
    ends = try ClientHandle(
      RD_KAFKA_CONSUMER, settings,
      defaults: Consumer.defaults(groupId: nil, isolation: .readUncommitted, membership: .manual))
    consumer = try Consumer(
      settings: settings, groupId: "passflow-changelog", isolation: .readCommitted, membership: .manual)
  }

  /// - Parameters:
  ///   - from: the first offset to read; nil: the log's beginning.
  ///   - stallMs: give up after so long without any progress (an open transaction that nobody ends).
  ///   - progress: position and end, after each batch.
  ///   - body: key, value (nil: tombstone) and offset of each record, borrowed for the call.
  /// - Returns: the offset to continue at: every record before it was handed to `body`.
  /// - Throws: ``KafkaError`` `OFFSET_OUT_OF_RANGE` when `from` lies before the log's first offset (records
  ///   are gone: rebuild) or after its end (another log); a time-out; what `body` throws.
  public func readToEnd(
    _ partition: TopicPartition, from: Int64?, stallMs: Int = 60_000,
    progress: ((_ position: Int64, _ end: Int64) -> Void)? = nil,
    body: (_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?, _ offset: Int64) throws -> Void
  ) throws -> Int64 {
    let (low, end) = try queryWatermarks(ends, partition, timeoutMs: 15_000)
    let start = from ?? low
    if start < low || start > end {
      throw KafkaError(
        RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
        "offset \(start) of \(partition) is outside the log \(low)..<\(end)")
    }
    var position = start
    if position >= end { return position }
    let batch = MessageBatch()
    try consumer.assign([(partition, start)])
    defer {
      batch.release()
      try? consumer.assign([])
    }
    var limit = deadline(inMs: stallMs)
    while position < end {
      let before = position
      let events = consumer.poll(into: batch, max: 10_000, timeoutMs: 100)
      for index in 0..<batch.count {
        let message = batch[index]
        try body(message.key, message.value, message.offset)
        position = max(position, message.offset &+ 1)
      }
      batch.release()
      try note(events, partition, &position)
      if position > before {
        limit = deadline(inMs: stallMs)
        progress?(position, end)
      } else if monotonicMs() > limit {
        throw KafkaError.timedOut("\(partition): no progress at \(position) of \(end)")
      }
    }
    return position
  }

  private func note(
    _ events: [ConsumerEvent], _ partition: TopicPartition, _ position: inout Int64
  ) throws(KafkaError) {
    for event in events {
      switch event {
      case .endOfPartition(partition, let offset): position = max(position, offset)
      case .error(let error) where error.isFatal || error.remedy != .retry: throw error
      default: break
      }
    }
  }

  public func close() {
    consumer.close()
    ends.destroy(withoutConsumerClose: true)
  }
}
