import EnrichStage
import Files
import Glibc
public import History
import IngestStage
import Kafka
import Orders
public import Rules
public import Stage
import Topics

/// Where a backtest's enriched orders come from.
public enum BacktestSources {
  /// A file of order events, through ingest's reader and enrich's fold, in memory.
  ///
  /// - Parameter rules: the facts that any of them asks for are computed.
  public static func read(
    file path: String, reference: ReferenceData, rules: [RuleSet], into backtest: Backtest
  ) throws {
    let file = try OrderFile(path: path)
    guard let secret = IdentitySecret(bytes: [UInt8](repeating: 0x50, count: IdentitySecret.byteCount)) else {
      throw UserError("libsodium does not start")
    }
    let reader = OrderEventReader(secret: secret)
    let folder = HistoryFolder(reference: reference, demand: demand(rules))
    let customers = CustomerBook(folder: folder)
    var writer = ProtobufWriter(capacity: 8192)
    var failure: (any Error)?
    while let line = try file.next() {
      writer.removeAll()
      guard case .accepted = reader.read(line, into: &writer) else {
        backtest.exclude("refused by ingest")
        continue
      }
      try writer.withUnsafeBytes { snapshot in
        let position = InputPosition(partition: 0, offset: file.lineNumber)
        try customers.take(snapshot, position: position) { record in
          do { try backtest.add(record.bytes) } catch { failure = failure ?? error }
        }
      }
      if let failure { throw failure }
    }
    customers.fireAll(position: InputPosition(partition: 0, offset: file.lineNumber)) {
      record in
      do { try backtest.add(record.bytes) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
    try backtest.flush()
  }

  private static func demand(_ sets: [RuleSet]) -> History.FactDemand {
    var windows: Set<History.ClaimWindow> = []
    var lists: [String] = []
    var needsStock = false
    var timed: [History.TimedFact] = []
    var aggregates: [History.HistoryAggregate] = []
    var profile: ProfileParts = []
    for demand in sets.map({ factDemand(of: $0) }) {
      windows.formUnion(demand.claimWindows)
      for list in demand.lists where !lists.contains(list) { lists.append(list) }
      needsStock = needsStock || demand.needsStock
      profile.formUnion(demand.profile)
      for fact in demand.timed where !timed.contains(fact) { timed.append(fact) }
      for aggregate in demand.aggregates where !aggregates.contains(aggregate) {
        aggregates.append(aggregate)
      }
    }
    return History.FactDemand(
      claimWindows: windows.sorted { ($0.scope.rawValue, $0.months) < ($1.scope.rawValue, $1.months) },
      lists: lists.sorted(by: bytesPrecede), needsStock: needsStock, timed: timed,
      aggregates: aggregates, profile: profile)
  }

  /// Records of a topic that lie between two times, up to the end that it has now; no group, nothing committed.
  ///
  /// - Parameters:
  ///   - from: milliseconds since 1970; nil: the topic's beginning.
  ///   - until: records of this time and later are left out; nil: none.
  public static func read(
    _ broker: BrokerAccess, topic: String, from: Int64?, until: Int64?,
    body: (_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let admin = try Admin(settings: broker.client)
    defer { admin.close() }
    let count = try admin.partitionCount(of: topic, timeoutMs: 30_000)
    let partitions = (0..<Int32(count)).map { TopicPartition(topic, $0) }
    let isolation: Isolation = broker.isEmbedded ? .readUncommitted : .readCommitted
    // The embedded broker cannot look up by time; the records' own times decide there too.
    let found =
      try from.map { time in
        broker.isEmbedded ? [:] : try admin.offsetsForTimes(partitions.map { ($0, timestampMs: time) })
      } ?? [:]
    let consumer = try Consumer(
      settings: broker.client, groupId: "passflow-backtest", isolation: isolation, membership: .manual)
    defer { consumer.close() }
    for partition in partitions {
      let (low, end) = try admin.watermarks(partition, isolation: isolation)
      let start = from == nil || broker.isEmbedded ? low : found[partition] ?? end
      try read(partition, start..<max(start, end), consumer) { message in
        guard let value = message.value else { return }
        if let from, message.timestampMs >= 0, message.timestampMs < from { return }
        if let until, message.timestampMs >= until { return }
        try body(message.key, value)
      }
    }
  }

  /// Complete by position, not by record: the last offsets may be markers.
  private static func read(
    _ partition: TopicPartition, _ range: Range<Int64>, _ consumer: Consumer,
    _ body: (MessageView) throws -> Void
  ) throws {
    guard !range.isEmpty else { return }
    try consumer.assign([(partition, range.lowerBound)])
    let batch = MessageBatch()
    defer { batch.release() }
    var position = range.lowerBound
    var deadline = monotonicMs() + 60_000
    while position < range.upperBound {
      let before = position
      let events = consumer.poll(into: batch, max: 4_096, timeoutMs: 100)
      for index in 0..<batch.count {
        position = max(position, batch[index].offset + 1)
        if batch[index].offset < range.upperBound { try body(batch[index]) }
      }
      batch.release()
      for case .endOfPartition(_, let offset) in events { position = max(position, offset) }
      if position > before { deadline = monotonicMs() + 60_000 }
      if monotonicMs() > deadline { throw UserError("\(partition) cannot be read on from \(position)") }
    }
  }
}
