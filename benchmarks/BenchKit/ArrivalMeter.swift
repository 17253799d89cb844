package import Kafka
package import Stage
import Synchronization

/// Reads the other end on a thread of its own and notes when each order's own record is first seen.
package final class ArrivalMeter: Sendable {
  private let access: BrokerAccess
  private let starts: [PartitionOffset]
  private let count: Int
  private let numberOf: @Sendable (MessageView) -> Int?
  private let outcome = Mutex<[Int64]>([])
  /// When to stop although some are missing; microseconds.
  private let deadlineUs = Atomic<Int64>(.max)
  private let thread = Mutex<NativeThread?>(nil)

  /// - Parameters:
  ///   - starts: where to read from, in every partition of the other end.
  ///   - count: orders, numbered from 0.
  ///   - numberOf: which order a record answers; nil when none of these, or not the order's own record.
  package init(
    access: BrokerAccess, starts: [PartitionOffset], count: Int,
    numberOf: @escaping @Sendable (MessageView) -> Int?
  ) {
    self.access = access
    self.starts = starts
    self.count = count
    self.numberOf = numberOf
  }

  package func start() {
    thread.withLock {
      $0 = NativeThread(name: "meter") { [self] in
        do { try watch() } catch { StandardStream.error.write("meter: \(error)\n") }
      }
    }
  }

  /// Waits for all, or until the time is up; the time of each order's arrival, 0 for those missing.
  package func finish(withinMs: Int64) -> [Int64] {
    deadlineUs.store(monotonicUs() + withinMs * 1_000, ordering: .releasing)
    thread.withLock { $0 }?.join()
    let arrivals = outcome.withLock { $0 }
    return arrivals.isEmpty ? Array(repeating: 0, count: count) : arrivals
  }

  private func watch() throws {
    let consumer = try Consumer(settings: access.client, groupId: "bench-meter", membership: .manual)
    defer { consumer.close() }
    try consumer.assign(starts)
    let batch = MessageBatch()
    var arrivals = [Int64](repeating: 0, count: count)
    var left = count
    while left > 0, monotonicUs() < deadlineUs.load(ordering: .acquiring) {
      _ = consumer.poll(into: batch, max: 4_096, timeoutMs: 50)
      let now = monotonicUs()
      for index in 0..<batch.count {
        guard let number = numberOf(batch[index]), arrivals[number] == 0 else { continue }
        arrivals[number] = now
        left -= 1
      }
      batch.release()
    }
    outcome.withLock { $0 = arrivals }
  }
}
