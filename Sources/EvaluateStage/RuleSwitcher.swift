import Kafka
import RuleVersions
import Rules
import Stage
import Topics

/// Follows topic `rules` and switches each partition at a recorded position (docs/design.md, "Rule versions").
///
/// A new activation makes every owner write a switch record into its partitions of `orders.enriched`. The switch
/// happens where that record is read: the position is part of the input, the same for every reader, now and later.
final class RuleSwitcher {
  /// One decider for all partitions under one edition.
  private final class InForce {
    let edition: RuleEdition
    let decider: Decider

    init(_ edition: RuleEdition, _ decider: Decider) {
      self.edition = edition
      self.decider = decider
    }
  }

  private struct Owned {
    var rules: InForce
    /// Activations that a switch record was sent for.
    var requested: Int64
  }

  private let lookout: RuleLookout
  private let log: RuleSwitchLog
  private let enriched: TopicHandle
  private let preparer: RulePreparer
  private let wait: DemandWait?
  private let report: (RuleReport) -> Void
  private var owned: [Int32: Owned] = [:]
  private var newest: PreparedEdition

  /// Reads the topic; nil when the broker has none.
  static func open(
    _ broker: BrokerAccess, _ topics: TopicNames, base: RuleBook, producer: Producer,
    enrichWaitMs: Int = 60_000,
    report: @escaping (RuleReport) -> Void
  ) throws -> RuleSwitcher? {
    guard let lookout = try RuleLookout.open(broker, topic: topics.rules, report: report) else { return nil }
    let wait = try DemandWait(broker, topics, longestMs: enrichWaitMs, report)
    return try RuleSwitcher(
      lookout, wait, try RuleSwitchLog(broker, topic: topics.ruleSwitches, producer: producer),
      // Without pacing: a switch record is small, and this producer reads what it writes.
      try producer.topic(topics.enriched, timeoutMs: 30_000), RulePreparer(base: base), report)
  }

  private init(
    _ lookout: RuleLookout, _ wait: DemandWait?, _ log: RuleSwitchLog, _ enriched: TopicHandle,
    _ preparer: RulePreparer,
    _ report: @escaping (RuleReport) -> Void
  ) throws {
    self.lookout = lookout
    self.wait = wait
    self.log = log
    self.enriched = enriched
    self.preparer = preparer
    self.report = report
    let outcome = preparer.newest(lookout.registry, computed: wait?.reached ?? [])
    newest = try outcome.prepared.get()
    wait?.missing = outcome.missing
    lookout.tell(outcome.refused)
  }

  func close() {
    preparer.close()
    lookout.close()
    log.close()
    wait?.close()
  }

  // MARK: Partitions

  /// Finds the rules in force where the partition is read on.
  func open(_ partition: Int32, start: StatelessStart, outputs producer: Producer) throws {
    try log.refresh(partition)
    var entry = log.inForce(partition, at: start.offset)
    if entry == nil, !start.isKnown, log.isEmpty(partition), newest.edition.rulesEnd > 0 {
      entry = try begin(partition, before: start.offset, producer)
    }
    try log.prune(partition, earliest: start.earliest, outputs: producer)
    let switched = entry ?? RuleSwitchValue(rulesEnd: 0, held: [:])
    let rules = try rules(of: switched)
    owned[partition] = Owned(rules: rules, requested: switched.rulesEnd)
    report(
      .claimed(partition: partition, rulesEnd: switched.rulesEnd, shared: rules.edition.shared))
  }

  /// Nobody has decided anything of this partition yet: it begins with the newest rules, once that is durable.
  private func begin(_ partition: Int32, before offset: Int64, _ producer: Producer) throws -> RuleSwitchValue
  {
    var entry = RuleSwitchValue(rulesEnd: newest.edition.rulesEnd, held: newest.edition.held)
    entry.partition = partition
    entry.offset = offset - 1
    try log.write(entry, outputs: producer)
    guard producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: RuleLookout.patienceMs) else {
      throw RuleSwitchProblem(description: "the first switch of partition \(partition) was not acknowledged")
    }
    return entry
  }

  func close(_ partition: Int32) { owned[partition] = nil }

  /// The rules of a switch. A partition that alone has `former` hands its decider on.
  private func rules(of entry: RuleSwitchValue, from former: InForce? = nil) throws -> InForce {
    let held = entry.heldScopes
    func isMeant(_ edition: RuleEdition) -> Bool {
      edition.rulesEnd == entry.rulesEnd && edition.held == held
    }
    if let same = owned.values.first(where: { isMeant($0.rules.edition) }) { return same.rules }
    let prepared: PreparedEdition
    if isMeant(newest.edition) {
      prepared = newest
    } else {
      try lookout.read(through: entry.rulesEnd)
      let registry = lookout.registry
      prepared = try preparer.prepare(
        RuleEdition(registry, rulesEnd: entry.rulesEnd, held: held), registry)
    }
    guard let former, owned.values.count(where: { $0.rules === former }) == 1 else {
      return InForce(prepared.edition, Decider(prepared.rules))
    }
    former.decider.adopt(prepared.rules)
    return InForce(prepared.edition, former.decider)
  }

  /// What decides the orders of a partition.
  func decider(_ partition: Int32) throws -> Decider {
    guard let rules = owned[partition]?.rules else {
      throw RuleSwitchProblem(description: "a record of partition \(partition), which is not ours")
    }
    return rules.decider
  }

  // MARK: Switching

  /// Takes a switch record among the orders. What came before it must be decided already. False: it is malformed.
  func take(_ message: MessageView, outputs producer: Producer) throws -> Bool {
    guard let value = message.value, var entry = RuleSwitchValue(protobuf: value) else { return false }
    guard let former = owned[message.partition], entry.rulesEnd > former.rules.edition.rulesEnd else {
      // Of an owner who knew less, or a repeat.
      return true
    }
    let rules = try rules(of: entry, from: former.rules)
    owned[message.partition] = Owned(rules: rules, requested: max(former.requested, entry.rulesEnd))
    entry.partition = message.partition
    entry.offset = message.offset
    // Acknowledged before an offset beyond the switch is committed: the next owner finds it.
    try log.write(entry, outputs: producer)
    report(
      .switched(
        partition: message.partition, offset: message.offset, rulesEnd: entry.rulesEnd,
        shared: rules.edition.shared))
    return true
  }

  /// Looks for new activations and asks for the switches that are due.
  func tick(outputs producer: Producer) throws {
    let now = monotonicMs()
    guard try lookout.look(nowMs: now) else { return }
    try lookForNewest()
    let due = owned.filter { $0.value.requested < newest.edition.rulesEnd }.keys
    guard !due.isEmpty, try wait?.isOver(newest.edition.rulesEnd, nowMs: now) ?? true else { return }
    let value = RuleSwitchValue(rulesEnd: newest.edition.rulesEnd, held: newest.edition.held).protobuf
    for partition in due {
      _ = try value.withUnsafeBytes { value in
        try RuleSwitchValue.inputKey.withUnsafeBytes { key in
          try producer.send(topic: enriched, partition: partition, key: key, value: value)
        }
      }
      owned[partition]?.requested = newest.edition.rulesEnd
    }
    producer.flushPending()
  }

  /// Takes what has been prepared, and has what is new prepared. The switch is asked for when its rules are ready, so
  /// that nobody waits for them where it is read.
  private func lookForNewest() throws {
    if let outcome = preparer.take() {
      newest = try outcome.prepared.get()
      wait?.missing = outcome.missing
      lookout.tell(outcome.refused)
    }
    guard !preparer.isBusy, lookout.hasNew() else { return }
    try wait?.look()
    preparer.begin(lookout.registry, computed: wait?.reached ?? [])
  }
}
