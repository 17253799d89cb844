internal import CRdKafka

/// How a transaction ended.
public enum CommitOutcome: Sendable {
  /// All of it is there. `endOffsets`: per written partition the offset after its last record.
  case committed(endOffsets: [TopicPartition: Int64])
  /// None of it will ever be there: the same changes may go again. When the error's remedy is `.rejoin`,
  /// the group has gone on without us and the partitions must be given up first.
  case aborted(KafkaError)
  /// Nobody knows. The producer was opened anew, so nothing of the old transaction can come later: read
  /// the group's committed offsets to learn what happened.
  case uncertain(KafkaError)
  /// Another instance has the transactional id, or a coordinator that moved says so; the outcome is as
  /// unknown as above. The producer is closed: ``TransactionalProducer/open(timeoutMs:)`` again if the
  /// partitions are still ours, then read the committed offsets.
  case fenced(KafkaError)
}

/// Writes records and input offsets in one transaction. One thread calls; a thread of its own takes the
/// delivery reports, without which commit and abort would wait for nothing.
public final class TransactionalProducer {
  private let settings: ClientSettings
  public let transactionalId: String
  private let transactionTimeoutMs: Int
  private var session: TransactionSession?
  /// How often a client was opened, the first time included.
  public private(set) var openings = 0
  /// Clients left behind because a call did not come back.
  public private(set) var abandoned = 0
  public static let abandonedMax = 16

  public init(settings: ClientSettings, transactionalId: String, transactionTimeoutMs: Int = 10_000) {
    self.settings = settings
    self.transactionalId = transactionalId
    self.transactionTimeoutMs = max(1_000, transactionTimeoutMs)
  }

  public var isOpen: Bool { session != nil }

  /// Takes the transactional id over: fences an older instance and ends its transaction.
  /// - Throws: ``KafkaError`` when that does not succeed in time; try again or stop, as its remedy says.
  public func open(timeoutMs: Int = 30_000) throws(KafkaError) {
    close()
    let opened = try TransactionSession(
      settings, transactionalId: transactionalId, transactionTimeoutMs: transactionTimeoutMs)
    openings += 1
    if let error = opened.initialize(until: deadline(inMs: timeoutMs)) {
      opened.close()
      throw error
    }
    session = opened
  }

  /// One transaction: all records, and `offsets` (the input position after the last finished message)
  /// for the group. Blocks until the outcome is known, or, up to about twice `timeoutMs`, until it is
  /// known to be unknown.
  public func commit(
    _ records: TransactionRecords, offsets: [PartitionOffset], group: GroupMetadata?, timeoutMs: Int = 30_000
  ) -> CommitOutcome {
    guard let session else { return .aborted(KafkaError.own("the transactional producer is not open")) }
    let limit = deadline(inMs: timeoutMs)
    session.forgetReports()
    if let error = session.begin() { return undo(error) }
    if let error = session.produce(records) { return undo(error) }
    if !offsets.isEmpty {
      guard let group else { return undo(KafkaError.invalid("offsets without their group")) }
      switch sendOffsets(session, offsets, group, until: limit) {
      case .returned(nil): break
      case .returned(let error?): return undo(error)
      case .abandoned: return replaceAbandoned(records)
      }
    }
    guard let error = session.commit(until: limit) else {
      return .committed(endOffsets: session.endOffsets(records))
    }
    if error.isFencing { return fence(error) }
    if error.requiresAbort { return undo(error) }
    reopen()
    return .uncertain(error)
  }

  /// Ends the client; an unfinished transaction is aborted by the coordinator's time-out or by the next
  /// ``open(timeoutMs:)``.
  public func close() {
    session?.close()
    session = nil
  }

  deinit { close() }

  // MARK: The ways out

  /// Before the commit was asked for: nothing can have been committed.
  private func undo(_ error: KafkaError) -> CommitOutcome {
    if error.isFencing { return fence(error) }
    if !error.isFatal, let session, session.abort(until: deadline(inMs: transactionTimeoutMs)) == nil {
      return .aborted(error)
    }
    reopen()
    return .aborted(error)
  }

  private func fence(_ error: KafkaError) -> CommitOutcome {
    close()
    return .fenced(error)
  }

  /// A new client takes the id over, which ends whatever the old one left; when that fails the producer
  /// stays closed and the caller opens it.
  private func reopen() { try? open() }

  // MARK: Sending offsets

  private enum Sent {
    case returned(KafkaError?)
    case abandoned
  }

  /// librdkafka's call ignores its time-out while the group's coordinator is away (#5456), so it runs on
  /// a thread that can be left behind.
  private func sendOffsets(
    _ session: TransactionSession, _ offsets: [PartitionOffset], _ group: GroupMetadata, until limit: Int64
  ) -> Sent {
    let call = OffsetsCall(session)
    let thread = WorkerThread { call.run(offsets, group, until: limit) }
    // Some time more than the call itself was given.
    guard let outcome = call.outcome(until: limit + 1_000) else { return .abandoned }
    thread.join()
    return .returned(outcome.error)
  }

  private func replaceAbandoned(_ records: TransactionRecords) -> CommitOutcome {
    let error = KafkaError.timedOut("sending offsets to the transaction did not return")
    abandoned += 1
    session = nil
    records.leaveArena()
    if abandoned <= TransactionalProducer.abandonedMax { reopen() }
    return .aborted(error)
  }
}

/// One call of `send_offsets_to_transaction` on its own thread.
private final class OffsetsCall: @unchecked Sendable {
  struct Outcome { let error: KafkaError? }

  private let session: TransactionSession
  private let monitor = Monitor()
  private var finished: Outcome?
  private var isAbandoned = false

  init(_ session: TransactionSession) { self.session = session }

  func run(_ offsets: [PartitionOffset], _ group: GroupMetadata, until limit: Int64) {
    let error = session.sendOffsets(offsets, group, until: limit)
    monitor.lock()
    finished = Outcome(error: error)
    let mustClose = isAbandoned
    monitor.wakeAll()
    monitor.unlock()
    if mustClose { session.close() }
  }

  /// nil: it did not come back; its thread closes the session when it does.
  func outcome(until limit: Int64) -> Outcome? {
    monitor.lock()
    defer { monitor.unlock() }
    if !monitor.wait(untilMs: limit, { finished != nil }) { isAbandoned = true }
    return finished
  }
}
