import Kafka
import RuleVersions
import Stage
import Topics

/// Where partitions of `orders.enriched` switched their rules: topic `rules.switches`, an index over the switch
/// records among the orders. One per lane.
final class RuleSwitchLog {
  private let reader: ChangelogReader
  private let topic: String
  private let handle: TopicHandle
  /// By partition of `orders.enriched`, sorted by offset, each offset once.
  private var entries: [Int32: [RuleSwitchValue]] = [:]
  /// By partition of the index: where to read on.
  private var positions: [Int32: Int64] = [:]

  init(_ broker: BrokerAccess, topic: String, producer: Producer) throws {
    self.topic = topic
    handle = try broker.topic(topic, of: producer, readBy: nil)
    reader = try ChangelogReader(settings: broker.client)
  }

  private func home(_ partition: Int32) -> Int32 { partition % Int32(max(handle.partitionCount, 1)) }

  /// Reads what was written since the last look.
  func refresh(_ partition: Int32) throws {
    let home = home(partition)
    positions[home] = try reader.readToEnd(TopicPartition(topic, home), from: positions[home]) {
      key, value, _ in
      if let value, let entry = RuleSwitchValue(protobuf: value) { note(entry) }
    }
  }

  private func note(_ entry: RuleSwitchValue) {
    // Nearly always it is the newest one.
    guard let last = entries[entry.partition]?.last, last.offset >= entry.offset else {
      entries[entry.partition, default: []].append(entry)
      return
    }
    var list = entries[entry.partition] ?? []
    list.removeAll { $0.offset == entry.offset }
    list.insert(entry, at: list.firstIndex { $0.offset > entry.offset } ?? list.count)
    entries[entry.partition] = list
  }

  func isEmpty(_ partition: Int32) -> Bool { entries[partition]?.isEmpty ?? true }

  /// The switch that an input at `offset` comes after; nil: none.
  func inForce(_ partition: Int32, at offset: Int64) -> RuleSwitchValue? {
    entries[partition]?.last { $0.offset < offset }
  }

  /// Records a switch; durable when the producer is through its sequence number.
  func write(_ entry: RuleSwitchValue, outputs producer: Producer) throws {
    note(entry)
    try send(entry.partition, entry.offset, entry.protobuf, producer)
  }

  /// Deletes the entries that no input that is still there can ask for.
  func prune(_ partition: Int32, earliest: Int64, outputs producer: Producer) throws {
    guard let list = entries[partition], let kept = list.lastIndex(where: { $0.offset < earliest }), kept > 0
    else { return }
    for entry in list[..<kept] { try send(partition, entry.offset, nil, producer) }
    entries[partition] = Array(list[kept...])
  }

  private func send(_ partition: Int32, _ offset: Int64, _ value: [UInt8]?, _ producer: Producer) throws {
    let key = Array("\(partition)/\(offset)".utf8)
    _ = try key.withUnsafeBytes { key in
      if let value {
        try value.withUnsafeBytes {
          try producer.send(topic: handle, partition: home(partition), key: key, value: $0)
        }
      } else {
        try producer.send(topic: handle, partition: home(partition), key: key, value: nil)
      }
    }
  }

  func close() { reader.close() }
}
