/// What the writers and the readers of one process tell each other without asking the broker: up to which offset a
/// partition was written, and up to which it was worked off. Each topic has one group of readers.
///
/// For runs whose broker lives and dies with the process: nobody would read commits after a crash.
public final class LocalProgress: @unchecked Sendable {
  private struct Place {
    var written: Int64 = 0
    var finished: Int64 = 0
  }

  // Guards all below. It is an innermost lock: nobody is called with it held.
  private let monitor = Monitor()
  private var places: [TopicPartition: Place] = [:]
  private var listeners: [String: [@Sendable (Int32, Int64) -> Void]] = [:]
  private var readListeners: [String: [@Sendable (Int32, Int64) -> Void]] = [:]

  public init() {}

  /// Everything before `offset` is in the log.
  func written(_ partition: TopicPartition, to offset: Int64) {
    monitor.locked {
      places[partition, default: Place()].written = max(offset, places[partition]?.written ?? 0)
    }
  }

  /// Everything before `offset` was worked off, and what followed from it is acknowledged.
  public func finished(_ partition: TopicPartition, to offset: Int64) {
    monitor.lock()
    let before = places[partition]?.finished ?? 0
    if offset > before { places[partition, default: Place()].finished = offset }
    let waiting = offset > before ? listeners[partition.topic] ?? [] : []
    monitor.wakeAll()
    monitor.unlock()
    for listener in waiting { listener(partition.partition, offset) }
  }

  /// Everything before `offset` was handled, whatever of what follows from it is still on its way.
  public func read(_ partition: TopicPartition, to offset: Int64) {
    for listener in monitor.locked({ readListeners[partition.topic] ?? [] }) {
      listener(partition.partition, offset)
    }
  }

  func onRead(_ topic: String, _ listener: @escaping @Sendable (Int32, Int64) -> Void) {
    monitor.locked { readListeners[topic, default: []].append(listener) }
  }

  /// Calls, on the readers' threads, with each step of a topic's partitions.
  func onFinished(_ topic: String, _ listener: @escaping @Sendable (Int32, Int64) -> Void) {
    monitor.locked { listeners[topic, default: []].append(listener) }
  }

  /// Waits until everything written so far was worked off, on all topics; false: not in time.
  public func waitUntilDrained(timeoutMs: Int) -> Bool {
    let limit = deadline(inMs: timeoutMs)
    monitor.lock()
    defer { monitor.unlock() }
    return monitor.wait(untilMs: limit) { places.values.allSatisfy { $0.finished >= $0.written } }
  }
}
