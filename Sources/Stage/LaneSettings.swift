public import Kafka
public import Topics

/// When a stage's state becomes durable, and where.
public enum Durability: Sendable, Equatable {
  /// One Kafka transaction of changelog records and input offsets decides; the file is its checkpoint.
  case transaction(transactionalId: String, changelogTopic: String)
  /// A broker without usable transactions: the file's own commit decides, the group's offset is a hint.
  case file
  /// A one-shot run whose broker dies with it: the file only keeps memory bounded, offsets follow the
  /// acknowledged outputs.
  case scratch
}

/// How a lane runs. All limits have names.
public struct LaneSettings: Sendable {
  public var inputTopic: String
  /// Partitions of the input topic; only used when this instance takes all of them.
  public var inputPartitions = 0
  /// Of those the ones that this lane takes; nil: all. For several lanes in one process, without a group.
  public var takenPartitions: [Int32]?
  public var groupId: String
  /// True: partitions come from the consumer group. False: this instance takes all of them.
  public var usesGroup: Bool
  public var durability: Durability
  /// Messages handled at a time.
  public var batchMax = 2048
  public var pollTimeoutMs = 5
  /// After a poll that brought little, the time to let more gather: fewer and larger batches for latency. 0: none.
  public var gatherMs = 0
  /// Time between state commits.
  public var commitIntervalMs = 200
  /// Inputs whose outputs may run ahead of the last state commit.
  public var uncommittedMax = 20_000
  /// Time between writes of the file when a transaction decides.
  public var checkpointIntervalMs = 5_000
  /// Changed bytes kept in memory before the file is written.
  public var dirtyBytesMax = 24 << 20
  /// Bytes of the changelog that are put into the file at a time while it is rolled forward: nothing else is in memory
  /// yet, and each time all of the file's pages are touched.
  public var restoreBytesMax = 56 << 20
  public var stateDirectory = "state"
  /// SQLite's page cache of each partition's file.
  public var fileCacheKiB: Int64 = 8_192
  /// A state file up to this size is read whole and checked when it is opened; of a larger one each row is when
  /// it is read.
  public var verifiedBytesMax: Int64 = 512 << 20
  /// False: a scratch state that nobody will read is not written at the end.
  public var keepsStateAtEnd = true
  /// True: inputs that retention has removed were too old to matter; the lane goes on behind them instead of
  /// stopping.
  public var skipsGoneInputs = false

  /// 1: this instance also follows the changelogs of partitions that it would get if their owner were gone. 0: none.
  public var standbys = 0

  /// Told how far the lane is, instead of commits to the broker.
  public var progress: LocalProgress?

  /// Sees every record that the lane makes a dead letter, on the lane's thread; for files that list them.
  public var onDeadLetter: (@Sendable (DeadLetterValue) -> Void)?

  public init(inputTopic: String, groupId: String, usesGroup: Bool, durability: Durability) {
    self.inputTopic = inputTopic
    self.groupId = groupId
    self.usesGroup = usesGroup
    self.durability = durability
  }
}
