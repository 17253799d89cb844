@testable import Kafka
@testable import Stage
@testable import Store

/// What is kept of a key: it depends on every input of it, on their order, and on nothing else.
struct FoldedKey: Equatable {
  var count: UInt64 = 0
  var sum: UInt64 = 0
  var trail: UInt64 = 0
  var last: Int64 = -1

  mutating func take(_ payload: UInt64, at offset: Int64) {
    count &+= 1
    sum &+= payload
    trail = (trail &* 0x100_0000_01B3) ^ payload
    last = offset
  }

  var bytes: [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(32)
    for word in [count, sum, trail, UInt64(bitPattern: last)] { result += word.littleEndianBytes }
    return result
  }

  init() {}

  init(_ bytes: [UInt8]) {
    let words = (0..<4).map { UInt64(littleEndianBytes: bytes[($0 * 8)..<($0 * 8 + 8)]) }
    (count, sum, trail, last) = (words[0], words[1], words[2], Int64(bitPattern: words[3]))
  }

  /// What the input at `last` sends: its position and what was known then.
  func output(_ payload: UInt64) -> [UInt8] { UInt64(bitPattern: last).littleEndianBytes + bytes }
}

extension UInt64 {
  var littleEndianBytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) } }

  init(littleEndianBytes bytes: some Sequence<UInt8>) {
    self = 0
    for (index, byte) in bytes.enumerated() { self |= UInt64(byte) << (UInt64(index) * 8) }
  }
}

/// The stage of the simulation: folds per key, one output and one effect for each input. Keeps in memory only
/// what the file does not have yet, as the real ones do when memory is short.
final class FoldProcessor: StatefulProcessor {
  private struct Part {
    var file: SimulatedStateFile
    var memory: [[UInt8]: FoldedKey] = [:]
    var changed: Set<[UInt8]> = []
    var effects: [Int64] = []
  }

  unowned let instance: SimulatedInstance
  private var parts: [Int32: Part] = [:]
  private let output = TopicHandle(index: 0, partitionCount: 1)

  init(_ instance: SimulatedInstance) { self.instance = instance }

  func open(_ partition: Int32, state: SimulatedStateFile) throws {
    if parts[partition] != nil { instance.world.violated("partition \(partition) opened twice") }
    instance.world.checkRestored(state.rows, partition, of: instance)
    parts[partition] = Part(file: state)
  }

  func close(_ partition: Int32) { parts[partition] = nil }

  func process(_ batch: MessageBatch, outputs: SimulatedOutputs) throws {
    for index in 0..<batch.count {
      let message = batch[index]
      let key = message.key.map { [UInt8]($0) } ?? []
      let payload = UInt64(littleEndianBytes: message.value.map { [UInt8]($0) } ?? [])
      guard var part = parts.removeValue(forKey: message.partition) else {
        instance.world.violated("\(instance.name) was handed an input of a partition that is not open")
        continue
      }
      defer { parts[message.partition] = part }
      var folded = try part.memory[key] ?? part.file.value(key).map { FoldedKey($0) } ?? FoldedKey()
      folded.take(payload, at: message.offset)
      part.memory[key] = folded
      part.changed.insert(key)
      part.effects.append(message.offset)
      let value = folded.output(payload)
      try key.withUnsafeBytes { key in
        try value.withUnsafeBytes { value in
          _ = try outputs.send(topic: output, partition: message.partition, key: key, value: value)
        }
      }
    }
  }

  func collect(into changes: inout StateChanges) throws {
    for partition in parts.keys.sorted() {
      guard var part = parts[partition] else { continue }
      for key in part.changed.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
        guard let value = part.memory[key]?.bytes else { continue }
        key.withUnsafeBytes { key in
          value.withUnsafeBytes { changes.put(partition: partition, key: key, value: $0) }
        }
      }
      for offset in part.effects {
        UInt64(bitPattern: offset).littleEndianBytes.withUnsafeBytes {
          changes.send(causedBy: partition, topic: 0, to: partition, key: $0, value: $0)
        }
      }
      part.changed.removeAll()
      part.effects.removeAll()
      parts[partition] = part
    }
  }

  func persisted() {
    for partition in parts.keys {
      guard let part = parts[partition] else { continue }
      parts[partition]?.memory = part.memory.filter { part.changed.contains($0.key) }
    }
  }

  var dirtyBytes: Int { parts.values.reduce(0) { $0 + $1.memory.count * 33 } }
}
