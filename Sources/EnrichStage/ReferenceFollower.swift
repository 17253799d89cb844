import History
import Kafka
import ReferenceEditions
import Stage
import Topics

/// Follows topic `reference` and changes the edition that orders are judged by at a recorded position of each partition
/// (docs/design.md, "Editions of reference data").
///
/// A new activation makes every owner write a switch record into its partitions of `orders`, once the edition is ready.
/// It takes effect where it is read: the position is part of the input, the same for every reader, now and later.
final class ReferenceFollower {
  /// An edition, ready.
  private struct Ready: Sendable {
    var entry: ReferenceSwitchValue
    var data: ReferenceData
  }

  private struct Outcome: Sendable {
    var entry: ReferenceSwitchValue
    var data: Result<ReferenceData, ReferenceProblems>
  }

  private struct Owned {
    var planned: PlannedReference
    var hash: String
    /// Number of the activation that a switch record was sent for.
    var requested: Int64
  }

  private let topic: FoldedTopic<ReferenceRegistry>
  private let orders: TopicHandle
  private let loader: ReferenceLoader
  private let base: ReferenceData
  private let report: (ReferenceReport) -> Void
  private let work = BackgroundWork<Outcome>(threadName: "reference")
  private var owned: [Int32: Owned] = [:]
  /// What partitions are to switch to.
  private var newest: Ready
  /// Number that was last made ready, or tried.
  private var triedNumber: Int64 = 0
  private var triedAtMs: Int64 = 0
  private var told: Set<String> = []
  private var nextLookMs: Int64 = 0

  private static let lookIntervalMs: Int64 = 100
  /// What could not be made ready is tried again: the broker may not have answered.
  private static let retryMs: Int64 = 30_000
  private static let patienceMs = 30_000
  private static let topicWaitMs = 2_000

  /// Reads the topic; nil when the broker has none. `base`: the files of the configuration.
  static func open(
    _ broker: BrokerAccess, _ topics: TopicNames, base: ReferenceData, producer: Producer,
    report: @escaping (ReferenceReport) -> Void
  ) throws -> ReferenceFollower? {
    guard let topic = try ReferenceRegistry.open(broker, topic: topics.reference, waitMs: topicWaitMs) else {
      report(.noTopic(topics.reference))
      return nil
    }
    try topic.catchUp()
    report(.read(editions: topic.fold.editions.count, activations: topic.fold.activations.count))
    return ReferenceFollower(
      topic, try producer.topic(topics.orders, timeoutMs: 30_000),
      ReferenceLoader(broker, topic: topics.reference), base, report)
  }

  private init(
    _ topic: FoldedTopic<ReferenceRegistry>, _ orders: TopicHandle, _ loader: ReferenceLoader,
    _ base: ReferenceData, _ report: @escaping (ReferenceReport) -> Void
  ) {
    self.topic = topic
    self.orders = orders
    self.loader = loader
    self.base = base
    self.report = report
    newest = Ready(entry: ReferenceSwitchValue(), data: base)
  }

  func close() {
    work.close()
    topic.close()
  }

  // MARK: Partitions

  /// What a claimed partition goes on with. `stored`: the record in force; nil: none was ever read.
  func open(_ partition: Int32, stored: ReferenceSwitchValue?) throws -> PlannedReference {
    try own(partition, by: stored ?? ReferenceSwitchValue(), requested: stored?.number ?? 0)
  }

  func close(_ partition: Int32) { owned[partition] = nil }

  /// Takes up what a switch record names, whose number is higher than the one in force.
  func take(_ entry: ReferenceSwitchValue, _ message: MessageView) throws -> PlannedReference {
    let requested = max(owned[message.partition]?.requested ?? 0, entry.number)
    let planned = try own(message.partition, by: entry, requested: requested)
    report(
      .switched(
        partition: message.partition, offset: message.offset, number: entry.number,
        edition: planned.data.edition))
    return planned
  }

  /// Partitions by one edition share it.
  private func own(_ partition: Int32, by entry: ReferenceSwitchValue, requested: Int64) throws
    -> PlannedReference
  {
    let planned: PlannedReference
    if let same = owned.values.first(where: { $0.hash == entry.hash }) {
      planned = same.planned
    } else if newest.entry.hash == entry.hash {
      planned = PlannedReference(newest.data)
    } else {
      planned = PlannedReference(try load(entry))
    }
    owned[partition] = Owned(planned: planned, hash: entry.hash, requested: requested)
    return planned
  }

  /// On the lane's thread: a record names an edition that is not the newest here. Without it nothing may be judged.
  private func load(_ entry: ReferenceSwitchValue) throws -> ReferenceData {
    let deadline = monotonicMs() + Int64(Self.patienceMs)
    while topic.fold.editions[entry.hash] == nil, !entry.hash.isEmpty, monotonicMs() < deadline {
      try topic.catchUp()
    }
    do { return try loader.load(entry.hash, topic.fold, over: base) } catch let problems as ReferenceProblems
    {
      throw ReferenceProblems(
        [
          "the orders of a partition go by edition \(entry.hash.prefix(12)) of the reference data (no \(entry.number)), "
            + "which cannot be used here:"
        ] + problems.lines)
    }
  }

  // MARK: Following

  /// Looks for a new activation and writes the switch records that are due.
  func tick(outputs producer: Producer) throws {
    let now = monotonicMs()
    guard now >= nextLookMs else { return }
    nextLookMs = now + Self.lookIntervalMs
    _ = try topic.poll()
    takeReady()
    begin(now)
    let due = owned.filter { $0.value.requested < newest.entry.number }.keys.sorted()
    guard !due.isEmpty else { return }
    let record = newest.entry.ordersValue
    for partition in due {
      _ = try record.withUnsafeBytes {
        try producer.send(topic: orders, partition: partition, key: nil, value: $0)
      }
      owned[partition]?.requested = newest.entry.number
    }
    producer.flushPending()
  }

  private func takeReady() {
    guard let outcome = work.take() else { return }
    switch outcome.data {
    case .success(let data): newest = Ready(entry: outcome.entry, data: data)
    case .failure(let problems):
      guard told.insert("\(outcome.entry.number) \(problems)").inserted else { return }
      report(
        .refused(number: outcome.entry.number, hash: outcome.entry.hash, reason: problems.description))
    }
  }

  /// Has the newest activation made ready beside the lane, unless that was done or failed a moment ago.
  private func begin(_ now: Int64) {
    guard !work.isBusy, let activation = topic.fold.activations.last,
      activation.number > newest.entry.number,
      activation.number > triedNumber || now - triedAtMs >= Self.retryMs
    else { return }
    (triedNumber, triedAtMs) = (activation.number, now)
    let entry = ReferenceSwitchValue(number: activation.number, hash: activation.hash)
    let registry = topic.fold
    work.begin { [loader, base] in
      do {
        return Outcome(entry: entry, data: .success(try loader.load(entry.hash, registry, over: base)))
      } catch let problems as ReferenceProblems {
        return Outcome(entry: entry, data: .failure(problems))
      } catch {
        return Outcome(entry: entry, data: .failure(ReferenceProblems(["\(error)"])))
      }
    }
  }
}
