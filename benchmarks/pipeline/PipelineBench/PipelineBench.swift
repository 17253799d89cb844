import Glibc
import Kafka
import Stage
import Topics

/// Feeds encoded orders at a fixed rate or flat out and measures how long each took to the other end.
///
/// ```
/// PipelineBench drive BOOTSTRAP FILE IN OUT RATE position|offset   RATE 0: flat out
/// PipelineBench drain BOOTSTRAP                                    waits until apply's ledger has everything
/// PipelineBench sizes BOOTSTRAP TOPIC…                             records and mean bytes of key and value
/// ```
/// `drive` prints one line of JSON. `position` matches decisions to orders by the position that they carry,
/// `offset` a relay's records by how far they are from where their partition ended at the start.
@main
enum PipelineBench {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      switch (arguments.first, arguments.count) {
      case ("drive", 7):
        guard let rate = Double(arguments[5]), rate >= 0, let matching = Matching(rawValue: arguments[6])
        else { usage() }
        let driver = try Driver(
          access(arguments[1]), from: arguments[3], to: arguments[4], matching: matching)
        try driver.load(arguments[2])
        print(try driver.run(rate: rate).json)
      case ("drain", 2): try drain(access(arguments[1]))
      case ("sizes", 3...): try sizes(access(arguments[1]), Array(arguments[2...]))
      default: usage()
      }
    } catch {
      StandardStream.error.write("PipelineBench: \(error)\n")
      exit(1)
    }
  }

  static func usage() -> Never {
    StandardStream.error.write("Usage: PipelineBench drive|drain|sizes …; its source says which\n")
    exit(2)
  }

  static func access(_ bootstrap: String) -> BrokerAccess {
    BrokerAccess(client: ClientSettings(bootstrap: bootstrap, clientId: "bench"), isEmbedded: false)
  }

  /// As `passflow wait`, but looking every 20 ms: its 200 ms would show in short runs.
  static func drain(_ access: BrokerAccess) throws {
    let topics = TopicNames()
    let progress = try PipelineProgress(
      broker: access,
      hops: [
        .init(topic: topics.orders, group: GroupNames.enrich),
        .init(topic: topics.enriched, group: GroupNames.evaluate),
        .init(topic: topics.decisions, group: GroupNames.apply),
      ])
    defer { progress.close() }
    let deadline = monotonicMs() + 120_000
    if try !progress.waitUntilDrained(pollMs: 20, watch: { _ in monotonicMs() < deadline }) {
      throw BenchError("not drained in 120 s")
    }
  }

  static func sizes(_ access: BrokerAccess, _ topics: [String]) throws {
    let admin = try Admin(settings: access.client)
    for topic in topics {
      var left: Set<TopicPartition> = []
      for number in 0..<Int32(try admin.partitionCount(of: topic)) {
        left.insert(TopicPartition(topic, number))
      }
      let consumer = try Consumer(settings: access.client, groupId: "bench-sizes", membership: .manual)
      try consumer.assign(left.map { ($0, LogicalOffset.beginning) })
      let batch = MessageBatch()
      var records = 0
      var bytes = 0
      let deadline = monotonicMs() + 60_000
      while !left.isEmpty, monotonicMs() < deadline {
        for event in consumer.poll(into: batch, max: 10_000, timeoutMs: 100) {
          if case .endOfPartition(let partition, _) = event { left.remove(partition) }
        }
        records += batch.count
        for index in 0..<batch.count { bytes += batch[index].value?.count ?? 0 }
        batch.release()
      }
      consumer.close()
      print("\(topic) \(records) \(records == 0 ? 0 : bytes / records)")
    }
    admin.close()
  }
}

struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
