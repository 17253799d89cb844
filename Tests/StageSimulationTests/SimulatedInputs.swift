import TestKit

@testable import Kafka
@testable import Stage

/// An instance's consumer: what its client knows lags behind what the group knows.
final class SimulatedInputs: LaneInputs {
  typealias Group = SimulatedMembership

  unowned let instance: SimulatedInstance
  private var world: SimulatedWorld { instance.world }
  private var group: SimulatedGroup { world.group }
  var member = 0
  private var generation = -1
  private var isSubscribed = false
  private var positions: [Int32: Int64] = [:]
  private var holds = false
  private var given: [Int32]?
  private var pending: (isAssignment: Bool, partitions: [TopicPartition])?
  /// The client has heard that the group went on without it.
  private var isTold = false

  init(_ instance: SimulatedInstance) { self.instance = instance }

  var owesRebalanceAnswer: Bool { pending != nil }
  /// Waits for a generation already.
  var wantsToJoin: Bool { isSubscribed && !holds && pending == nil && given == nil }

  func subscribe(_ topics: [String]) throws {
    try instance.enter()
    isSubscribed = true
    group.join(self)
  }

  func given(_ partitions: [Int32], generation: Int) {
    self.generation = generation
    given = partitions
    isTold = false
  }

  /// The client's own thread; the process runs and reaches the group.
  func heartbeat() {
    guard isSubscribed, !group.heartbeat(member), !isTold else { return }
    isTold = true
    if world.random.happens(30) { member = 0 }
    if world.random.happens(30) { generation = -1 }
  }

  func poll(into batch: MessageBatch, max: Int, timeoutMs: Int) -> [ConsumerEvent] {
    guard instance.entered() else { return [] }
    if pending != nil { return [] }
    if let event = rebalanceEvent() { return take(into: batch, max: max, before: event) }
    let events = take(into: batch, max: max, before: nil)
    if batch.count == 0 { world.advance(Int64(timeoutMs)) }
    return events
  }

  private func rebalanceEvent() -> ConsumerEvent? {
    if let partitions = given {
      guard world.random.happens(60) else { return nil }
      given = nil
      let list = partitions.map { TopicPartition(SimulatedWorld.input, $0) }
      pending = (true, list)
      return .assigned(list)
    }
    let isLost = isTold && group.members[member] == nil
    guard isLost || group.needsRejoin(member), world.random.happens(50) else { return nil }
    guard holds else {
      if pending == nil { group.join(self) }
      return nil
    }
    let list = positions.keys.sorted().map { TopicPartition(SimulatedWorld.input, $0) }
    pending = (false, list)
    return .revoked(list, lost: isLost)
  }

  private func take(into batch: MessageBatch, max: Int, before event: ConsumerEvent?) -> [ConsumerEvent] {
    var room = max
    for partition in positions.keys.sorted() where room > 0 && world.random.happens(70) {
      guard var position = positions[partition] else { continue }
      let log = world.inputs[Int(partition)]
      if position < log.low {
        return [.error(KafkaError(code: -140, text: "offset out of range"))]
      }
      let count = world.random.number(1...Swift.max(1, min(room, 12)))
      var taken = 0
      while position < log.end, taken < count {
        if let view = world.view(partition, position) {
          batch.append(view)
          taken += 1
        }
        position += 1
      }
      positions[partition] = position
      room -= taken
    }
    return event.map { [$0] } ?? []
  }

  func assign(_ partitions: [PartitionOffset]) throws {
    try instance.enter()
    positions.removeAll()
    for (partition, offset) in partitions { positions[partition.partition] = offset }
  }

  func finishAssignment(_ offsets: [PartitionOffset]) throws {
    try instance.enter()
    guard pending?.isAssignment == true else { throw KafkaError(code: -172, text: "nothing to answer") }
    pending = nil
    positions.removeAll()
    holds = true
    for (partition, offset) in offsets { positions[partition.partition] = offset }
  }

  func finishRevocation(_ partitions: [TopicPartition]) throws {
    try instance.enter()
    guard pending?.isAssignment == false else { throw KafkaError(code: -172, text: "nothing to answer") }
    pending = nil
    positions.removeAll()
    holds = false
    group.join(self)
  }

  func committed(_ partitions: [TopicPartition], timeoutMs: Int) throws -> [TopicPartition: Int64] {
    try instance.enter()
    let numbers = Set(partitions.map(\.partition))
    let isStable = world.block(instance, Int64(timeoutMs)) {
      !self.world.transactions.contains { transaction in
        !transaction.offsetsSettled && transaction.offsets.contains { numbers.contains($0.partition) }
      }
    }
    guard isStable else { throw KafkaError.timedOut("offsets of an open transaction") }
    try instance.alive()
    var result: [TopicPartition: Int64] = [:]
    for partition in partitions { result[partition] = group.committed[partition.partition] }
    return result
  }

  func commitAsync(_ offsets: [PartitionOffset]) throws {}

  func watermarks(_ partition: TopicPartition, timeoutMs: Int) throws -> (low: Int64, high: Int64) {
    try instance.enter()
    let log = world.inputs[Int(partition.partition)]
    return (log.low, log.end)
  }

  func groupMetadata() throws -> SimulatedMembership {
    try instance.enter()
    if member == 0 { throw KafkaError(code: 25) }
    return SimulatedMembership(member: member, generation: generation)
  }

  func leave() {
    guard instance.entered() else { return }
    isSubscribed = false
    group.remove(member, "leaves")
  }
}
