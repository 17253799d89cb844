internal import Glibc
import Synchronization

/// Work on many things that have nothing to do with each other, at a start and beside the lanes.
package enum TwoThreads {
  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private final class Box<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
  }

  /// What `body` makes of the two halves of `0..<count`, in their order; all of it at once when there are fewer than
  /// `sharedMin`. The second thread has a stack as large as a program's first: conditions nest.
  package static func values<Value: Sendable>(
    _ count: Int, _ sharedMin: Int, _ body: @escaping @Sendable (Range<Int>) -> Value
  ) -> [Value] {
    guard count >= sharedMin else { return [body(0..<count)] }
    let half = count / 2
    let box = Box<Value>()
    let thread = start {
      let value = body(half..<count)
      box.value.withLock { $0 = value }
    }
    let first = body(0..<half)
    if let thread { pthread_join(thread, nil) }
    return [first, box.value.withLock { $0.take() } ?? body(half..<count)]
  }

  /// Nil when the system has no more threads.
  private static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(body))
    let result = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, work.toOpaque())
    if result == 0 { return thread }
    work.release()
    return nil
  }
}
