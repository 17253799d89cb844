import TestKit

@testable import Kafka
@testable import Stage

/// An instance's producer: in order per partition, nothing lost while it lives, repeats after a lost answer.
final class SimulatedOutputs: LaneOutputs {
  private struct Record {
    let sequence: UInt64
    let partition: Int32
    let key: [UInt8]
    let value: [UInt8]
    var isAppended = false
  }

  unowned let instance: SimulatedInstance
  private var world: SimulatedWorld { instance.world }
  private var waiting: [Record] = []
  private var isBusy = false
  private(set) var lastSequence: UInt64 = 0
  private(set) var acknowledgedThrough: UInt64 = 0
  private var gaveUp = false

  init(_ instance: SimulatedInstance) { self.instance = instance }

  var failure: KafkaError? {
    instance.isDead || gaveUp ? KafkaError(code: -196, text: "the simulated producer gave up") : nil
  }

  func send(
    topic: TopicHandle, partition: Int32, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
  ) throws -> UInt64 {
    try instance.alive()
    lastSequence += 1
    waiting.append(
      Record(
        sequence: lastSequence, partition: partition, key: key.map { [UInt8]($0) } ?? [],
        value: value.map { [UInt8]($0) } ?? []))
    return lastSequence
  }

  func flushPending() {
    guard instance.entered() else { return }
    if world.random.happens(world.faults.producerFails) { gaveUp = true }
    start()
  }

  func waitAcknowledged(through sequence: UInt64, timeoutMs: Int) -> Bool {
    guard instance.entered() else { return false }
    start()
    return world.block(instance, Int64(timeoutMs)) { self.acknowledgedThrough >= sequence || self.gaveUp }
      && acknowledgedThrough >= sequence
  }

  private func start() {
    guard !isBusy, !waiting.isEmpty else { return }
    isBusy = true
    let slow = world.random.happens(world.faults.slowAcknowledgements)
    let delay: ClosedRange<Int64> = slow ? 500...12_000 : 0...8
    if world.faults.acknowledgesEarly { acknowledgedThrough = lastSequence }
    world.schedule(delay, of: instance) { [weak self] in self?.appendSome() }
  }

  /// One request reaches the broker: the first records of some partitions.
  private func appendSome() {
    let partitions = Set(waiting.map(\.partition)).sorted().filter { _ in world.random.happens(75) }
    for partition in partitions {
      let count = world.random.happens(70) ? Int.max : world.random.number(1...6)
      append(partition, atMost: count)
    }
    if instance.isDead { return }
    if world.random.happens(world.faults.lostAcknowledgements) {
      // Nobody hears of it: the producer opens itself anew and repeats what is not acknowledged.
      for index in waiting.indices { waiting[index].isAppended = false }
    }
    world.schedule(0...8, of: instance) { [weak self] in self?.acknowledge() }
  }

  private func append(_ partition: Int32, atMost count: Int) {
    var rest = count
    for index in waiting.indices where waiting[index].partition == partition && !waiting[index].isAppended {
      if rest <= 0 { break }
      rest -= 1
      world.appendOutput(partition, key: waiting[index].key, value: waiting[index].value)
      waiting[index].isAppended = true
    }
  }

  private func acknowledge() {
    if instance.isDead { return }
    let done = waiting.prefix { $0.isAppended }
    acknowledgedThrough = max(acknowledgedThrough, done.last?.sequence ?? 0)
    waiting.removeFirst(done.count)
    isBusy = false
    start()
  }

  /// The process is gone: requests under way may still arrive.
  func die() {
    for partition in Set(waiting.map(\.partition)).sorted() where world.random.happens(50) {
      append(partition, atMost: world.random.number(1...20))
    }
  }
}
