import Glibc
public import Kafka
import Store
import Synchronization

/// How a standby of a partition fares.
public enum StandbyChange: Sendable {
  /// Its changelog is followed from here on; −1: from the beginning.
  case began(offset: Int64)
  /// For the first time everything decided has been read.
  case caughtUp(records: Int64)
  case ended(reason: StaticString)
}

/// Follows the changelogs of partitions that other instances own, so that whoever takes one over reads only its tail.
///
/// docs/design.md, "Standby instances", says which partitions and what may go wrong. A thread of its own; nothing that
/// fails here stops the lane.
public final class Standby: Sendable {
  /// Between two questions to the group.
  static let lookIntervalMs: Int64 = 3_000
  /// After a failure of a file.
  static let retryIntervalMs: Int64 = 30_000
  /// So much of the disk stays free for the owned partitions.
  static let freeBytesMin: UInt64 = 512 << 20

  private let settings: LaneSettings
  private let client: ClientSettings
  private let changelogTopic: String
  private let context: LaneContext
  let files: StandbyFiles
  private let stopping = Atomic<Bool>(false)
  private let isDivided = Atomic<Bool>(false)
  private let member = Mutex<String?>(nil)
  private let thread = Mutex<NativeThread?>(nil)

  /// Nil: this lane has no standby partitions (``LaneSettings/standbys``, no group, or no changelog).
  public init?(settings: LaneSettings, client: ClientSettings, schemaVersion: Int64, context: LaneContext) {
    guard settings.standbys > 0, settings.usesGroup,
      case .transaction(_, let changelogTopic) = settings.durability
    else { return nil }
    self.settings = settings
    self.changelogTopic = changelogTopic
    self.context = context
    var client = client
    // Prefetched records, beside the changes that wait to be written.
    if client.properties["queued.max.messages.kbytes"] == nil {
      client.properties["queued.max.messages.kbytes"] = "4096"
    }
    self.client = client
    var limits = StandbyFiles.Limits()
    limits.saveIntervalMs = Int64(settings.checkpointIntervalMs)
    limits.verifiedBytesMax = settings.verifiedBytesMax
    files = StandbyFiles(
      directory: settings.stateDirectory, topic: changelogTopic, schemaVersion: schemaVersion,
      fileName: settings.stateFileName, limits: limits, report: { [context] in context.note($0) })
  }

  // MARK: The lane's side

  func start() {
    let started = NativeThread(name: "standby") { [self] in
      do { try run() } catch { context.note(.clientError("no standby: \(error)")) }
      context.standbyLags.withLock { $0 = [:] }
    }
    thread.withLock { $0 = started }
  }

  /// The group has divided its partitions; `id` is the lane's own name in it.
  func divided(member id: String?) {
    member.withLock { $0 = id }
    isDivided.store(true, ordering: .releasing)
  }

  /// As ``StandbyFiles/take(_:)``.
  func take(_ partitions: [Int32]) { files.take(partitions) }

  /// As ``StandbyFiles/giveBack(_:)``.
  func giveBack(_ partitions: [Int32]) { files.giveBack(partitions) }

  /// Ends the thread and closes all files.
  func stop() {
    stopping.store(true, ordering: .releasing)
    thread.withLock { $0.take() }?.join()
  }

  // MARK: The thread's side

  private var isEnding: Bool { stopping.load(ordering: .acquiring) || context.isStopping }

  private func run() throws {
    let admin = try Admin(settings: client)
    defer { admin.close() }
    let consumer = try Consumer(settings: client, groupId: "passflow-changelog", membership: .manual)
    defer { consumer.close() }
    var round = Round(admin: admin, consumer: consumer)
    defer { for partition in files.positions.keys { files.close(partition, reason: "stopped") } }
    while !isEnding {
      // While the lane restores or drains, disk and processor are its own.
      guard context.current == .ready else {
        usleep(20_000)
        continue
      }
      let isNew = isDivided.exchange(false, ordering: .acquiringAndReleasing)
      if isNew || monotonicMs() >= round.nextLookMs { look(&round, isNew: isNew) }
      try follow(&round)
    }
  }

  private struct Round {
    let admin: Admin
    let consumer: Consumer
    let batch = MessageBatch()
    var nextLookMs: Int64 = 0
    var nextLagMs: Int64 = 0
    var retryMs: [Int32: Int64] = [:]
    var assigned: Set<Int32> = []
    var isShortOfRoom = false
  }

  /// Asks who owns what, and follows accordingly.
  private func look(_ round: inout Round, isNew: Bool) {
    round.nextLookMs = monotonicMs() + Standby.lookIntervalMs
    guard let me = member.withLock({ $0 }) else { return }
    let group: GroupDescription
    do { group = try round.admin.describe(group: settings.groupId, timeoutMs: 3_000) } catch {
      if error.remedy != .retry { context.note(.clientError("standby: \(error)")) }
      return
    }
    // After a rebalance the others may take a moment longer.
    guard group.isStable else {
      round.nextLookMs = monotonicMs() + 200
      return
    }
    var wanted = StandbyChoice.partitions(
      for: me, in: group.members, topic: settings.inputTopic, partitionCount: settings.inputPartitions)
    let hasRoom = (freeBytes() ?? .max) >= Standby.freeBytesMin
    if !hasRoom, !round.isShortOfRoom {
      context.note(.clientError("standby: the disk is nearly full; nothing is followed until there is room"))
    }
    round.isShortOfRoom = !hasRoom
    if !hasRoom { wanted = [] }
    let followed = files.positions
    for partition in followed.keys where !wanted.contains(partition) {
      files.close(partition, reason: hasRoom ? "another member's to stand by for" : "disk nearly full")
    }
    for partition in wanted.sorted() where followed[partition] == nil && !isEnding {
      begin(partition, &round)
    }
  }

  private func begin(_ partition: Int32, _ round: inout Round) {
    let now = monotonicMs()
    guard now >= round.retryMs[partition] ?? 0 else { return }
    round.retryMs[partition] = now + Standby.retryIntervalMs
    do {
      guard var offset = try files.open(partition) else {
        round.retryMs[partition] = nil
        return
      }
      let (low, high) = try round.admin.watermarks(
        TopicPartition(changelogTopic, partition), isolation: .readUncommitted, timeoutMs: 3_000)
      if offset >= 0, offset < low || offset > high {
        context.note(.stateRebuilt(partition: partition, reason: "standby: the file is not of this log"))
        try files.empty(partition)
        offset = -1
      }
      round.retryMs[partition] = nil
      context.note(.standby(partition: partition, .began(offset: offset)))
    } catch let error as PartitionStateError {
      files.close(partition, reason: error.standbyReason)
      context.note(.standby(partition: partition, .ended(reason: error.standbyReason)))
    } catch {
      files.close(partition, reason: "no answer of the changelog's leader")
      round.retryMs[partition] = nil
    }
  }

  private func freeBytes() -> UInt64? {
    var answer = statvfs()
    guard statvfs(settings.stateDirectory, &answer) == 0 else { return nil }
    return UInt64(answer.f_bavail) * UInt64(answer.f_frsize)
  }

  /// Reads what is there, writes what is due.
  private func follow(_ round: inout Round) throws {
    let positions = files.positions
    if round.assigned != Set(positions.keys) {
      try round.consumer.assign(
        positions.map { partition, next in
          (TopicPartition(changelogTopic, partition), next >= 0 ? next : LogicalOffset.beginning)
        })
      round.assigned = Set(positions.keys)
    }
    if positions.isEmpty { usleep(50_000) }
    let events = round.consumer.poll(into: round.batch, max: 2_000, timeoutMs: positions.isEmpty ? 0 : 50)
    files.append(round.batch)
    round.batch.release()
    for event in events { try handle(event, &round) }
    let now = monotonicMs()
    for partition in files.saveDue(nowMs: now) {
      round.retryMs[partition] = now + Standby.retryIntervalMs
    }
    if now >= round.nextLagMs { showLags(&round, now) }
  }

  private func handle(_ event: ConsumerEvent, _ round: inout Round) throws {
    switch event {
    case .endOfPartition(let at, let offset): files.reachedEnd(at.partition, offset: offset)
    case .error(let error) where error.name == "_AUTO_OFFSET_RESET":
      // Retention was faster: opened anew, each is held against the log as it is now.
      for partition in round.assigned { files.close(partition, reason: "the changelog begins later") }
      round.nextLookMs = 0
    case .error(let error) where error.isFatal: throw error
    case .error(let error) where error.remedy != .retry: context.note(.clientError("standby: \(error)"))
    default: break
    }
  }

  private func showLags(_ round: inout Round, _ now: Int64) {
    round.nextLagMs = now + 500
    var lags: [Int32: Int64] = [:]
    for (partition, next) in files.positions {
      guard let end = round.consumer.knownEnd(of: TopicPartition(changelogTopic, partition)) else { continue }
      lags[partition] = max(0, end - max(0, next))
    }
    context.standbyLags.withLock { $0 = lags }
  }
}

extension LaneSettings {
  /// The name of a partition's state file, without its ending.
  var stateFileName: @Sendable (Int32) -> String { { [groupId] in "\(groupId)-\($0)" } }
}
