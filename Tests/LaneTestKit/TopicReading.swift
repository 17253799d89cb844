import Kafka
public import Stage

/// A record as it was read; nil values are tombstones.
public struct TopicRecord: Sendable {
  public var key: [UInt8]
  public var value: [UInt8]?
}

extension BrokerAccess {
  /// All that is on some partitions of a topic now.
  public func records(_ topic: String, partitions: Int = 1) throws -> [TopicRecord] {
    let consumer = try Consumer(settings: client, groupId: "reader", membership: .manual)
    defer { consumer.close() }
    let places = (0..<Int32(partitions)).map { TopicPartition(topic, $0) }
    var end: Int64 = 0
    for place in places { end += try consumer.watermarks(place, timeoutMs: 10_000).high }
    try consumer.assign(places.map { ($0, 0) })
    var records: [TopicRecord] = []
    var silent = 0
    let batch = MessageBatch()
    while records.count < Int(end), silent < 100 {
      _ = consumer.poll(into: batch, max: 10_000, timeoutMs: 100)
      silent = batch.count == 0 ? silent + 1 : 0
      for index in 0..<batch.count { records.append(TopicRecord(batch[index])) }
      batch.release()
    }
    return records
  }

  /// Reads on, from the beginning, until a value gives an answer; nil when none has after so many silent tenths of
  /// a second.
  public func first<Answer>(
    _ topic: String, partitions: Int = 1, patience: Int = 200, _ answer: ([UInt8]) -> Answer?
  ) throws -> Answer? {
    let consumer = try Consumer(settings: client, groupId: "reader", membership: .manual)
    defer { consumer.close() }
    try consumer.assign((0..<Int32(partitions)).map { (TopicPartition(topic, $0), 0) })
    let batch = MessageBatch()
    for _ in 0..<patience {
      _ = consumer.poll(into: batch, max: 10_000, timeoutMs: 100)
      defer { batch.release() }
      for index in 0..<batch.count {
        if let value = TopicRecord(batch[index]).value, let found = answer(value) { return found }
      }
    }
    return nil
  }
}

extension TopicRecord {
  init(_ message: MessageView) {
    key = message.key.map { [UInt8]($0) } ?? []
    value = message.value.map { [UInt8]($0) }
  }
}
