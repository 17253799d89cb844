/// What rows are written to, front to back.
protocol RowSink: AnyObject {
  func write(_ bytes: UnsafeRawBufferPointer) throws
  /// Room for `count` bytes, into which the body writes; it returns how many it has written.
  func append(atMost count: Int, _ body: (UnsafeMutableRawPointer) -> Int) throws
}

extension OutputFile: RowSink {}

/// Rows in memory that grows with them and is used again. Goes from hand to hand: one thread at a time.
final class RowBuffer: RowSink, @unchecked Sendable {
  private var memory = UnsafeMutableRawPointer.allocate(byteCount: RowBuffer.startBytes, alignment: 16)
  private var size = RowBuffer.startBytes
  private var used = 0
  private static let startBytes = 1 << 18

  deinit { memory.deallocate() }

  /// Lent for the time of the call.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try body(UnsafeRawBufferPointer(start: memory, count: used))
  }

  func removeAll() { used = 0 }

  func write(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    append(atMost: bytes.count) { room in
      room.copyMemory(from: start, byteCount: bytes.count)
      return bytes.count
    }
  }

  func append(atMost count: Int, _ body: (UnsafeMutableRawPointer) -> Int) {
    if count > size - used { grow(by: count) }
    used += body(memory + used)
  }

  private func grow(by count: Int) {
    size = max(size * 2, used + count)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    larger.copyMemory(from: memory, byteCount: used)
    memory.deallocate()
    memory = larger
  }
}
