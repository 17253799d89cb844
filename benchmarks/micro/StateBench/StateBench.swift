import Glibc
import History
import Stage
import Store
import Topics

/// Measures enrich's state without Kafka, on one thread:
///
/// ```
/// StateBench fill DIRECTORY CUSTOMERS ORDERS     so many orders of each customer, all delivered; leaves the file
/// StateBench zipf DIRECTORY CUSTOMERS SNAPSHOTS  more snapshots on top, customers by Zipf's law
/// StateBench dump DIRECTORY                      the file's records as a changelog, shuffled
/// StateBench restore DIRECTORY                   a new file from that changelog
/// StateBench reopen DIRECTORY                    opens the file that `zipf` left
/// StateBench loop BOOTSTRAP DIRECTORY enrich|bare CUSTOMERS SNAPSHOTS RATE   on a broker: see `LoopBench`
/// ```
/// `PASSFLOW_BENCH_CACHE_MB`: what `state.cache_bytes` would be (default 128). Figures are CPU time of the thread;
/// benchmarks/state.sh runs all parts.
@main
enum StateBench {
  static func main() {
    ProcessMemory.tune()
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      switch (arguments.first, arguments.count) {
      case ("fill", 4): try run(arguments, isZipf: false)
      case ("zipf", 4): try run(arguments, isZipf: true)
      case ("dump", 2): try Restoring.dump(arguments[1])
      case ("restore", 2): try Restoring.restore(arguments[1])
      case ("reopen", 2): try Restoring.reopen(arguments[1])
      case ("loop", 7):
        guard let rate = Double(arguments[6]), rate >= 0 else { throw Restoring.Failure("RATE is a number") }
        try LoopBench(Array(arguments[1..<7])).run(rate: rate)
      default:
        StandardStream.error.write("Usage: StateBench fill|zipf|dump|restore|reopen …; its source says which\n")
        exit(2)
      }
    } catch {
      StandardStream.error.write("StateBench: \(error)\n")
      exit(1)
    }
  }

  /// What the shipped rules ask for.
  static let demand = FactDemand(claimWindows: [
    ClaimWindow(scope: .returns, months: 3), ClaimWindow(scope: .returnsAndExchanges, months: 3),
  ])

  static func run(_ arguments: [String], isZipf: Bool) throws {
    guard let customers = Int(arguments[2]), customers > 0, let count = Int(arguments[3]), count > 0 else {
      StandardStream.error.write("StateBench: CUSTOMERS and the count are whole numbers\n")
      exit(2)
    }
    var settings = BenchLane.Settings(directory: arguments[1])
    if let text = getenv("PASSFLOW_BENCH_CACHE_MB"), let size = Int(String(cString: text)) {
      settings.cacheBytes = size << 20
    }
    let lane = try BenchLane(settings, demand: demand)
    let orders = customers * count
    func stream() -> BenchOrders {
      BenchOrders(
        customers: customers, isZipf: isZipf, snapshots: isZipf ? count : orders * 13 / 4, seed: 1,
        firstOrder: isZipf ? 1_000_000_000 : 0)
    }
    var source = stream()
    // What the drawing alone costs is taken off.
    var alone = stream()
    var snapshots = 0
    var drawing = 0.0
    var start = cpuSeconds()
    let wall = wallSeconds()
    while isZipf ? snapshots < count : true {
      if !isZipf, Int(source.placed) >= orders { source.isClosing = true }
      guard source.advance() else { break }
      try source.writer.withUnsafeBytes { try lane.fold($0) }
      snapshots += 1
    }
    try lane.finish()
    let total = cpuSeconds() - start
    let elapsed = wallSeconds() - wall
    start = cpuSeconds()
    let sample = min(snapshots, 200_000)
    for _ in 0..<sample { _ = alone.advance() }
    drawing = (cpuSeconds() - start) * Double(snapshots) / Double(sample)
    report(lane, snapshots: snapshots, seconds: total - drawing, elapsed: elapsed, customers: customers)
  }

  static func report(
    _ lane: BenchLane, snapshots: Int, seconds: Double, elapsed: Double, customers: Int
  ) {
    func rounded(_ value: Double) -> String { String(Int(value * 100 + 0.5) / 100) + "." + pad(value) }
    func pad(_ value: Double) -> String {
      let cents = Int(value * 100 + 0.5) % 100
      return cents < 10 ? "0\(cents)" : "\(cents)"
    }
    let bytes = fileBytes(lane.settings.directory + "/state.sqlite")
    print(
      """
      \(snapshots) snapshots, \(lane.emitted) emitted, \(lane.loads) customers loaded, \(lane.checkpoints) checkpoints
        \(Int(Double(snapshots) / seconds)) snapshots/s per core: \(rounded(seconds / Double(snapshots) * 1e6)) µs each, \
      of it checkpoints \(rounded(lane.checkpointSeconds / Double(snapshots) * 1e6)) and loads \
      \(rounded(lane.loadSeconds / Double(snapshots) * 1e6)); wall \(rounded(elapsed)) s
        changelog: \(lane.changelogRecords) records, \(lane.changelogBytes / max(lane.changelogRecords, 1)) bytes each
        file: \(bytes >> 20) MB, \(bytes / customers) bytes per customer; peak memory \(ProcessMemory.peakBytes >> 20) MB
      """)
  }

  static func fileBytes(_ path: String) -> Int {
    var info = stat()
    return stat(path, &info) == 0 ? Int(info.st_size) : 0
  }
}
