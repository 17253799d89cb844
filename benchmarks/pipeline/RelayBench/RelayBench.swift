import Glibc
import Kafka
import Stage

/// Three bare hops, consume → produce, in one process: what the pipeline is compared with.
///
/// `RelayBench BOOTSTRAP PARTITIONS RATIO1 RATIO2 RATIO3` relays `bench.relay.0` to `.1`, `.2` and `.3`, from
/// their ends on, until it is killed; it prints `ready` when records put into `bench.relay.0` will be relayed.
/// Each hop has a thread, a consumer and a producer as a stage has them (``BrokerAccess``); a value leaves with
/// its length times the ratio, so that each hop carries as many bytes as the pipeline's. It decodes nothing,
/// keeps no state, commits no offsets and has no transactions.
@main
enum RelayBench {
  static let unacknowledgedBytesMax = 32 << 20
  /// What was relayed is of no use any more, and the broker's log may be in memory.
  static let keptShortly = [
    "retention.bytes": "\(16 << 20)", "segment.bytes": "\(16 << 20)", "file.delete.delay.ms": "1000",
  ]

  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count == 5, let partitions = Int(arguments[1]), partitions > 0 else {
      print("Usage: RelayBench BOOTSTRAP PARTITIONS RATIO1 RATIO2 RATIO3")
      exit(2)
    }
    let ratios = arguments[2...].map { Double($0) ?? 1 }
    let access = BrokerAccess(
      client: ClientSettings(bootstrap: arguments[0], clientId: "bench-relay"), isEmbedded: false)
    let admin = try Admin(settings: access.client)
    try admin.createTopics(
      (0...3).map { TopicPlan(name: "bench.relay.\($0)", partitions: partitions, properties: keptShortly) })
    var threads: [NativeThread?] = []
    for (number, ratio) in ratios.enumerated() {
      let from = "bench.relay.\(number)"
      var starts: [PartitionOffset] = []
      for partition in 0..<Int32(try admin.partitionCount(of: from)) {
        let one = TopicPartition(from, partition)
        starts.append((one, try admin.watermarks(one, isolation: .readUncommitted).high))
      }
      let begin = starts
      threads.append(
        NativeThread(name: "hop-\(number)") {
          do { try relay(access, begin, to: "bench.relay.\(number + 1)", ratio) } catch {
            print("RelayBench: \(error)")
            exit(1)
          }
        })
    }
    admin.close()
    StandardStream.output.write("ready\n")
    for thread in threads { thread?.join() }
  }

  static func relay(_ access: BrokerAccess, _ starts: [PartitionOffset], to: String, _ ratio: Double) throws {
    let producer = try access.producer()
    let target = try access.topic(to, of: producer, readBy: nil)
    let consumer = try Consumer(settings: access.client, groupId: "bench-relay", membership: .manual)
    try consumer.assign(starts)
    let batch = MessageBatch()
    var scratch: [UInt8] = []
    while producer.failure == nil {
      _ = consumer.poll(into: batch, max: 4_096, timeoutMs: 100)
      for index in 0..<batch.count {
        let message = batch[index]
        resize(message.value, by: ratio, into: &scratch)
        _ = try scratch.withUnsafeBytes {
          try producer.send(topic: target, partition: message.partition, key: message.key, value: $0)
        }
      }
      let isEmpty = batch.count == 0
      batch.release()
      if isEmpty { continue }
      producer.flushPending()
      _ = producer.waitForRoom(maxBytes: unacknowledgedBytesMax, timeoutMs: 10_000)
    }
    throw producer.failure ?? KafkaFailure()
  }

  struct KafkaFailure: Error {}

  /// The value cut, or continued with its own beginning (which compresses better than more real data would).
  static func resize(_ value: UnsafeRawBufferPointer?, by ratio: Double, into bytes: inout [UInt8]) {
    bytes.removeAll(keepingCapacity: true)
    guard let value, !value.isEmpty else { return }
    var missing = max(1, Int(Double(value.count) * ratio + 0.5))
    while missing > 0 {
      let count = min(missing, value.count)
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: value[0..<count]))
      missing -= count
    }
  }
}
