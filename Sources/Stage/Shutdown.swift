internal import Dispatch
internal import Glibc
internal import Synchronization

/// What a signal or the passing of time means for the process.
struct ShutdownMachine {
  enum Action: Equatable {
    case drain
    case exit(ExitCode)
    case nothing
  }

  private var isDraining = false
  private var isFinished = false

  /// The first asks to drain, the second ends the process.
  mutating func signal(_ number: Int32) -> Action {
    if isFinished { return .nothing }
    if isDraining { return .exit(number == SIGINT ? .interrupted : .terminated) }
    isDraining = true
    return .drain
  }

  mutating func deadlinePassed() -> Action {
    isDraining && !isFinished ? .exit(.drainTimeout) : .nothing
  }

  mutating func finished() { isFinished = true }
}

/// Turns SIGTERM and SIGINT into one request to drain, and sees to it that the process ends.
///
/// Signals are answered on a queue of their own: what they start may take locks. SIGPIPE is ignored:
/// a closed peer is an error of the call that wrote.
public final class Shutdown: Sendable {
  private let queue = DispatchQueue(label: "passflow.shutdown")
  private let machine = Mutex(ShutdownMachine())
  private let sources = Mutex<[Source]>([])
  private let deadlineMs: Int
  private let onDrain: @Sendable () -> Void
  private let end: @Sendable (ExitCode) -> Void

  /// A source is used on `queue` and under the lock only.
  private struct Source: @unchecked Sendable { let source: any DispatchSourceRead }

  /// - Parameters:
  ///   - onDrain: called once, on this object's queue; it must start the draining, not wait for it.
  ///   - end: how the process ends when it must at once; tests pass their own.
  public init(
    deadlineMs: Int, onDrain: @escaping @Sendable () -> Void,
    end: @escaping @Sendable (ExitCode) -> Void = Shutdown.endProcess
  ) {
    self.deadlineMs = deadlineMs
    self.onDrain = onDrain
    self.end = end
  }

  /// At once, without unwinding: whoever still works has had their time.
  public static let endProcess: @Sendable (ExitCode) -> Void = { _exit($0.rawValue) }

  /// Where the signal handler writes the number of the signal; -1 while nobody listens.
  private static let wakeFile = Atomic<Int32>(-1)

  /// Runs on whatever thread the kernel picks, within anything: it may only load an atomic and write.
  private static let handler: @convention(c) (Int32) -> Void = { number in
    let saved = errno
    var byte = UInt8(truncatingIfNeeded: number)
    _ = write(wakeFile.load(ordering: .relaxed), &byte, 1)
    errno = saved
  }

  /// Takes the signals over. Once a process, early. False when the system has no file left for it.
  ///
  /// A pipe and not `makeSignalSource`: on Linux that reads a signalfd, which sees only signals that
  /// every thread has blocked, and an ignored one never arrives.
  @discardableResult
  public func install() -> Bool {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return false }
    let (reading, writing) = (ends[0], ends[1])
    for end in [reading, writing] {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    let source = DispatchSource.makeReadSource(fileDescriptor: reading, queue: queue)
    source.setEventHandler { [weak self] in
      var number: UInt8 = 0
      while read(reading, &number, 1) == 1 { self?.receive(Int32(number)) }
    }
    source.setCancelHandler {
      close(reading)
      close(writing)
    }
    source.resume()
    let kept = Source(source: source)
    sources.withLock { $0.append(kept) }
    Self.wakeFile.store(writing, ordering: .sequentiallyConsistent)
    for number in [SIGTERM, SIGINT] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = Self.handler
      action.sa_flags = SA_RESTART
      sigaction(number, &action, nil)
    }
    return true
  }

  /// Drains as after a first SIGTERM: for work that ends by itself or cannot go on.
  public func request() { queue.async { [self] in receive(SIGTERM, unlessDraining: true) } }

  /// Draining is done: the deadline no longer counts.
  public func finished() { machine.withLock { $0.finished() } }

  /// Gives the signals back.
  public func uninstall() {
    let taken = sources.withLock { sources in
      defer { sources = [] }
      return sources
    }
    guard !taken.isEmpty else { return }
    for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
    Self.wakeFile.store(-1, ordering: .sequentiallyConsistent)
    for kept in taken { kept.source.cancel() }
  }

  func receive(_ number: Int32, unlessDraining: Bool = false) {
    let action = machine.withLock { machine -> ShutdownMachine.Action in
      let next = machine.signal(number)
      if unlessDraining, next != .drain { return .nothing }
      return next
    }
    perform(action)
  }

  private func perform(_ action: ShutdownMachine.Action) {
    switch action {
    case .nothing: return
    case .exit(let code): end(code)
    case .drain:
      queue.asyncAfter(deadline: .now() + .milliseconds(deadlineMs)) { [weak self] in
        guard let self else { return }
        perform(machine.withLock { $0.deadlinePassed() })
      }
      onDrain()
    }
  }
}
