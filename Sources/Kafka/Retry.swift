/// How questions to brokers are repeated while a leader or a coordinator is away.
enum Retry {
  /// Between two attempts.
  static let pauseMs: Int64 = 50
  /// One attempt at least gets this, so that a broker which swallows a request costs no whole time-out.
  static let attemptMinMs = 2_000
}

/// Repeats `call` while its error's remedy is `.retry`, until the time is over; throws the last error.
///
/// Only for requests that may be made twice. Each attempt gets a third of the time, at least
/// ``Retry/attemptMinMs`` and at most what is left.
func retried<T>(timeoutMs: Int, _ call: (_ attemptMs: Int) throws(KafkaError) -> T) throws(KafkaError) -> T {
  let limit = deadline(inMs: timeoutMs)
  let attemptMs = max(Retry.attemptMinMs, timeoutMs / 3)
  while true {
    let left = Int(clamping: limit &- monotonicMs())
    do throws(KafkaError) {
      return try call(max(1, min(attemptMs, left)))
    } catch {
      if error.remedy != .retry || monotonicMs() &+ Retry.pauseMs >= limit { throw error }
    }
    rest(ms: Retry.pauseMs)
  }
}

/// Does nothing for a while.
func rest(ms: Int64) {
  let pause = Monitor()
  pause.lock()
  _ = pause.wait(untilMs: monotonicMs() &+ ms) { false }
  pause.unlock()
}
