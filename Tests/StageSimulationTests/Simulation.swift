import Store
import TestKit

@testable import Stage

/// One seed's story: inputs come, instances work, things break; then all is well and must come to its end.
final class Simulation {
  let world: SimulatedWorld
  private let inputsMax: Int
  private var written = 0
  private let keys: Int

  init(seed: UInt64, keepsLines: Bool = false, change: (inout SimulatedFaults) -> Void = { _ in }) {
    world = SimulatedWorld(seed: seed)
    world.keepsLines = keepsLines
    change(&world.faults)
    inputsMax = world.random.number(20...250)
    keys = world.random.number(1...8)
  }

  /// What was found; nil: all checks hold.
  func run() -> String? {
    let rounds = world.random.number(150...500)
    for _ in 0..<rounds where world.violation == nil { round() }
    calm()
    rest()
    if world.violation == nil { restart() }
    if world.violation == nil { world.checks.final() }
    return world.violation
  }

  private func round() {
    if written < inputsMax, world.random.happens(35) { write(world.random.number(1...10)) }
    for machine in world.machines { disturb(machine) }
    if world.random.happens(world.faults.rebalance) { world.group.rebalance() }
    if world.random.happens(2) { clean() }
    work()
  }

  private func work() {
    for machine in world.machines where machine.instance == nil && machine.downUntil <= world.now {
      machine.start(world)
    }
    if let machine = world.anyRunnable() { world.step(machine) }
    world.advance(
      world.random.happens(5) ? Int64(world.random.number(10...700)) : Int64(world.random.number(0...6)))
  }

  private func write(_ count: Int) {
    for _ in 0..<min(count, inputsMax - written) {
      let key = world.random.number(0...(keys - 1))
      let partition = key % world.partitions
      if world.random.happens(4) { world.appendGap(partition) }
      world.appendInput(partition, key: UInt8(key), payload: world.random.next())
      written += 1
    }
  }

  private func disturb(_ machine: SimulatedMachine) {
    let faults = world.faults
    if let instance = machine.instance {
      if world.random.happens(faults.crash) { instance.crashIn = world.random.number(1...40) }
      if world.random.happens(faults.stop) { instance.context.stop() }
      if world.random.happens(faults.freeze) { instance.freezeIn = world.random.number(1...30) }
      if world.random.happens(faults.silence) {
        instance.silentUntil = world.now + Int64(world.random.number(1_000...15_000))
      }
    }
    if world.random.happens(faults.fullDisk) {
      machine.disk.fullUntil = world.now + Int64(world.random.number(1...3_000))
    }
    if world.random.happens(faults.damage) { damage(machine.disk) }
  }

  private func damage(_ disk: SimulatedDisk) {
    guard let name = disk.files.keys.sorted().randomElement(using: &world.random), let file = disk.files[name]
    else { return }
    switch world.random.number(0...2) {
    case 0: file.isDamagedInUse = true
    case 1: file.isDamagedAtRest = true
    default: if !file.isOpen { disk.files[name] = nil }
    }
  }

  /// Retention of inputs that are committed, compaction of the changelog.
  private func clean() {
    for (partition, log) in world.inputs.enumerated() where world.random.happens(50) {
      log.low = max(log.low, world.group.committed[Int32(partition), default: 0])
    }
    for log in world.changelogs where world.random.happens(50) { log.compact() }
  }

  private func calm() {
    world.note("calm")
    let broken = world.faults
    world.faults = .none
    world.faults.brokerFences = broken.brokerFences
    world.faults.acknowledgesEarly = broken.acknowledgesEarly
    for machine in world.machines {
      machine.disk.fullUntil = 0
      machine.instance?.crashIn = nil
      machine.instance?.freezeIn = nil
      machine.instance?.silentUntil = 0
    }
    while written < inputsMax { write(10) }
  }

  private static let roundsMax = 40_000

  private func rest() {
    let limit = world.now + 900_000
    for _ in 0..<Self.roundsMax where world.violation == nil && !world.checks.isComplete && world.now < limit
    {
      work()
    }
    if world.violation == nil, !world.checks.isComplete {
      world.violated("does not come to its end: \(world.checks.progress)")
    }
  }

  /// All end in order and begin anew: nothing must be left to do.
  private func restart() {
    world.checks.isQuiet = true
    stop()
    let before = world.checks.commits
    for machine in world.machines { machine.start(world) }
    for _ in 0..<400 where world.violation == nil { work() }
    if world.checks.commits != before { world.violated("commits again what is committed") }
  }

  /// Why the lanes end when inputs are gone that nobody has handled.
  func failuresAfterRetention() -> [String] {
    calm()
    rest()
    stop()
    for (partition, log) in world.inputs.enumerated() {
      for _ in 0..<3 { world.appendInput(partition, key: UInt8(partition), payload: 1) }
      log.low = log.end - 1
    }
    for machine in world.machines { machine.downUntil = 0 }
    for _ in 0..<300 where world.violation == nil { work() }
    return world.checks.failures
  }

  /// State files as from a backup, beside a changelog of which only the newest records are left: how many files end
  /// before it begins, and what was found.
  func runWithFilesOfBefore() -> (behind: Int, found: String?) {
    write(inputsMax / 2)
    rest()
    stop()
    let before = world.machines.map { $0.disk.files.mapValues(\.versions) }
    for machine in world.machines { machine.downUntil = 0 }
    calm()
    rest()
    stop()
    for log in world.changelogs { log.forgetOld() }
    var behind = 0
    for (machine, files) in zip(world.machines, before) {
      for (name, file) in machine.disk.files { file.versions = files[name] ?? [SimulatedDisk.Version()] }
      for (name, file) in machine.disk.files {
        let position = file.versions[file.versions.count - 1].position.changelogOffset
        guard position >= 0, let partition = name.split(separator: "-").last.flatMap({ Int($0) }) else {
          continue
        }
        if position < world.changelogs[partition].low { behind += 1 }
      }
      machine.downUntil = 0
    }
    world.checks.isQuiet = true
    for _ in 0..<400 where world.violation == nil { work() }
    if world.violation == nil { world.checks.final() }
    return (behind, world.violation)
  }

  private func stop() {
    for machine in world.machines { machine.instance?.context.stop() }
    let limit = world.now + 200_000
    while world.violation == nil, world.machines.contains(where: { $0.instance != nil }), world.now < limit {
      if let machine = world.anyRunnable() { world.step(machine) }
      world.advance(5)
      for machine in world.machines where machine.instance == nil { machine.downUntil = .max }
    }
    if world.machines.contains(where: { $0.instance != nil }) { world.violated("does not stop") }
  }
}
