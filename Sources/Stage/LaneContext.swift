import Glibc
public import Synchronization

/// What a lane shares with the rest of its process: the order to stop, its health, where it reports.
public final class LaneContext: Sendable {
  public enum Condition: Int, Sendable { case starting, restoring, ready, draining, stopped, failed }

  private let stopping = Atomic<Bool>(false)
  private let condition = Atomic<Int>(Condition.starting.rawValue)
  public let handled = Atomic<Int64>(0)
  public let stateCommits = Atomic<Int64>(0)
  public let restoredRecords = Atomic<Int64>(0)
  public let ownedPartitions = Atomic<Int>(0)
  public let uncommitted = Atomic<Int>(0)
  /// Changelog records still to be read, of each partition that this instance stands by for.
  public let standbyLags = Mutex<[Int32: Int64]>([:])
  private let failureText = Mutex<String?>(nil)
  private let report: @Sendable (LaneReport) -> Void

  public init(report: @escaping @Sendable (LaneReport) -> Void = { _ in }) { self.report = report }

  /// Asks the lane to drain and end; any thread.
  public func stop() { stopping.store(true, ordering: .releasing) }
  public var isStopping: Bool { stopping.load(ordering: .acquiring) }

  public var current: Condition {
    Condition(rawValue: condition.load(ordering: .acquiring)) ?? .failed
  }
  func become(_ next: Condition) {
    let previous = condition.exchange(next.rawValue, ordering: .acquiringAndReleasing)
    if previous != next.rawValue { report(.condition(next)) }
  }

  /// Why the lane ended by itself; nil while all is well.
  public var failure: String? { failureText.withLock { $0 } }
  /// The lane has ended by itself; the first reason stays.
  public func fail(_ text: String) {
    failureText.withLock { $0 = $0 ?? text }
    report(.failed(text))
    become(.failed)
  }
  func note(_ entry: LaneReport) { report(entry) }
}

/// A fact worth a log line; none of them happens per record.
public enum LaneReport: Sendable {
  case condition(LaneContext.Condition)
  case assigned(partition: Int32, offset: Int64, restored: Int64)
  case revoked(partition: Int32, lost: Bool)
  case stateRebuilt(partition: Int32, reason: String)
  /// Retention has removed inputs that were not handled, which this lane can do without.
  case inputSkipped(partition: Int32, from: Int64, to: Int64)
  case standby(partition: Int32, StandbyChange)
  case commitRepeated(reason: String)
  case clientError(String)
  case failed(String)
}

/// Milliseconds of the monotonic clock.
public func monotonicMs() -> Int64 { monotonicUs() / 1000 }

/// Microseconds of the monotonic clock.
public func monotonicUs() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}

/// Microseconds since 1970 of the wall clock.
public func wallClockUs() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
