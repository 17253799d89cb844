import TestKit

@testable import Kafka
@testable import Stage

/// Broker, group, disks, clock and the instances: everything a seed decides.
final class SimulatedWorld {
  static let input = "input"
  static let changelog = "changelog"
  static let effects = "effects"

  var random: SeededGenerator
  var faults: SimulatedFaults
  private(set) var now: Int64 = 1_000_000
  private(set) var violation: String?
  /// Of everything that happened: equal for equal seeds.
  private(set) var trace: UInt64 = 0xCBF2_9CE4_8422_2325
  private(set) var lines: [String] = []
  var keepsLines = false

  let partitions: Int
  let inputs: [SimulatedLog]
  let changelogs: [SimulatedLog]
  let effectLogs: [SimulatedLog]
  private(set) var group: SimulatedGroup!
  private(set) var checks: SimulatedChecks!
  private(set) var transactions: [SimulatedTransaction] = []
  private var transactionCount = 0
  private var ids: [String: SimulatedTransactionalId] = [:]
  /// Instances whose lane waits in a call, outermost first.
  private var waiting: [SimulatedInstance] = []
  var machines: [SimulatedMachine] = []
  private var instances: [SimulatedInstance] = []
  private var payloads: [[UnsafeMutableRawBufferPointer?]]
  private let shape: LaneShape

  private struct Event {
    let time: Int64
    weak var instance: SimulatedInstance?
    let body: () -> Void
  }
  private var events: [Event] = []

  struct LaneShape {
    var batchMax = 64
    var commitIntervalMs = 50
    var checkpointIntervalMs = 300
    var uncommittedMax = 200
    var dirtyBytesMax = 1 << 20
    var gatherMs = 0
  }

  init(seed: UInt64, faults: SimulatedFaults? = nil) {
    var random = SeededGenerator(seed: seed)
    self.faults = faults ?? SimulatedFaults.drawn(&random)
    let count = random.number(1...4)
    partitions = count
    shape = LaneShape(
      batchMax: random.number(1...80), commitIntervalMs: random.number(5...150),
      checkpointIntervalMs: random.number(20...900), uncommittedMax: random.number(16...200),
      dirtyBytesMax: random.happens(30) ? random.number(100...800) : 1 << 20,
      gatherMs: random.happens(30) ? 3 : 0)
    func logs(_ topic: String) -> [SimulatedLog] {
      (0..<count).map { SimulatedLog(TopicPartition(topic, Int32($0))) }
    }
    inputs = logs(Self.input)
    changelogs = logs(Self.changelog)
    effectLogs = logs(Self.effects)
    payloads = Array(repeating: [], count: count)
    self.random = random
    group = SimulatedGroup(self)
    checks = SimulatedChecks(self)
    machines = (0..<self.random.number(1...4)).map { SimulatedMachine($0) }
    tick()
  }

  deinit { for list in payloads { for payload in list { payload?.deallocate() } } }

  func laneSettings(_ machine: Int) -> LaneSettings {
    var settings = LaneSettings(
      inputTopic: Self.input, groupId: "fold", usesGroup: true,
      durability: .transaction(transactionalId: "fold-\(machine)", changelogTopic: Self.changelog))
    settings.batchMax = shape.batchMax
    settings.commitIntervalMs = shape.commitIntervalMs
    settings.checkpointIntervalMs = shape.checkpointIntervalMs
    settings.uncommittedMax = shape.uncommittedMax
    settings.dirtyBytesMax = shape.dirtyBytesMax
    settings.restoreBytesMax = shape.dirtyBytesMax
    settings.gatherMs = shape.gatherMs
    return settings
  }

  // MARK: Findings

  func violated(_ text: String) {
    note("VIOLATION: \(text)")
    if violation == nil { violation = "at \(now) ms: \(text)" }
  }

  func note(_ text: @autoclosure () -> String) {
    let text = text()
    mix(UInt64(bitPattern: now))
    for byte in text.utf8 { mix(UInt64(byte)) }
    if keepsLines { lines.append("\(now) \(text)") }
  }

  private func mix(_ value: UInt64) { trace = (trace ^ value) &* 0x100_0000_01B3 }

  // MARK: Time

  func schedule(
    _ delay: ClosedRange<Int64>, of instance: SimulatedInstance? = nil, _ body: @escaping () -> Void
  ) {
    let time = now + Int64.random(in: delay, using: &random)
    let place = (events.lastIndex { $0.time <= time } ?? -1) + 1
    events.insert(Event(time: time, instance: instance, body: body), at: place)
  }

  /// Lets time pass; what is due happens.
  func advance(_ milliseconds: Int64) {
    let target = now + max(0, milliseconds)
    while let event = events.first, event.time <= target {
      events.removeFirst()
      now = max(now, event.time)
      // A process that stands still sends and hears nothing; what it sent before may arrive.
      if event.instance?.isFrozen == true, random.happens(90) {
        schedule(50...600, of: event.instance, event.body)
      } else {
        event.body()
      }
    }
    now = max(now, target)
  }

  private func tick() {
    for machine in machines {
      guard let instance = machine.instance, !instance.isDead, !instance.isFrozen, instance.silentUntil <= now
      else { continue }
      instance.inputs.heartbeat()
    }
    group?.expire()
    schedule(300...600) { [unowned self] in tick() }
  }

  /// A call that waits: meanwhile time passes and other instances go on. True when `done`, false at the
  /// time-out or death.
  func block(_ who: SimulatedInstance, _ milliseconds: Int64, until done: () -> Bool) -> Bool {
    let deadline = now + milliseconds
    waiting.append(who)
    defer { waiting.removeLast() }
    while !who.isDead, violation == nil {
      if done() { return true }
      if now >= deadline { return false }
      if waiting.count < 4, random.happens(40), let machine = anyRunnable() {
        step(machine)
      } else {
        let rest = deadline - now
        advance(Int64.random(in: 1...max(1, min(300, rest / 3)), using: &random))
      }
    }
    if violation != nil { now = max(now, deadline) }
    return false
  }

  // MARK: Instances

  func anyRunnable() -> SimulatedMachine? {
    machines.filter { machine in
      guard let instance = machine.instance else { return false }
      return !waiting.contains { $0 === instance }
    }.randomElement(using: &random)
  }

  /// Others refer to instances that are gone.
  func keep(_ instance: SimulatedInstance) { instances.append(instance) }

  func step(_ machine: SimulatedMachine) {
    guard let instance = machine.instance, let lane = instance.lane else { return }
    let goesOn = lane.advance()
    if goesOn, !instance.isDead { return }
    instance.lane = nil
    machine.instance = nil
    machine.downUntil = now + Int64(random.number(0...3_000))
    if instance.isDead { return machine.afterCrash(&random) }
    note("\(instance.name): ended, \(instance.context.failure ?? "in order")")
    if let failure = instance.context.failure { checks.ended(instance, failure) }
    instance.die()
  }

  // MARK: Broker

  func log(_ name: TopicPartition) -> SimulatedLog {
    switch name.topic {
    case Self.input: inputs[Int(name.partition)]
    case Self.changelog: changelogs[Int(name.partition)]
    default: effectLogs[Int(name.partition)]
    }
  }

  func appendInput(_ partition: Int, key: UInt8, payload: UInt64) {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 9, alignment: 1)
    bytes[0] = key
    for (index, byte) in payload.littleEndianBytes.enumerated() { bytes[1 + index] = byte }
    payloads[partition].append(bytes)
    checks.input(partition, [key], payload, at: inputs[partition].end)
    inputs[partition].append(.init(key: [key], value: nil))
  }

  /// An offset without a record, as markers and compaction leave them.
  func appendGap(_ partition: Int) {
    payloads[partition].append(nil)
    checks.gap(partition)
    inputs[partition].append(.init(key: [], value: nil, isMarker: true))
  }

  func view(_ partition: Int32, _ offset: Int64) -> MessageView? {
    guard let bytes = payloads[Int(partition)][Int(offset)] else { return nil }
    let all = UnsafeRawBufferPointer(bytes)
    return MessageView(
      topicIndex: 0, partition: partition, offset: offset, timestampMs: -1, key: .init(rebasing: all[0..<1]),
      value: .init(rebasing: all[1..<9]))
  }

  func appendOutput(_ partition: Int32, key: [UInt8], value: [UInt8]) {
    mix(UInt64(littleEndianBytes: value.prefix(8)))
    checks.output(Int(partition), key, value)
  }

  func transactionalId(_ name: String) -> SimulatedTransactionalId {
    if let known = ids[name] { return known }
    let made = SimulatedTransactionalId()
    ids[name] = made
    return made
  }

  func beginTransaction(
    _ name: String, _ id: SimulatedTransactionalId, _ instance: SimulatedInstance
  ) -> SimulatedTransaction {
    transactionCount += 1
    let transaction = SimulatedTransaction(transactionCount, name, epoch: id.epoch, instance)
    id.current = transaction
    transactions.append(transaction)
    schedule(10_000...10_000) { [unowned self] in
      guard transaction.phase == .open else { return }
      note("transaction \(transaction.number) timed out")
      id.epoch += 1
      end(transaction, commit: false)
    }
    return transaction
  }

  func append(
    _ transaction: SimulatedTransaction, _ name: TopicPartition, _ key: [UInt8], _ value: [UInt8]?
  ) {
    let log = log(name)
    log.append(.init(key: key, value: value, transaction: transaction))
    transaction.records.append((log, key, value))
    transaction.ends[name] = log.end
    if !transaction.unmarked.contains(where: { $0 === log }) { transaction.unmarked.append(log) }
  }

  func acceptOffsets(_ transaction: SimulatedTransaction, _ offsets: [(partition: Int32, offset: Int64)]) {
    for (partition, _) in offsets where !group.owns(transaction.instance, partition) {
      violated("\(transaction.instance.name) may commit partition \(partition), which is not its own")
    }
    transaction.offsets = offsets
  }

  /// The coordinator's decision; partitions and the group learn of it one after the other.
  func end(_ transaction: SimulatedTransaction, commit: Bool) {
    guard transaction.phase == .open else { return }
    transaction.phase = commit ? .committing : .aborting
    transaction.wasCommitted = commit
    note("transaction \(transaction.number) of \(transaction.instance.name): \(commit ? "commit" : "abort")")
    if commit { checks.decided(transaction) }
    for log in transaction.unmarked {
      schedule(markerDelay()) { [unowned self] in
        log.mark(transaction)
        transaction.unmarked.removeAll { $0 === log }
        finishIfMarked(transaction)
      }
    }
    schedule(markerDelay()) { [unowned self] in
      if commit {
        for (partition, offset) in transaction.offsets { group.committed[partition] = offset }
      }
      transaction.offsetsSettled = true
      finishIfMarked(transaction)
    }
  }

  private func markerDelay() -> ClosedRange<Int64> {
    random.happens(faults.slowMarkers) ? 100...4_000 : 0...6
  }

  private func finishIfMarked(_ transaction: SimulatedTransaction) {
    guard transaction.unmarked.isEmpty, transaction.offsetsSettled else { return }
    transaction.phase = .done
    transactions.removeAll { $0 === transaction }
    if let id = ids[transaction.transactionalId], id.current === transaction { id.current = nil }
  }

  func checkFile(_ version: SimulatedDisk.Version, _ partition: Int32, of instance: SimulatedInstance) {
    checks.file(version, partition, of: instance)
  }

  func checkRestored(_ rows: [[UInt8]: [UInt8]], _ partition: Int32, of instance: SimulatedInstance) {
    checks.restored(rows, partition, of: instance)
  }
}

/// Where instances run one after the other, with the disk that stays.
final class SimulatedMachine {
  let number: Int
  let disk = SimulatedDisk()
  var instance: SimulatedInstance?
  var downUntil: Int64 = 0
  private var runs = 0

  init(_ number: Int) { self.number = number }

  func start(_ world: SimulatedWorld) {
    runs += 1
    let started = SimulatedInstance(world, machine: number, run: runs, disk: disk)
    world.note("\(started.name): starts")
    instance = started
    world.keep(started)
  }

  /// One time in three the power went too: the last writes of some files are gone.
  func afterCrash(_ random: inout SeededGenerator) {
    guard random.happens(33) else { return }
    for name in disk.files.keys.sorted() where random.happens(50) {
      if let file = disk.files[name] { disk.lose(file, versions: random.number(1...3)) }
    }
  }
}
