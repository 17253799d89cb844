internal import Glibc
internal import Synchronization

/// A thread of its own, for a loop that blocks: Swift's pool must never wait.
public final class NativeThread: Sendable {
  private final class Work: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private let handle: Mutex<pthread_t?>

  /// Starts at once. Nil when the system has no more threads.
  /// - Parameter name: what `top -H` shows; 15 bytes count.
  public init?(name: String, body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(name: name, body: body))
    let result = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
        NativeThread.rename(work.name)
        work.body()
        return nil
      }, work.toOpaque())
    guard result == 0 else {
      work.release()
      return nil
    }
    handle = Mutex(thread)
  }

  /// The calling thread. Through `/proc`: glibc hides its call for it behind a GNU macro.
  private static func rename(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
  }

  /// A thread that nobody joined goes on; its memory is freed when it ends.
  deinit {
    let thread = handle.withLock { $0.take() }
    if let thread { pthread_detach(thread) }
  }

  /// Waits for its end. A second call returns at once. Not to be called by the thread itself.
  public func join() {
    let thread = handle.withLock { $0.take() }
    if let thread { pthread_join(thread, nil) }
  }
}
