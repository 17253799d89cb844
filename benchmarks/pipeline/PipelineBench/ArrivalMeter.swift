import Kafka
import Stage
import Synchronization
import Topics

/// Reads the other end on a thread of its own and notes when each order's own record is first seen.
final class ArrivalMeter: Sendable {
  private let access: BrokerAccess
  private let matching: Matching
  private let inputStarts: [Int64]
  private let outputStarts: [PartitionOffset]
  private let order: [[Int32]]
  private let count: Int
  private let outcome = Mutex<[Int64]>([])
  /// When to stop although some are missing; microseconds.
  private let deadlineUs = Atomic<Int64>(.max)
  private let thread = Mutex<NativeThread?>(nil)

  init(
    access: BrokerAccess, matching: Matching, inputStarts: [Int64], outputStarts: [PartitionOffset],
    order: [[Int32]], count: Int
  ) {
    self.access = access
    self.matching = matching
    self.inputStarts = inputStarts
    self.outputStarts = outputStarts
    self.order = order
    self.count = count
  }

  func start() {
    thread.withLock {
      $0 = NativeThread(name: "meter") { [self] in
        do { try watch() } catch { StandardStream.error.write("PipelineBench: \(error)\n") }
      }
    }
  }

  /// Waits for all, or until the time is up; the time of each order's arrival, 0 for those missing.
  func finish(withinMs: Int64) -> [Int64] {
    deadlineUs.store(monotonicUs() + withinMs * 1_000, ordering: .releasing)
    thread.withLock { $0 }?.join()
    let arrivals = outcome.withLock { $0 }
    return arrivals.isEmpty ? Array(repeating: 0, count: count) : arrivals
  }

  private func watch() throws {
    let consumer = try Consumer(settings: access.client, groupId: "bench-meter", membership: .manual)
    defer { consumer.close() }
    try consumer.assign(outputStarts)
    let batch = MessageBatch()
    var arrivals = [Int64](repeating: 0, count: count)
    var left = count
    while left > 0, monotonicUs() < deadlineUs.load(ordering: .acquiring) {
      _ = consumer.poll(into: batch, max: 4_096, timeoutMs: 50)
      let now = monotonicUs()
      for index in 0..<batch.count {
        guard let number = number(of: batch[index]), arrivals[number] == 0 else { continue }
        arrivals[number] = now
        left -= 1
      }
      batch.release()
    }
    outcome.withLock { $0 = arrivals }
  }

  /// Which order a record answers; nil when none of this drive's, or not the order's own decision.
  private func number(of message: MessageView) -> Int? {
    var partition = Int(message.partition)
    var distance: Int64
    switch matching {
    case .offset:
      guard outputStarts.indices.contains(partition) else { return nil }
      distance = message.offset - outputStarts[partition].1
    case .position:
      guard let value = message.value, let header = DecisionHeader(value), header.own else { return nil }
      partition = Int(header.position.partition)
      guard inputStarts.indices.contains(partition) else { return nil }
      distance = header.position.offset - inputStarts[partition]
    }
    guard order.indices.contains(partition), distance >= 0, distance < order[partition].count else {
      return nil
    }
    return Int(order[partition][Int(distance)])
  }
}
