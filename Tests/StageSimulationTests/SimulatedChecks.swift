import Store

@testable import Kafka
@testable import Stage

/// What must hold at every moment, held against a fold of the inputs that nothing disturbs.
final class SimulatedChecks {
  private struct Input {
    let key: [UInt8]
    let payload: UInt64
    /// What it must send.
    let output: [UInt8]
    var wasSent = false
    var effects = 0
  }
  private struct Part {
    /// By offset; nil where there is no record.
    var inputs: [Input?] = []
    var newest: [[UInt8]: FoldedKey] = [:]
    /// Fold of the inputs before `decided`.
    var golden: [[UInt8]: [UInt8]] = [:]
    /// Fold of the changelog's committed records.
    var folded: [[UInt8]: [UInt8]] = [:]
    var decided: Int64 = 0
    /// Every input before it has its output.
    var sent: Int64 = 0
    var lastFirst: [[UInt8]: Int64] = [:]
  }

  unowned let world: SimulatedWorld
  private var parts: [Part]
  private(set) var repeats = 0
  private(set) var commits = 0
  private(set) var failures: [String] = []
  var isQuiet = false

  init(_ world: SimulatedWorld) {
    self.world = world
    parts = Array(repeating: Part(), count: world.partitions)
  }

  func input(_ partition: Int, _ key: [UInt8], _ payload: UInt64, at offset: Int64) {
    parts[partition].newest[key, default: FoldedKey()].take(payload, at: offset)
    let output = parts[partition].newest[key]?.output(payload) ?? []
    parts[partition].inputs.append(Input(key: key, payload: payload, output: output))
  }

  func gap(_ partition: Int) { parts[partition].inputs.append(nil) }

  func output(_ partition: Int, _ key: [UInt8], _ value: [UInt8]) {
    let offset = Int64(bitPattern: UInt64(littleEndianBytes: value.prefix(8)))
    guard offset >= 0, offset < parts[partition].inputs.count,
      let input = parts[partition].inputs[Int(offset)]
    else { return world.violated("an output of no input: \(partition)/\(offset)") }
    if input.output != value || input.key != key {
      world.violated("the output of \(partition)/\(offset) has other bytes than that input has to send")
    }
    if input.wasSent {
      repeats += 1
      return
    }
    if let last = parts[partition].lastFirst[key], last > offset {
      world.violated("the output of \(partition)/\(offset) came after that of \(last)")
    }
    parts[partition].lastFirst[key] = offset
    parts[partition].inputs[Int(offset)]?.wasSent = true
    while parts[partition].sent < parts[partition].inputs.count,
      parts[partition].inputs[Int(parts[partition].sent)]?.wasSent != false
    {
      parts[partition].sent += 1
    }
  }

  /// A transaction was committed: from now on it is the truth.
  func decided(_ transaction: SimulatedTransaction) {
    commits += 1
    var touched = Set(transaction.offsets.map { Int($0.partition) })
    for (log, key, value) in transaction.records {
      let partition = Int(log.name.partition)
      touched.insert(partition)
      if log.name.topic == SimulatedWorld.changelog {
        parts[partition].folded[key] = value
      } else {
        noteEffect(partition, key)
      }
    }
    for (partition, offset) in transaction.offsets { advance(Int(partition), to: offset) }
    for partition in touched.sorted() where parts[partition].folded != parts[partition].golden {
      world.violated(
        "after transaction \(transaction.number) of \(transaction.instance.name) the changelog of \(partition) "
          + "is not the fold of the inputs before \(parts[partition].decided)")
    }
  }

  private func noteEffect(_ partition: Int, _ key: [UInt8]) {
    let offset = Int(truncatingIfNeeded: UInt64(littleEndianBytes: key))
    guard parts[partition].inputs.indices.contains(offset) else {
      return world.violated("an effect of no input")
    }
    parts[partition].inputs[offset]?.effects += 1
    if parts[partition].inputs[offset]?.effects != 1 {
      world.violated("two effects of \(partition)/\(offset)")
    }
  }

  private func advance(_ partition: Int, to offset: Int64) {
    let before = parts[partition].decided
    if offset < before { world.violated("partition \(partition): committed \(offset) after \(before)") }
    if offset > parts[partition].sent {
      world.violated(
        "partition \(partition): \(offset) committed, outputs are complete up to \(parts[partition].sent) only"
      )
    }
    guard offset <= parts[partition].inputs.count, before < offset else { return }
    for at in Int(before)..<Int(offset) {
      guard let input = parts[partition].inputs[at] else { continue }
      var folded = parts[partition].golden[input.key].map { FoldedKey($0) } ?? FoldedKey()
      folded.take(input.payload, at: Int64(at))
      parts[partition].golden[input.key] = folded.bytes
      if input.effects != 1 { world.violated("\(partition)/\(at) committed with \(input.effects) effects") }
    }
    parts[partition].decided = offset
  }

  /// A file with the changelog's tail behind it is the state, at any moment.
  func file(_ version: SimulatedDisk.Version, _ partition: Int32, of instance: SimulatedInstance) {
    var rows = version.rows
    let log = world.changelogs[Int(partition)]
    let from = version.position.changelogOffset
    if from < 0 { return world.violated("\(instance.name) writes a file without a changelog offset") }
    for offset in Int(from)..<max(Int(from), log.records.count) {
      let record = log.records[offset]
      guard !record.isMarker, !record.isCompacted, record.transaction?.wasCommitted == true else { continue }
      rows[record.key] = record.value
    }
    if rows != parts[Int(partition)].folded {
      world.violated(
        "\(instance.name): file of \(partition) at \(from) and the changelog behind it are not the state")
    }
  }

  /// The owner of a partition begins with what is committed, no more and no less.
  func restored(_ rows: [[UInt8]: [UInt8]], _ partition: Int32, of instance: SimulatedInstance) {
    guard !instance.isDead, world.group.owns(instance, partition) else { return }
    if rows != parts[Int(partition)].folded {
      world.violated("\(instance.name): the restored state of \(partition) is not what is committed")
    }
  }

  /// A lane that ended by itself. What must never be a reason, whatever breaks outside:
  func ended(_ instance: SimulatedInstance, _ failure: String) {
    failures.append(failure)
    let never = [
      "retention was shorter", "does not reach back", "damaged", "nothing to answer", "owned", "badName",
    ]
    if isQuiet || never.contains(where: { failure.contains($0) }) {
      world.violated("\(instance.name) ended: \(failure)")
    }
  }

  var isComplete: Bool {
    parts.indices.allSatisfy { partition in
      parts[partition].decided == parts[partition].inputs.count
        && world.group.committed[Int32(partition), default: 0] == parts[partition].decided
    }
  }

  var progress: String {
    parts.map { "\($0.decided)/\($0.inputs.count)" }.joined(separator: " ")
  }

  func final() {
    for partition in parts.indices {
      if parts[partition].sent != parts[partition].inputs.count { world.violated("outputs are missing") }
      if parts[partition].folded != parts[partition].newest.mapValues(\.bytes) {
        world.violated("partition \(partition): the changelog is not the fold of all inputs")
      }
    }
  }
}
