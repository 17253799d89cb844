import TestKit

@testable import Kafka
@testable import Stage
@testable import Store

struct SimulatedDeath: Error {}

/// One run of the lane on one machine. A crash is that from some call on nothing of it reaches the outside.
final class SimulatedInstance {
  unowned let world: SimulatedWorld
  let name: String
  let disk: SimulatedDisk
  let context: LaneContext
  private(set) var inputs: SimulatedInputs!
  private(set) var outputs: SimulatedOutputs!
  var lane: StatefulLane<FoldProcessor, SimulatedOutside>?
  private(set) var isDead = false
  private(set) var isFrozen = false
  /// Heartbeats do not reach the group until then; all else does.
  var silentUntil: Int64 = 0
  var crashIn: Int?
  var freezeIn: Int?
  private var skew: Int64 = 0

  init(_ world: SimulatedWorld, machine: Int, run: Int, disk: SimulatedDisk) {
    self.world = world
    name = "\(machine).\(run)"
    self.disk = disk
    context = LaneContext()
    inputs = SimulatedInputs(self)
    outputs = SimulatedOutputs(self)
    lane = StatefulLane(
      settings: world.laneSettings(machine), outside: SimulatedOutside(instance: self), consumer: inputs,
      producer: outputs, processor: FoldProcessor(self), schemaVersion: 1,
      effectTopics: [
        EffectTopic(name: SimulatedWorld.effects, handle: TopicHandle(index: 1, partitionCount: 9))
      ],
      context: context)
  }

  /// A call of the lane to the outside: where it may die or stand still.
  func enter() throws {
    if !entered() { throw SimulatedDeath() }
  }

  func alive() throws {
    if isDead { throw SimulatedDeath() }
  }

  func entered() -> Bool {
    if isDead { return false }
    if let count = crashIn {
      crashIn = count - 1
      if count <= 1 { die() }
    }
    if let count = freezeIn, !isDead {
      freezeIn = count - 1
      if count <= 1 { freeze() }
    }
    return !isDead
  }

  func die() {
    if isDead { return }
    world.note("\(name): dies")
    isDead = true
    outputs.die()
  }

  private func freeze() {
    freezeIn = nil
    let time = Int64(world.random.number(200...25_000))
    world.note("\(name): stands still for \(time) ms")
    isFrozen = true
    _ = world.block(self, time) { false }
    isFrozen = false
  }

  /// Loops that wait for something end soon for the dead.
  func nowMs() -> Int64 {
    if isDead { skew += 1_000 }
    return world.now + skew
  }
}

/// The lane's outside in memory.
struct SimulatedOutside: LaneOutside {
  typealias Inputs = SimulatedInputs
  typealias Outputs = SimulatedOutputs
  typealias StateFile = SimulatedStateFile
  typealias Transactions = SimulatedTransactions

  unowned let instance: SimulatedInstance
  private var world: SimulatedWorld { instance.world }

  func nowMs() -> Int64 { instance.nowMs() }
  func pause(milliseconds: Int) { world.advance(Int64(milliseconds)) }
  func transactions(id: String) -> SimulatedTransactions { SimulatedTransactions(instance, name: id) }
  func makeDirectory(_ path: String) throws {}

  func openState(
    directory: String, name: String, identity: PartitionIdentity, cacheKiB: Int64, isScratch: Bool
  ) throws(PartitionStateError) -> SimulatedStateFile {
    guard instance.entered() else { throw .badName }
    if instance.disk.fullUntil > world.now { throw .failed(SQLiteError(extendedCode: 13, sql: "open")) }
    let file = instance.disk.files[name] ?? SimulatedDisk.File()
    instance.disk.files[name] = file
    if file.isOpen {
      world.violated("\(instance.name) opens \(name) twice")
      throw .owned
    }
    if file.isDamagedAtRest, world.random.happens(50) { throw .damaged(nil) }
    return SimulatedStateFile(instance, identity.partition, file)
  }

  func deleteState(directory: String, name: String) throws(PartitionStateError) {
    guard instance.entered() else { return }
    if instance.disk.files[name]?.isOpen == true {
      world.violated("\(instance.name) deletes \(name) while open")
    }
    instance.disk.files[name] = nil
  }

  func readChangelog(
    _ partition: TopicPartition, from: Int64?,
    body: (_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?, _ offset: Int64) throws -> Void
  ) throws -> Int64 {
    try instance.enter()
    let log = world.log(partition)
    let end = log.end
    var position = from ?? log.low
    if position < log.low || position > end { throw KafkaError(code: 1) }
    while position < end {
      try instance.enter()
      let limit = min(log.stableEnd, position + Int64(world.random.number(1...40)))
      if position >= limit {
        guard world.block(instance, 60_000, until: { log.stableEnd > position }) else {
          throw KafkaError.timedOut("an open transaction")
        }
        continue
      }
      while position < limit {
        if log.isVisible(position) {
          let record = log.records[Int(position)]
          try record.key.withUnsafeBytes { key in
            guard let value = record.value else { return try body(key, nil, position) }
            try value.withUnsafeBytes { try body(key, $0, position) }
          }
        }
        position += 1
      }
    }
    return position
  }
}
