import Kafka

/// Bytes of a text, lent for the call.
func withBytes<T>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
  var copy = text
  return try copy.withUTF8 { try body(UnsafeRawBufferPointer($0)) }
}

extension Producer {
  func sendText(_ topic: TopicHandle, _ partition: Int32, _ key: String, _ value: String?) throws -> UInt64 {
    try withBytes(key) { key in
      if let value {
        return try withBytes(value) { try send(topic: topic, partition: partition, key: key, value: $0) }
      }
      return try send(topic: topic, partition: partition, key: key, value: nil)
    }
  }
}

func text(_ bytes: UnsafeRawBufferPointer?) -> String? {
  bytes.map { String(decoding: $0, as: UTF8.self) }
}

/// A record copied out of a batch.
struct Seen: Equatable {
  let partition: Int32
  let offset: Int64
  let key: String?
  let value: String?
}

/// Reads until `count` records are there or the broker has been silent for about ten seconds.
func read(_ consumer: Consumer, count: Int, rounds: Int = 100) -> (seen: [Seen], events: [ConsumerEvent]) {
  let batch = MessageBatch()
  var seen: [Seen] = []
  var events: [ConsumerEvent] = []
  var silent = 0
  while seen.count < count, silent < rounds {
    events += consumer.poll(into: batch, max: 10_000, timeoutMs: 100)
    silent = batch.count == 0 ? silent + 1 : 0
    for index in 0..<batch.count {
      let view = batch[index]
      seen.append(
        Seen(partition: view.partition, offset: view.offset, key: text(view.key), value: text(view.value)))
    }
    batch.release()
  }
  return (seen, events)
}

/// Values in the order of their first appearance: what a reader that ignores repeats sees.
func firstAppearances(_ seen: [Seen]) -> [String] {
  var known: Set<String> = []
  return seen.compactMap { $0.value }.filter { known.insert($0).inserted }
}

func manualConsumer(_ broker: EmbeddedBroker, group: String = "readers") throws -> Consumer {
  try Consumer(settings: ClientSettings(bootstrap: broker.bootstrap), groupId: group, membership: .manual)
}
