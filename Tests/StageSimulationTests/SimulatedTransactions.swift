import TestKit

@testable import Kafka
@testable import Stage

/// The coordinator's memory of one transactional id.
final class SimulatedTransactionalId {
  var epoch = 0
  var current: SimulatedTransaction?
}

/// An instance's transactions: what TransactionRunner and TransactionalProducer do, over the simulated broker.
final class SimulatedTransactions: LaneTransactions {
  typealias Group = SimulatedMembership
  private struct Work {
    let records: TransactionRecords
    let offsets: [PartitionOffset]
    let group: SimulatedMembership?
  }

  unowned let instance: SimulatedInstance
  private let name: String
  private let id: SimulatedTransactionalId
  private var world: SimulatedWorld { instance.world }
  private var isOpen = false
  private var epoch = 0
  private var queue: [Work] = []
  private var isBusy = false
  private var outcomes: [CommitOutcome] = []

  init(_ instance: SimulatedInstance, name: String) {
    self.instance = instance
    self.name = name
    id = instance.world.transactionalId(name)
  }

  // MARK: What the lane calls

  func open() throws {
    try instance.enter()
    takeOver()
    guard world.block(instance, 30_000, until: { self.id.current == nil }) else {
      throw KafkaError.timedOut("the former transaction does not end")
    }
    try instance.alive()
    isOpen = true
  }

  func start(_ records: TransactionRecords, offsets: [PartitionOffset], group: SimulatedMembership?) {
    guard instance.entered() else { return }
    queue.append(Work(records: records, offsets: offsets, group: group))
    next()
  }

  func take() -> CommitOutcome? {
    guard instance.entered(), !outcomes.isEmpty else { return nil }
    return outcomes.removeFirst()
  }

  func wait(milliseconds: Int) -> CommitOutcome? {
    guard instance.entered() else { return nil }
    _ = world.block(instance, Int64(milliseconds)) { !self.outcomes.isEmpty }
    return take()
  }

  func reopenIfClosed() throws {
    if !isOpen { try open() }
  }

  func close() {
    guard instance.entered() else { return }
    isOpen = false
    queue.removeAll()
  }

  // MARK: What the client does

  private func takeOver() {
    id.epoch += 1
    epoch = id.epoch
    if let current = id.current, current.phase == .open { world.end(current, commit: false) }
  }

  private func later(_ delay: ClosedRange<Int64>, _ body: @escaping (SimulatedTransactions) -> Void) {
    world.schedule(delay, of: instance) { [self] in
      if !instance.isDead { body(self) }
    }
  }

  private func next() {
    guard !isBusy, !queue.isEmpty else { return }
    isBusy = true
    later(0...3) { $0.begin($0.queue.removeFirst()) }
  }

  private func finish(_ result: CommitOutcome) {
    world.note("\(instance.name): transaction \(result.word)")
    outcomes.append(result)
    isBusy = false
    next()
  }

  private func begin(_ work: Work) {
    guard isOpen else { return finish(.aborted(KafkaError(code: -172, text: "not open"))) }
    if epoch == id.epoch, id.current != nil { return later(2...20) { $0.begin(work) } }
    guard epoch == id.epoch else { return fence() }
    let transaction = world.beginTransaction(name, id, instance)
    later(0...6) { $0.produce(work, transaction, from: 0) }
  }

  private func isFenced(_ transaction: SimulatedTransaction) -> Bool {
    epoch != id.epoch || transaction.phase != .open
  }

  private func produce(_ work: Work, _ transaction: SimulatedTransaction, from: Int) {
    if isFenced(transaction) { return fence() }
    let entries = work.records.entries
    let end = world.random.happens(70) ? entries.count : world.random.number(from...entries.count)
    for entry in entries[from..<end] {
      let base = UnsafeRawPointer(work.records.arena.base) + entry.start
      let key = [UInt8](UnsafeRawBufferPointer(start: base, count: max(0, entry.keyCount)))
      let value =
        entry.valueCount < 0
        ? nil : [UInt8](UnsafeRawBufferPointer(start: base + key.count, count: entry.valueCount))
      world.append(
        transaction, TopicPartition(work.records.topics[Int(entry.topic)], entry.partition), key, value)
    }
    if world.random.happens(world.faults.abortedTransactions) { return abort(transaction, -195) }
    if end < entries.count { return later(0...6) { $0.produce(work, transaction, from: end) } }
    let slow = world.random.happens(world.faults.slowTransactions)
    later(slow ? 3_000...25_000 : 0...6) { $0.sendOffsets(work, transaction) }
  }

  private func sendOffsets(_ work: Work, _ transaction: SimulatedTransaction) {
    if isFenced(transaction) { return fence() }
    guard let shown = work.group, world.group.accepts(shown) else { return abort(transaction, 22) }
    world.acceptOffsets(transaction, work.offsets.map { ($0.0.partition, $0.1) })
    let slow = world.random.happens(world.faults.slowTransactions)
    later(slow ? 3_000...25_000 : 0...6) { $0.commit(work, transaction) }
  }

  private func commit(_ work: Work, _ transaction: SimulatedTransaction) {
    if isFenced(transaction) { return fence() }
    let fault = world.random.happens(world.faults.uncertainCommits)
    let arrives = !fault || world.random.happens(50)
    if arrives { world.end(transaction, commit: true) }
    if fault { return world.random.happens(30) ? fence() : reopen(.uncertain(KafkaError(code: -185))) }
    let slow = world.random.happens(world.faults.slowTransactions)
    later(slow ? 3_000...25_000 : 0...6) { $0.finish(.committed(endOffsets: transaction.ends)) }
  }

  private func abort(_ transaction: SimulatedTransaction, _ code: Int32) {
    world.end(transaction, commit: false)
    if world.random.happens(20) { return reopen(.aborted(KafkaError(code: code))) }
    later(0...6) { $0.finish(.aborted(KafkaError(code: code))) }
  }

  /// The producer is closed; whether it was fenced before or after the commit is not known.
  private func fence() {
    isOpen = false
    later(0...6) { $0.finish(.fenced(KafkaError(code: -144))) }
  }

  /// A new client takes the id over, or does not manage to.
  private func reopen(_ result: CommitOutcome) {
    takeOver()
    if world.random.happens(world.faults.failedReopenings) {
      isOpen = false
      return later(100...2_000) { $0.finish(result) }
    }
    settle(result, until: world.now + 30_000)
  }

  private func settle(_ result: CommitOutcome, until limit: Int64) {
    if id.current == nil || world.now >= limit {
      isOpen = id.current == nil
      return finish(result)
    }
    later(1...30) { $0.settle(result, until: limit) }
  }
}

extension CommitOutcome {
  var word: String {
    switch self {
    case .committed: "committed"
    case .aborted(let error): "aborted \(error.code)"
    case .uncertain: "uncertain"
    case .fenced: "fenced"
    }
  }
}
