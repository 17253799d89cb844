internal import Synchronization

/// One piece of work at a time on a thread of its own, for a lane that asks now and then whether it is done.
///
/// `begin`, `take` and `close` are called by one thread.
public final class BackgroundWork<Outcome: Sendable>: Sendable {
  private struct Running {
    var isBegun = false
    /// Nil too when there was no thread to be had.
    var thread: NativeThread?
    var outcome: Outcome?
  }

  private let threadName: String
  private let running = Mutex(Running())

  /// - Parameter threadName: what `top -H` shows; 15 bytes count.
  public init(threadName: String) { self.threadName = threadName }

  /// Something is being worked on, or was and has not been taken.
  public var isBusy: Bool { running.withLock { $0.isBegun } }

  /// Begins; `take` has the outcome when it is there. Not to be called while busy. Works here and now when the system
  /// has no more threads.
  public func begin(_ work: @escaping @Sendable () -> Outcome) {
    precondition(!isBusy, "work is begun while other work is not taken yet")
    running.withLock { $0.isBegun = true }
    let body: @Sendable () -> Void = { [self] in
      let outcome = work()
      running.withLock { $0.outcome = outcome }
    }
    if let thread = NativeThread(name: threadName, body: body) {
      running.withLock { $0.thread = thread }
    } else {
      body()
    }
  }

  /// What was begun, once; nil while it is not done.
  public func take() -> Outcome? {
    let (thread, outcome) = running.withLock { running -> (NativeThread?, Outcome?) in
      guard let outcome = running.outcome else { return (nil, nil) }
      defer { running = Running() }
      return (running.thread, outcome)
    }
    thread?.join()
    return outcome
  }

  /// Waits for what was begun and forgets it.
  public func close() {
    let thread = running.withLock { $0.thread }
    thread?.join()
    running.withLock { $0 = Running() }
  }
}
