internal import Glibc

/// A lock with a condition: pthread's, because a wait with a time limit is needed.
final class Monitor: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func lock() { pthread_mutex_lock(mutex) }
  func unlock() { pthread_mutex_unlock(mutex) }

  func locked<T>(_ body: () -> T) -> T {
    lock()
    defer { unlock() }
    return body()
  }

  func wakeAll() { pthread_cond_broadcast(condition) }

  /// Waits, with the lock held, until the condition holds or the time is over; says whether it holds.
  func wait(untilMs deadlineMs: Int64, _ holds: () -> Bool) -> Bool {
    while !holds() {
      if monotonicMs() >= deadlineMs { return false }
      var limit = timespec(
        tv_sec: Int(deadlineMs / 1000), tv_nsec: Int(deadlineMs % 1000) * 1_000_000)
      pthread_cond_timedwait(condition, mutex, &limit)
    }
    return true
  }
}

/// Milliseconds on the monotonic clock.
func monotonicMs() -> Int64 {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Int64(now.tv_sec) &* 1000 &+ Int64(now.tv_nsec) / 1_000_000
}

/// A deadline so many milliseconds from now; far future for absurd values.
func deadline(inMs milliseconds: Int) -> Int64 {
  monotonicMs() &+ Int64(min(max(0, milliseconds), 86_400_000))
}

/// One thread running one closure to its end.
final class WorkerThread: @unchecked Sendable {
  private var handle = pthread_t()
  private var joined = false

  init(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Box(body))
    // Runs on the new thread; takes the closure over and ends with it.
    let outcome = pthread_create(
      &handle, nil,
      { argument in
        if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, box.toOpaque())
    if outcome != 0 {
      box.release()
      joined = true
    }
  }

  func join() {
    if joined { return }
    joined = true
    pthread_join(handle, nil)
  }

  /// Nobody will wait for its end.
  func detach() {
    if joined { return }
    joined = true
    pthread_detach(handle)
  }

  private final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
