/// When each order was due and when its own record was seen at the other end, in microseconds; 0: never.
struct DriveResult {
  let due: [Int64]
  let arrivals: [Int64]
  let startUs: Int64
  let sentUs: Int64
  /// The most that the driver itself was behind its schedule; inside the latencies too.
  let behindUs: Int64

  /// One line. Percentiles are exact, of the sorted values; missing orders are counted, not left out quietly.
  var json: String {
    var latencies: [Int64] = []
    var last = startUs
    for (due, arrival) in zip(due, arrivals) where arrival > 0 {
      latencies.append(arrival - due)
      last = max(last, arrival)
    }
    latencies.sort()
    func milliseconds(_ microseconds: Int64) -> Double { Double(microseconds / 10) / 100 }
    func quantile(_ share: Double) -> Double {
      guard !latencies.isEmpty else { return -1 }
      return milliseconds(latencies[min(Int(Double(latencies.count) * share), latencies.count - 1)])
    }
    let seconds = Double(last - startUs) / 1e6
    let sending = Double(sentUs - startUs) / 1e6
    return """
      {"sent": \(due.count), "missing": \(due.count - latencies.count), "seconds": \(seconds), \
      "sending_seconds": \(sending), "p50_ms": \(quantile(0.5)), "p90_ms": \(quantile(0.9)), \
      "p99_ms": \(quantile(0.99)), "p999_ms": \(quantile(0.999)), "max_ms": \(quantile(1)), \
      "driver_behind_ms": \(milliseconds(behindUs))}
      """
  }
}
