import Kafka
import Stage
import Synchronization

/// What a feed of files has done.
struct FileFeedSummary: Sendable, Equatable {
  var accepted = 0
  var refused = 0
  /// Told to stop before the last line was acknowledged.
  var isInterrupted = false
}

/// Reads NDJSON files into the topics, one after the other, never further ahead of the broker than allowed.
///
/// Belongs to one thread.
final class FileFeed {
  private let paths: [String]
  private let intake: OrderIntake
  private let producer: Producer
  private let metrics: IngestMetrics
  private let recordsMax: UInt64
  private let bytesMax: Int
  private let showsProgress: Bool
  private let isStopping: () -> Bool
  private static let stretch: Int64 = 128

  /// Half of what may wait is left to HTTP.
  init(
    _ settings: IngestLaneSettings, intake: OrderIntake, producer: Producer, metrics: IngestMetrics,
    isStopping: @escaping () -> Bool
  ) {
    paths = settings.files
    self.intake = intake
    self.producer = producer
    self.metrics = metrics
    self.isStopping = isStopping
    recordsMax = UInt64(max(1, settings.unacknowledgedMax / 2))
    bytesMax = max(1, settings.unacknowledgedBytesMax / 2)
    showsProgress = settings.showsProgress
    intake.onRefusal = { _, problems, _ in metrics.refused(problems) }
  }

  /// Returns when everything read is acknowledged, or when told to stop.
  /// - Throws: ``OrderFileError``, or why the producer gave up.
  func run() throws -> FileFeedSummary {
    var isInterrupted = false
    for path in paths where !isInterrupted { isInterrupted = try !feed(path) }
    if try !waitUntil(acknowledged: producer.lastSequence) { isInterrupted = true }
    return FileFeedSummary(
      accepted: intake.counts.accepted, refused: intake.counts.refused, isInterrupted: isInterrupted)
  }

  /// False: told to stop.
  private func feed(_ path: String) throws -> Bool {
    let file = try OrderFile(path: path)
    var bar = ProgressBar(
      title: path.split(separator: "/").last.map { "\($0) bytes" } ?? "orders",
      total: file.byteCount > 0 ? file.byteCount : nil, isTerminal: StandardStream.error.isTerminal,
      nowMs: monotonicMs())
    var before = intake.counts
    var countedBytes = 0
    var lines: Int64 = 0
    while let line = try file.next() {
      _ = try intake.take(
        line, readableAfter: OrderFile.readableAfter, source: "file", position: file.lineNumber)
      lines &+= 1
      // Long lines fill the room in fewer of them.
      guard lines % FileFeed.stretch == 0 || producer.bufferedBytes >= bytesMax else { continue }
      metrics.took(intake.counts, after: before, bytes: file.bytesRead &- countedBytes, isFile: true)
      (before, countedBytes) = (intake.counts, file.bytesRead)
      guard try waitForRoom() else { return false }
      if showsProgress, let text = bar.update(done: file.bytesRead, nowMs: monotonicMs()) {
        StandardStream.error.write(text)
      }
    }
    metrics.took(intake.counts, after: before, bytes: file.bytesRead &- countedBytes, isFile: true)
    let isDone = try waitUntil(acknowledged: producer.lastSequence)
    if showsProgress { StandardStream.error.write(bar.finish(done: file.bytesRead, nowMs: monotonicMs())) }
    return isDone
  }

  private func waitForRoom() throws -> Bool {
    producer.flushPending()
    let last = producer.lastSequence
    if last > recordsMax, try !waitUntil(acknowledged: last &- recordsMax) { return false }
    while !producer.waitForRoom(maxBytes: bytesMax, timeoutMs: 100) {
      if let failure = producer.failure { throw failure }
      if isStopping() { return false }
    }
    return !isStopping()
  }

  private func waitUntil(acknowledged sequence: UInt64) throws -> Bool {
    while !producer.waitAcknowledged(through: sequence, timeoutMs: 100) {
      if let failure = producer.failure { throw failure }
      if isStopping() { return false }
    }
    return true
  }
}
