import History
import Kafka
import RuleVersions
import Rules
import Stage
import Topics

/// Follows topic `rules` and changes what is computed at a recorded position of each partition
/// (docs/design.md, "What enrich computes for published rules").
///
/// A new activation makes every owner write a demand record into its partitions of `orders`. It takes effect where it
/// is read: the position is part of the input, the same for every reader, now and later.
final class DemandFollower {
  private struct Owned {
    var ready: ReadyDemand
    var planned: PlannedDemands
    /// Activations that a demand record was sent for.
    var requested: Int64
  }

  private let lookout: RuleLookout
  private let orders: TopicHandle
  private let preparer: DemandPreparer
  private let report: (RuleReport) -> Void
  private var owned: [Int32: Owned] = [:]
  private var newest: ReadyDemand

  /// Partitions of `orders`.
  var partitionCount: Int { orders.partitionCount }

  /// Reads the topic; nil when the broker has none.
  static func open(
    _ broker: BrokerAccess, _ topics: TopicNames, base: RuleBook, producer: Producer,
    report: @escaping (RuleReport) -> Void
  ) throws -> DemandFollower? {
    guard let lookout = try RuleLookout.open(broker, topic: topics.rules, report: report) else { return nil }
    // Without pacing: a record is small, and this producer's lane reads what it writes.
    return try DemandFollower(
      lookout, try producer.topic(topics.orders, timeoutMs: 30_000), DemandPreparer(base: base), report)
  }

  private init(
    _ lookout: RuleLookout, _ orders: TopicHandle, _ preparer: DemandPreparer,
    _ report: @escaping (RuleReport) -> Void
  ) throws {
    self.lookout = lookout
    self.orders = orders
    self.preparer = preparer
    self.report = report
    let outcome = preparer.newest(lookout.registry)
    newest = try outcome.ready.get()
    lookout.tell(outcome.refused)
  }

  func close() {
    preparer.close()
    lookout.close()
  }

  // MARK: Partitions

  /// What is computed where a claimed partition is read on. `stored`: the record in force; nil: none was ever read.
  func open(_ partition: Int32, stored: RuleSwitchValue?) throws -> PlannedDemands {
    let stored = stored ?? RuleSwitchValue()
    return try own(partition, by: stored, requested: stored.rulesEnd)
  }

  func close(_ partition: Int32) { owned[partition] = nil }

  /// Takes up what a demand record asks for, whose end lies beyond the one in force.
  func take(_ entry: RuleSwitchValue, _ message: MessageView) throws -> PlannedDemands {
    let requested = max(owned[message.partition]?.requested ?? 0, entry.rulesEnd)
    let planned = try own(message.partition, by: entry, requested: requested)
    report(
      .switched(
        partition: message.partition, offset: message.offset, rulesEnd: entry.rulesEnd, shared: ""))
    return planned
  }

  /// Partitions under one record share what is ready of its plan.
  private func own(_ partition: Int32, by entry: RuleSwitchValue, requested: Int64) throws -> PlannedDemands {
    let held = entry.heldScopes
    if let same = owned.values.first(where: { $0.ready.isMeant(by: entry.rulesEnd, held) }) {
      owned[partition] = Owned(ready: same.ready, planned: same.planned, requested: requested)
      return same.planned
    }
    let ready: ReadyDemand
    if newest.isMeant(by: entry.rulesEnd, held) {
      ready = newest
    } else {
      try lookout.read(through: entry.rulesEnd)
      let registry = lookout.registry
      ready = try preparer.prepare(RuleEdition(registry, rulesEnd: entry.rulesEnd, held: held), registry)
    }
    let planned = PlannedDemands(ready.plan)
    owned[partition] = Owned(ready: ready, planned: planned, requested: requested)
    return planned
  }

  // MARK: Following

  /// Looks for new activations and writes the demand records that are due.
  func tick(outputs producer: Producer) throws {
    guard try lookout.look(nowMs: monotonicMs()) else { return }
    try lookForNewest()
    let due = owned.filter { $0.value.requested < newest.rulesEnd }.keys.sorted()
    guard !due.isEmpty else { return }
    let record = RuleSwitchValue(rulesEnd: newest.rulesEnd, held: newest.held).ordersValue
    for partition in due {
      _ = try record.withUnsafeBytes {
        try producer.send(topic: orders, partition: partition, key: nil, value: $0)
      }
      owned[partition]?.requested = newest.rulesEnd
    }
    producer.flushPending()
  }

  /// Takes what has been prepared, and has what is new prepared.
  private func lookForNewest() throws {
    if let outcome = preparer.take() {
      newest = try outcome.ready.get()
      lookout.tell(outcome.refused)
    }
    if !preparer.isBusy, lookout.hasNew() { preparer.begin(lookout.registry) }
  }
}
