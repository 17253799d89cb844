import Dispatch
public import Kafka
import Synchronization

/// Runs one state transaction at a time on a queue of its own, so that the lane goes on with the next inputs.
public final class TransactionRunner: @unchecked Sendable {
  // Unchecked: `producer` is touched on `queue` only.
  private let producer: TransactionalProducer
  private let queue = DispatchQueue(label: "passflow.state-transaction")
  private let outcome = Mutex<CommitOutcome?>(nil)
  private let finished = DispatchSemaphore(value: 0)

  init(producer: TransactionalProducer) { self.producer = producer }

  /// Fences whoever held the transactional id before.
  public func open() throws { try producer.open() }

  /// Starts a transaction; its outcome is taken by `take` or `wait`.
  public func start(_ records: TransactionRecords, offsets: [PartitionOffset], group: GroupMetadata?) {
    let work = Work(records: records, offsets: offsets, group: group)
    queue.async { [self] in
      let result = producer.commit(work.records, offsets: work.offsets, group: work.group)
      outcome.withLock { $0 = result }
      finished.signal()
    }
  }

  /// The outcome if the transaction has ended.
  public func take() -> CommitOutcome? {
    guard finished.wait(timeout: .now()) == .success else { return nil }
    return outcome.withLock { value in
      defer { value = nil }
      return value
    }
  }

  /// Waits for the end at most so long.
  public func wait(milliseconds: Int) -> CommitOutcome? {
    guard finished.wait(timeout: .now() + .milliseconds(milliseconds)) == .success else { return nil }
    return outcome.withLock { value in
      defer { value = nil }
      return value
    }
  }

  public func close() { queue.sync { producer.close() } }

  /// Handed over whole to the queue; the lane keeps nothing of it.
  private struct Work: @unchecked Sendable {
    let records: TransactionRecords
    let offsets: [PartitionOffset]
    let group: GroupMetadata?
  }
}
