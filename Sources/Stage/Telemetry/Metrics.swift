internal import Synchronization

/// A number that only grows. Count per batch, not per record.
public final class Counter: Sendable {
  private let total = Atomic<Int>(0)

  public func add(_ count: Int = 1) { _ = total.wrappingAdd(max(count, 0), ordering: .relaxed) }
  public var value: Int { total.load(ordering: .relaxed) }
}

/// A number that goes up and down.
public final class Gauge: Sendable {
  private let current = Atomic<Int>(0)

  public func set(_ value: Int) { current.store(value, ordering: .relaxed) }
  public func add(_ count: Int) { _ = current.wrappingAdd(count, ordering: .relaxed) }
  public var value: Int { current.load(ordering: .relaxed) }
}

/// How often a size lay in which of `bucketCount` ranges, each twice as wide as the one before.
public final class Histogram: Sendable {
  public enum Unit: Sendable {
    /// Observed in nanoseconds, shown in seconds: 64 µs to 67 s.
    case seconds
    /// 64 B to 67 MB.
    case bytes
    /// 1 to 1,048,576.
    case items
  }

  static let bucketCount = 21
  public let unit: Unit
  /// The last one takes what is larger than all limits.
  private let buckets: InlineArray<22, Atomic<Int>>
  private let sum = Atomic<Int>(0)

  public init(_ unit: Unit) {
    self.unit = unit
    buckets = InlineArray { _ in Atomic(0) }
  }

  /// - Parameter value: nanoseconds, bytes or items; below 0 counts as 0.
  public func observe(_ value: Int, times: Int = 1) {
    let value = max(value, 0)
    _ = buckets[index(of: value)].wrappingAdd(times, ordering: .relaxed)
    _ = sum.wrappingAdd(value &* times, ordering: .relaxed)
  }

  /// The limit of bucket `index`, in the unit observed.
  func limit(_ index: Int) -> Int {
    switch unit {
    case .seconds: 64_000 << index
    case .bytes: 64 << index
    case .items: 1 << index
    }
  }

  private func index(of value: Int) -> Int {
    let scaled =
      switch unit {
      case .seconds: (value &+ 63_999) / 64_000
      case .bytes: (value &+ 63) / 64
      case .items: value
      }
    guard scaled > 1 else { return 0 }
    return min(Int.bitWidth - (scaled &- 1).leadingZeroBitCount, Self.bucketCount)
  }

  /// Counts per bucket, the last one beyond all limits, and the sum of all values.
  var snapshot: (counts: [Int], sum: Int) {
    let counts = (0...Self.bucketCount).map { buckets[$0].load(ordering: .relaxed) }
    return (counts, sum.load(ordering: .relaxed))
  }
}

/// All instruments of a process, and their text for Prometheus. Base units: names end in `_seconds`,
/// `_bytes`, `_total`.
public final class Metrics: Sendable {
  /// Label sets over all names. Beyond it an instrument works but is not shown.
  public static let seriesMax = 2_000

  fileprivate enum Instrument: Sendable {
    case counter(Counter)
    case gauge(Gauge)
    case histogram(Histogram)

    var type: String {
      switch self {
      case .counter: "counter"
      case .gauge: "gauge"
      case .histogram: "histogram"
      }
    }
  }

  private struct Family {
    let help: String
    let type: String
    var series: [(labels: String, instrument: Instrument)]
  }

  private struct State {
    var names: [String] = []
    var families: [String: Family] = [:]
    var count = 0
    var refused = 0
  }

  private let state = Mutex(State())

  public init() {}

  /// Asking again for the same name and labels gives the same instrument.
  /// - Parameter labels: few values each: a topic, a partition, an outcome; never an id.
  public func counter(_ name: StaticString, _ help: StaticString, labels: [(StaticString, String)] = [])
    -> Counter
  {
    let made = instrument(name, help, labels) { .counter(Counter()) }
    if case .counter(let counter) = made { return counter }
    return Counter()
  }

  public func gauge(_ name: StaticString, _ help: StaticString, labels: [(StaticString, String)] = [])
    -> Gauge
  {
    let made = instrument(name, help, labels) { .gauge(Gauge()) }
    if case .gauge(let gauge) = made { return gauge }
    return Gauge()
  }

  public func histogram(
    _ name: StaticString, _ help: StaticString, unit: Histogram.Unit,
    labels: [(StaticString, String)] = []
  ) -> Histogram {
    let made = instrument(name, help, labels) { .histogram(Histogram(unit)) }
    if case .histogram(let histogram) = made { return histogram }
    return Histogram(unit)
  }

  private func instrument(
    _ name: StaticString, _ help: StaticString, _ labels: [(StaticString, String)],
    make: () -> Instrument
  ) -> Instrument {
    let name = name.description
    let labels = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
    return state.withLock { state in
      let made = make()
      if let family = state.families[name], family.type == made.type,
        let known = family.series.first(where: { $0.labels == labels })
      {
        return known.instrument
      }
      guard state.count < Self.seriesMax, state.families[name].map({ $0.type == made.type }) ?? true else {
        state.refused &+= 1
        return made
      }
      state.count += 1
      if state.families[name] == nil {
        state.names.append(name)
        state.families[name] = Family(help: help.description, type: made.type, series: [])
      }
      state.families[name]?.series.append((labels, made))
      return made
    }
  }

  /// Prometheus text format 0.0.4.
  public func exposition() -> String {
    state.withLock { state in
      var text = ""
      for name in state.names {
        guard let family = state.families[name] else { continue }
        text += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.type)\n"
        for (labels, instrument) in family.series { Self.write(name, labels, instrument, to: &text) }
      }
      text += "# HELP passflow_metric_series_refused_total Series beyond the limit, not shown.\n"
      text += "# TYPE passflow_metric_series_refused_total counter\n"
      return text + "passflow_metric_series_refused_total \(state.refused)\n"
    }
  }

  private static func write(
    _ name: String, _ labels: String, _ instrument: Instrument, to text: inout String
  ) {
    let braced = labels.isEmpty ? "" : "{\(labels)}"
    switch instrument {
    case .counter(let counter): text += "\(name)\(braced) \(counter.value)\n"
    case .gauge(let gauge): text += "\(name)\(braced) \(gauge.value)\n"
    case .histogram(let histogram):
      let (counts, sum) = histogram.snapshot
      let comma = labels.isEmpty ? "" : ","
      var total = 0
      for index in 0..<Histogram.bucketCount {
        total &+= counts[index]
        let limit = shown(histogram.limit(index), histogram.unit)
        text += "\(name)_bucket{\(labels)\(comma)le=\"\(limit)\"} \(total)\n"
      }
      total &+= counts[Histogram.bucketCount]
      text += "\(name)_bucket{\(labels)\(comma)le=\"+Inf\"} \(total)\n"
      text += "\(name)_sum\(braced) \(shown(sum, histogram.unit))\n\(name)_count\(braced) \(total)\n"
    }
  }

  private static func shown(_ value: Int, _ unit: Histogram.Unit) -> String {
    if case .seconds = unit { "\(Double(value) / 1e9)" } else { "\(value)" }
  }

  private static func escaped(_ text: String) -> String {
    text.map { character in
      switch character {
      case "\\": "\\\\"
      case "\"": "\\\""
      case "\n": "\\n"
      default: String(character)
      }
    }.joined()
  }
}
