import Kafka
import Rules
import Stage
import Topics

/// What happens to published rules at an instance; none of it once a record.
public enum RuleReport: Sendable, Equatable {
  /// Topic `rules` was read at the start.
  case read(versions: Int, activations: Int)
  /// There is no such topic: the rules of the configuration are used and stay.
  case noTopic(String)
  /// A claimed partition goes on under the activations below `rulesEnd`.
  case claimed(partition: Int32, rulesEnd: Int64, shared: String)
  /// From the record after this offset on, a partition is decided under the activations below `rulesEnd`.
  case switched(partition: Int32, offset: Int64, rulesEnd: Int64, shared: String)
  /// An activation is not followed, the version before it stays.
  case refused(scope: RegistryScope, hash: String, reason: String)
}

/// Follows topic `rules` and switches each partition at a recorded position (docs/design.md, "Rule versions").
///
/// A new activation makes every owner write a switch record into its partitions of `orders.enriched`. The switch
/// happens where that record is read: the position is part of the input, the same for every reader, now and later.
final class RuleSwitcher {
  private struct Owned {
    var deciders: EditionDeciders
    /// Activations that a switch record was sent for.
    var requested: Int64
  }

  private let reader: RuleRegistryReader
  private let log: RuleSwitchLog
  private let enriched: TopicHandle
  private let catalogue: RuleCatalogue
  private let report: (RuleReport) -> Void
  private var owned: [Int32: Owned] = [:]
  private var newest: RuleEdition
  private var told: Set<[String]> = []
  private var nextLookMs: Int64 = 0

  /// Time between two looks at topic `rules`.
  static let lookIntervalMs: Int64 = 100
  /// How long to wait for a part of topic `rules` that a switch speaks of, and for an acknowledgement.
  static let patienceMs = 30_000
  /// How long a topic that is not there is looked for.
  static let topicWaitMs = 2_000

  /// Reads the topic; nil when the broker has none.
  static func open(
    _ broker: BrokerAccess, _ topics: TopicNames, base: RuleSet, producer: Producer,
    report: @escaping (RuleReport) -> Void
  ) throws -> RuleSwitcher? {
    guard
      let reader = try RuleRegistryReader.open(
        broker, topic: topics.rules, waitMs: topicWaitMs)
    else {
      report(.noTopic(topics.rules))
      return nil
    }
    try reader.catchUp()
    report(
      .read(
        versions: reader.registry.versions.count,
        activations: reader.registry.activations.values.reduce(0) { $0 + $1.count }))
    return RuleSwitcher(
      reader, try RuleSwitchLog(broker, topic: topics.ruleSwitches, producer: producer),
      // Without pacing: a switch record is small, and this producer reads what it writes.
      try producer.topic(topics.enriched, timeoutMs: 30_000), RuleCatalogue(base: base), report)
  }

  private init(
    _ reader: RuleRegistryReader, _ log: RuleSwitchLog, _ enriched: TopicHandle, _ catalogue: RuleCatalogue,
    _ report: @escaping (RuleReport) -> Void
  ) {
    self.reader = reader
    self.log = log
    self.enriched = enriched
    self.catalogue = catalogue
    self.report = report
    newest = RuleEdition(RuleRegistry(), rulesEnd: 0)
    lookForNewest()
  }

  func close() {
    reader.close()
    log.close()
  }

  // MARK: Partitions

  /// Finds the rules in force where the partition is read on.
  func open(_ partition: Int32, start: StatelessStart, outputs producer: Producer) throws {
    try log.refresh(partition)
    var entry = log.inForce(partition, at: start.offset)
    if entry == nil, !start.isKnown, log.isEmpty(partition), newest.rulesEnd > 0 {
      entry = try begin(partition, before: start.offset, producer)
    }
    try log.prune(partition, earliest: start.earliest, outputs: producer)
    let switched = entry ?? RuleSwitchValue(rulesEnd: 0, held: [:])
    let deciders = try deciders(of: switched)
    owned[partition] = Owned(deciders: deciders, requested: switched.rulesEnd)
    report(
      .claimed(partition: partition, rulesEnd: switched.rulesEnd, shared: deciders.edition.shared))
  }

  /// Nobody has decided anything of this partition yet: it begins with the newest rules, once that is durable.
  private func begin(_ partition: Int32, before offset: Int64, _ producer: Producer) throws -> RuleSwitchValue
  {
    var entry = RuleSwitchValue(rulesEnd: newest.rulesEnd, held: newest.held)
    entry.partition = partition
    entry.offset = offset - 1
    try log.write(entry, outputs: producer)
    guard producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: Self.patienceMs) else {
      throw RuleSwitchProblem(description: "the first switch of partition \(partition) was not acknowledged")
    }
    return entry
  }

  func close(_ partition: Int32) { owned[partition] = nil }

  private func deciders(of entry: RuleSwitchValue) throws -> EditionDeciders {
    let held = entry.heldScopes
    if let same = owned.values.first(where: {
      $0.deciders.edition.rulesEnd == entry.rulesEnd && $0.deciders.edition.held == held
    }) {
      return same.deciders
    }
    try reader.read(through: entry.rulesEnd, timeoutMs: Self.patienceMs)
    let edition = RuleEdition(reader.registry, rulesEnd: entry.rulesEnd, held: held)
    let former = owned.values.map(\.deciders).max { $0.edition.rulesEnd < $1.edition.rulesEnd }
    return try EditionDeciders(edition, catalogue, reader.registry, reusing: former)
  }

  /// The decider of an order's record.
  func decider(_ partition: Int32, _ record: UnsafeRawBufferPointer) throws -> Decider {
    guard let rules = owned[partition] else {
      throw RuleSwitchProblem(description: "a record of partition \(partition), which is not ours")
    }
    return try rules.deciders.decider(of: record, reader.registry)
  }

  // MARK: Switching

  /// Takes a switch record among the orders. What came before it must be decided already. False: it is malformed.
  func take(_ message: MessageView, outputs producer: Producer) throws -> Bool {
    guard let value = message.value, var entry = RuleSwitchValue(protobuf: value) else { return false }
    guard let former = owned[message.partition], entry.rulesEnd > former.deciders.edition.rulesEnd else {
      // Of an owner who knew less, or a repeat.
      return true
    }
    let deciders = try deciders(of: entry)
    owned[message.partition] = Owned(deciders: deciders, requested: max(former.requested, entry.rulesEnd))
    entry.partition = message.partition
    entry.offset = message.offset
    // Acknowledged before an offset beyond the switch is committed: the next owner finds it.
    try log.write(entry, outputs: producer)
    report(
      .switched(
        partition: message.partition, offset: message.offset, rulesEnd: entry.rulesEnd,
        shared: deciders.edition.shared))
    return true
  }

  /// Looks for new activations and asks for the switches that are due.
  func tick(outputs producer: Producer) throws {
    let now = monotonicMs()
    guard now >= nextLookMs else { return }
    nextLookMs = now + Self.lookIntervalMs
    if try reader.poll() { lookForNewest() }
    let due = owned.filter { $0.value.requested < newest.rulesEnd }.keys
    guard !due.isEmpty else { return }
    let value = RuleSwitchValue(rulesEnd: newest.rulesEnd, held: newest.held).protobuf
    for partition in due {
      _ = try value.withUnsafeBytes { value in
        try RuleSwitchValue.inputKey.withUnsafeBytes { key in
          try producer.send(topic: enriched, partition: partition, key: key, value: value)
        }
      }
      owned[partition]?.requested = newest.rulesEnd
    }
    producer.flushPending()
  }

  private func lookForNewest() {
    let registry = reader.registry
    guard registry.activationsEnd > newest.rulesEnd else { return }
    newest = RuleEdition.newest(registry, catalogue) { scope, activation, refusal in
      guard told.insert([scope.description, "\(activation.value.number)"]).inserted else { return }
      report(.refused(scope: scope, hash: activation.value.hash, reason: refusal.description))
    }
  }
}
