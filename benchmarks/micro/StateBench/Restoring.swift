import Glibc
import Stage
import Store

/// A changelog in a file: `[key length, value length, key, value]`, in an order that has nothing to do with the keys.
enum Restoring {
  static let headBytes = 8

  static func dump(_ directory: String) throws {
    let state = try PartitionState.open(
      directory: directory, name: "state", identity: BenchLane.schema, cacheKiB: 8_192)
    guard let sorted = fopen(directory + "/sorted", "w+"), let log = fopen(directory + "/changelog", "w") else {
      throw Failure("no file can be made in \(directory)")
    }
    var starts: [(at: Int, count: Int)] = []
    var end = 0
    try state.scan(prefix: []) { key, value in
      var head: (UInt32, UInt32) = (UInt32(key.count), UInt32(value.count))
      fwrite(&head, 1, headBytes, sorted)
      fwrite(key.baseAddress, 1, key.count, sorted)
      fwrite(value.baseAddress, 1, value.count, sorted)
      let count = headBytes + key.count + value.count
      starts.append((end, count))
      end += count
    }
    fflush(sorted)
    var random: UInt64 = 1
    for index in starts.indices.reversed() {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      starts.swapAt(index, Int((random >> 33) % UInt64(index + 1)))
    }
    var buffer = [UInt8](repeating: 0, count: 16 << 20)
    for entry in starts {
      guard pread(fileno(sorted), &buffer, entry.count, entry.at) == entry.count else {
        throw Failure("the dump cannot be read back")
      }
      fwrite(buffer, 1, entry.count, log)
    }
    fclose(sorted)
    fclose(log)
    unlink(directory + "/sorted")
    print("changelog: \(starts.count) records, \(end >> 20) MB")
  }

  /// As the lane rolls a file forward.
  static func restore(_ directory: String) throws {
    guard let log = fopen(directory + "/changelog", "r") else { throw Failure("no changelog in \(directory)") }
    setvbuf(log, nil, _IOFBF, 1 << 20)
    try PartitionState.delete(directory: directory, name: "restored")
    let cpu = cpuSeconds()
    let wall = wallSeconds()
    let state = try PartitionState.open(
      directory: directory, name: "restored", identity: BenchLane.schema, cacheKiB: 8_192)
    var pending = StateChanges()
    var offset: Int64 = 0
    func flush() throws {
      let indices = pending.folded(partition: 0)
      try state.apply(position: StatePosition(inputOffset: -1, changelogOffset: offset)) { put in
        for index in indices { try pending.withEntry(index) { key, value in try put(key, value) } }
      }
      pending.removeAll()
    }
    var head: (UInt32, UInt32) = (0, 0)
    var buffer = [UInt8](repeating: 0, count: 16 << 20)
    while fread(&head, 1, headBytes, log) == headBytes {
      let (keyCount, count) = (Int(head.0), Int(head.0) + Int(head.1))
      guard fread(&buffer, 1, count, log) == count else { throw Failure("the changelog is cut") }
      buffer.withUnsafeBytes { bytes in
        pending.put(
          partition: 0, key: UnsafeRawBufferPointer(rebasing: bytes[..<keyCount]),
          value: UnsafeRawBufferPointer(rebasing: bytes[keyCount..<count]))
      }
      offset += 1
      if pending.byteCount > 24 << 20 { try flush() }
    }
    try flush()
    try state.checkpointWAL()
    print(
      "restored \(offset) records: \(wallSeconds() - wall) s, CPU \(cpuSeconds() - cpu) s, peak memory "
        + "\(ProcessMemory.peakBytes >> 20) MB")
  }

  static func reopen(_ directory: String) throws {
    let wall = wallSeconds()
    let state = try PartitionState.open(
      directory: directory, name: "state", identity: BenchLane.schema, cacheKiB: 8_192)
    if state.fileBytes <= 512 << 20 { try state.verifyAll() }
    let count = try state.count()
    print(
      "reopened \(state.fileBytes >> 20) MB, \(count) records: \(wallSeconds() - wall) s, peak memory "
        + "\(ProcessMemory.peakBytes >> 20) MB")
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }
}
