import EnrichStage
import Files
import IngestStage
import Kafka
import Rules
import Stage
import Topics

/// The orders file on its way in.
extension TrialStages {
  func feed(_ file: OrderFile, _ summary: inout TrialRunSummary) throws {
    let producer = try Producer(settings: broker.client)
    defer { producer.close(timeoutMs: 1000) }
    let intakeTopics = IntakeTopics(
      orders: try broker.topic(topics.orders, of: producer, readBy: GroupNames.enrich),
      deadLetters: try broker.topic(topics.deadLetters, of: producer, readBy: nil))
    guard let secret = IdentitySecret(bytes: [UInt8](repeating: 0x50, count: IdentitySecret.byteCount)) else {
      throw UserError("libsodium does not start")
    }
    let intake = OrderIntake(secret: secret, producer: producer, topics: intakeTopics, seal: seal)
    intake.onRefusal = { [letters] line, problems, bytes in letters.add(line, problems, bytes) }
    let watchesDeadlines = rules.demand.timedFacts.contains(where: \.isTruth)
    intake.latestEventTimeUs = watchesDeadlines ? .min : nil
    var bar = ProgressBar(
      title: "orders", total: file.byteCount > 0 ? file.byteCount : nil,
      isTerminal: StandardStream.error.isTerminal, nowMs: monotonicMs())
    while let line = try file.next() {
      _ = try intake.take(
        line, readableAfter: OrderFile.readableAfter, source: "file", position: file.lineNumber)
      summary.read += 1
      if summary.read % 128 == 0 {
        try pause(producer)
        show(&bar, file.bytesRead)
      }
    }
    if let end = intake.latestEventTimeUs { try markEnd(end, intakeTopics.orders, producer) }
    producer.flushPending()
    while !producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 200) {
      if isBroken() { try throwFailure() }
      if let failure = producer.failure { throw failure }
      show(&bar, file.bytesRead)
    }
    if settings.showsProgress {
      StandardStream.error.write(bar.finish(done: file.bytesRead, nowMs: monotonicMs()))
    }
    summary.deadLettered = intake.counts.refused
  }

  /// The clock of every partition comes to the same end (docs/design.md, "Deadlines").
  private func markEnd(_ instant: Int64, _ orders: TopicHandle, _ producer: Producer) throws {
    guard instant > .min else { return }
    for partition in 0..<Int32(settings.partitions) {
      _ = try ClockMark.value(at: instant).withUnsafeBytes {
        try producer.send(topic: orders, partition: partition, key: nil, value: $0)
      }
    }
  }

  private func show(_ bar: inout ProgressBar, _ bytes: Int) {
    guard settings.showsProgress, let text = bar.update(done: bytes, nowMs: monotonicMs()) else { return }
    StandardStream.error.write(text)
  }

  /// Never further ahead of the broker than this.
  private static let bufferedBytesMax = 8 << 20

  private func pause(_ producer: Producer) throws {
    while !producer.waitForRoom(maxBytes: Self.bufferedBytesMax, timeoutMs: 200) {
      if isBroken() { try throwFailure() }
      if let failure = producer.failure { throw failure }
    }
    if isBroken() { try throwFailure() }
  }

  func waitUntilDrained(_ summary: inout TrialRunSummary) throws {
    guard let progress = broker.progress else { return }
    while !progress.waitUntilDrained(timeoutMs: 200) {
      if isBroken() { try throwFailure() }
    }
  }
}
