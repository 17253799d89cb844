import BenchKit
import Glibc
import Kafka
import Stage

/// An open loop: order n is due at start + n / rate, whatever became of those before it, and its latency counts
/// from when it was **due**. What a stall delays is counted in full (no coordinated omission).
final class Driver {
  private let producer: Producer
  private let topic: TopicHandle
  private let access: BrokerAccess
  private let matching: Matching
  private let inputStarts: [Int64]
  private let outputStarts: [PartitionOffset]
  private var orders: EncodedOrders?
  private static let unacknowledgedBytesMax = 32 << 20
  /// Orders due within a millisecond leave together.
  private static let tickUs: Int64 = 1_000

  init(_ access: BrokerAccess, from: String, to: String, matching: Matching) throws {
    self.access = access
    self.matching = matching
    producer = try access.producer()
    topic = try access.topic(from, of: producer, readBy: nil)
    let admin = try Admin(settings: access.client)
    inputStarts = try Driver.ends(admin, from).map(\.1)
    outputStarts = try Driver.ends(admin, to)
    admin.close()
  }

  private static func ends(_ admin: Admin, _ topic: String) throws -> [PartitionOffset] {
    var ends: [PartitionOffset] = []
    for number in 0..<Int32(try admin.partitionCount(of: topic)) {
      let partition = TopicPartition(topic, number)
      ends.append((partition, try admin.watermarks(partition, isolation: .readUncommitted).high))
    }
    return ends
  }

  func load(_ path: String) throws {
    orders = try EncodedOrders(path: path, partitions: topic.partitionCount)
  }

  /// - Parameter rate: orders a second; 0: as fast as they are taken, latency then from the sending.
  func run(rate: Double) throws -> DriveResult {
    guard let orders else { throw BenchError("nothing loaded") }
    let own = OwnRecords(
      matching: matching, inputStarts: inputStarts, outputStarts: outputStarts, order: orders.order)
    let meter = ArrivalMeter(
      access: access, starts: outputStarts, count: orders.entries.count, numberOf: own.number(of:))
    meter.start()
    // Its first fetch is then on its way.
    usleep(300_000)
    var due = [Int64](repeating: 0, count: orders.entries.count)
    let start = monotonicUs()
    var behind: Int64 = 0
    var next = 0
    while next < due.count {
      let now = monotonicUs()
      let bound = rate == 0 ? next + 256 : Int(Double(now - start) * rate / 1e6) + 1
      while next < min(bound, due.count) {
        due[next] = rate == 0 ? now : start + Int64(Double(next) * 1e6 / rate)
        behind = max(behind, now - due[next])
        try send(orders, next)
        next += 1
      }
      producer.flushPending()
      if rate == 0 {
        _ = producer.waitForRoom(maxBytes: Driver.unacknowledgedBytesMax, timeoutMs: 60_000)
      } else if next < due.count {
        Driver.sleep(untilUs: max(now + Driver.tickUs, start + Int64(Double(next) * 1e6 / rate)))
      }
    }
    let sent = monotonicUs()
    let arrivals = meter.finish(withinMs: 60_000)
    let reopenings = producer.reopenings
    producer.close()
    if reopenings > 0 { throw BenchError("the driver's producer had to repeat: offsets do not match") }
    return DriveResult(
      due: due, arrivals: arrivals, startUs: start, sentUs: sent, behindUs: behind)
  }

  private func send(_ orders: EncodedOrders, _ number: Int) throws {
    let entry = orders.entries[number]
    _ = try orders.bytes.withUnsafeBytes { bytes in
      let valueStart = entry.start + entry.keyCount
      return try producer.send(
        topic: topic, partition: entry.partition,
        key: UnsafeRawBufferPointer(rebasing: bytes[entry.start..<valueStart]),
        value: UnsafeRawBufferPointer(rebasing: bytes[valueStart..<valueStart + entry.valueCount]))
    }
  }

  private static func sleep(untilUs: Int64) {
    var time = timespec(tv_sec: Int(untilUs / 1_000_000), tv_nsec: Int(untilUs % 1_000_000) * 1_000)
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil)
  }
}
