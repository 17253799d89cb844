internal import Glibc
internal import Synchronization

/// Named places at which a test lets this process die at once, as by `kill -9`.
///
/// `PASSFLOW_TEST_CRASH_AT=name:count` dies when the place is reached for the count-th time. Without the variable
/// a place costs one load and one branch, and none lies in a loop over records. What must hold afterwards is
/// checked by Tests/Scenarios/faults.py.
public enum CrashPoint: String, CaseIterable, Sendable {
  /// A batch was read, nothing of it handled.
  case afterPoll = "after-poll"
  /// Outputs of a batch are in the producer's buffer.
  case handledNotSent = "handled-not-sent"
  /// Outputs are on their way.
  case sentNotAcknowledged = "sent-not-acknowledged"
  /// Changes are about to be taken for a state commit.
  case beforeFreeze = "before-freeze"
  /// The shop has written, the ledger knows nothing of it.
  case shopWrittenNotRecorded = "shop-written-not-recorded"
  /// Every output of the commit is acknowledged, its transaction has not begun.
  case acknowledgedNotCommitted = "acknowledged-not-committed"
  /// The transaction was handed to the broker's client; how far it comes is chance.
  case inTransaction = "in-transaction"
  /// The broker has the commit, the lane does not know.
  case committedNotNoted = "committed-not-noted"
  /// Committed changes are about to be written into the files.
  case beforeCheckpoint = "before-checkpoint"
  /// In the middle of the file's transaction.
  case inCheckpoint = "in-checkpoint"
  /// The files are written.
  case afterCheckpoint = "after-checkpoint"
  /// Offsets of a stage without state are about to be committed.
  case beforeOffsetCommit = "before-offset-commit"
  /// They were handed to the client.
  case afterOffsetCommit = "after-offset-commit"
  /// In the middle of a standby file's transaction.
  case inStandby = "in-standby"
  /// While a file is rolled forward from the changelog.
  case inRestore = "in-restore"
  /// A partition is restored, its reading has not begun.
  case claimed
  /// A revocation is about to be answered.
  case inRevoke = "in-revoke"
  /// While a partition is being brought to rest.
  case inDrain = "in-drain"

  /// Dies here if the environment says so.
  @inline(__always)
  public func reach() {
    guard let armed = Armed.current else { return }
    if armed.point == self { armed.count() }
  }

  private final class Armed: Sendable {
    static let current = Armed()

    let point: CrashPoint
    private let rest: Atomic<Int>

    private init?() {
      guard let text = getenv("PASSFLOW_TEST_CRASH_AT") else { return nil }
      let parts = String(cString: text).split(separator: ":", maxSplits: 1)
      guard let name = parts.first, let point = CrashPoint(rawValue: String(name)) else { return nil }
      self.point = point
      rest = Atomic(parts.count == 2 ? Int(parts[1]) ?? 1 : 1)
    }

    func count() {
      guard rest.wrappingSubtract(1, ordering: .relaxed).newValue == 0 else { return }
      kill(getpid(), SIGKILL)
      while true { pause() }
    }
  }
}
