internal import Glibc
public import Kafka
public import Store

/// What a stateful lane finds outside of itself: broker, disk, clock.
///
/// `BrokerOutside` is the real thing. Tests/StageSimulationTests has one of memory, with a clock of its own, in
/// which everything fails that can fail; the lane is the same.
public protocol LaneOutside {
  associatedtype Inputs: LaneInputs
  associatedtype Outputs: LaneOutputs
  associatedtype StateFile: LaneStateFile
  associatedtype Transactions: LaneTransactions where Transactions.Group == Inputs.Group

  /// Milliseconds of a clock that never goes back.
  func nowMs() -> Int64
  /// Lets the time pass while more inputs gather.
  func pause(milliseconds: Int)
  /// The state's transactions under this transactional id, not yet opened.
  func transactions(id: String) -> Transactions
  func makeDirectory(_ path: String) throws
  func openState(
    directory: String, name: String, identity: PartitionIdentity, cacheKiB: Int64, isScratch: Bool
  ) throws(PartitionStateError) -> StateFile
  func deleteState(directory: String, name: String) throws(PartitionStateError)
  /// As ``ChangelogReader/readToEnd(_:from:stallMs:progress:body:)``.
  func readChangelog(
    _ partition: TopicPartition, from: Int64?,
    body: (_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?, _ offset: Int64) throws -> Void
  ) throws -> Int64
}

/// The inputs and the group; ``Consumer`` says what each means.
public protocol LaneInputs {
  /// A membership's proof for a transaction.
  associatedtype Group

  func subscribe(_ topics: [String]) throws
  func assign(_ partitions: [PartitionOffset]) throws
  func poll(into batch: MessageBatch, max: Int, timeoutMs: Int) -> [ConsumerEvent]
  func finishAssignment(_ offsets: [PartitionOffset]) throws
  func finishRevocation(_ partitions: [TopicPartition]) throws
  var owesRebalanceAnswer: Bool { get }
  func committed(_ partitions: [TopicPartition], timeoutMs: Int) throws -> [TopicPartition: Int64]
  func commitAsync(_ offsets: [PartitionOffset]) throws
  func watermarks(_ partition: TopicPartition, timeoutMs: Int) throws -> (low: Int64, high: Int64)
  /// Throws when the group has gone on without us.
  func groupMetadata() throws -> Group
  /// One's own name in the group; nil: no member now.
  var memberId: String? { get }
  /// Leaves the group and ends.
  func leave()
}

/// Records sent at once; ``Producer`` says what each means.
public protocol LaneOutputs {
  func send(
    topic: TopicHandle, partition: Int32, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
  ) throws -> UInt64
  func flushPending()
  var acknowledgedThrough: UInt64 { get }
  var lastSequence: UInt64 { get }
  var failure: KafkaError? { get }
  func waitAcknowledged(through sequence: UInt64, timeoutMs: Int) -> Bool
}

/// A partition's state on disk; ``PartitionState`` says what each means.
public protocol LaneStateFile: AnyObject {
  var position: StatePosition { get }
  var isDamaged: Bool { get }
  var fileBytes: Int64 { get }
  func verifyAll() throws(PartitionStateError)
  func removeAll() throws(PartitionStateError)
  func apply(
    position next: StatePosition,
    _ body: ((_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) throws -> Void) throws -> Void
  ) throws(PartitionStateError)
}

/// One transaction at a time, beside the lane.
public protocol LaneTransactions {
  associatedtype Group

  /// Fences whoever held the transactional id before.
  func open() throws
  /// Starts a transaction; its outcome is taken by `take` or `wait`.
  func start(_ records: TransactionRecords, offsets: [PartitionOffset], group: Group?)
  /// The outcome, once, if the transaction has ended.
  func take() -> CommitOutcome?
  /// Waits for the end at most so long.
  func wait(milliseconds: Int) -> CommitOutcome?
  /// After a transaction that left the producer closed; nothing may be running.
  func reopenIfClosed() throws
  func close()
}

extension LaneInputs {
  /// Inputs without a group know none.
  public var memberId: String? { nil }
}
extension Consumer: LaneInputs {
  public func leave() { close() }
}
extension Producer: LaneOutputs {}
extension PartitionState: LaneStateFile {}
extension TransactionRunner: LaneTransactions {}

/// A Kafka cluster, the file system and the machine's clock.
public struct BrokerOutside: LaneOutside {
  public typealias Inputs = Consumer
  public typealias Outputs = Producer
  public typealias StateFile = PartitionState
  public typealias Transactions = TransactionRunner

  private let settings: ClientSettings

  public init(settings: ClientSettings) { self.settings = settings }

  public func nowMs() -> Int64 { monotonicMs() }

  public func pause(milliseconds: Int) { usleep(UInt32(clamping: milliseconds) &* 1000) }

  public func transactions(id: String) -> TransactionRunner {
    TransactionRunner(producer: TransactionalProducer(settings: settings, transactionalId: id))
  }

  public func makeDirectory(_ path: String) throws { try makeDirectories(above: path + "/file") }

  public func openState(
    directory: String, name: String, identity: PartitionIdentity, cacheKiB: Int64, isScratch: Bool
  ) throws(PartitionStateError) -> PartitionState {
    try PartitionState.open(
      directory: directory, name: name, identity: identity, cacheKiB: cacheKiB, isScratch: isScratch)
  }

  public func deleteState(directory: String, name: String) throws(PartitionStateError) {
    try PartitionState.delete(directory: directory, name: name)
  }

  public func readChangelog(
    _ partition: TopicPartition, from: Int64?,
    body: (_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?, _ offset: Int64) throws -> Void
  ) throws -> Int64 {
    let reader = try ChangelogReader(settings: settings)
    defer { reader.close() }
    return try reader.readToEnd(partition, from: from, body: body)
  }
}
