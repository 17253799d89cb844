import Files
import Kafka
public import Stage

/// `labels.csv` out of a running cluster: the ledger's changelog, read committed, last record of each order.
public enum LedgerExport {
  /// Returns the number of rows. Throws `UserError` or `KafkaError`.
  public static func write(broker: BrokerAccess, topics: TopicNames = TopicNames(), to path: String) throws
    -> Int
  {
    var ledger: [[UInt8]: [UInt8]] = [:]
    let count = try broker.partitionCount(topics.applyChangelog)
    for partition in 0..<Int32(count) {
      let reader = try ChangelogReader(settings: broker.client)
      defer { reader.close() }
      _ = try reader.readToEnd(TopicPartition(topics.applyChangelog, partition), from: nil) { key, value, _ in
        guard let key else { return }
        ledger[[UInt8](key)] = value.map { [UInt8]($0) }
      }
    }
    var labels = FinalLabels()
    let file = try OutputFile(path)
    try labels.begin(file)
    for key in ledger.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      guard let value = ledger[key] else { continue }
      try key.withUnsafeBytes { key in try value.withUnsafeBytes { try labels.write(key, $0, to: file) } }
    }
    try labels.finish(file)
    return labels.counts.rows
  }
}
