import ApplyStage
import Dispatch
import Stage
import Synchronization
import Topics

/// The rows of ledgers that are whole in memory: put together by two threads, chunk by chunk, written in the order of
/// the orders' identities.
final class LabelChunks: Sendable {
  /// Orders of a chunk: some hundred kilobytes, which stay in the processor's cache.
  private static let orders = 64
  /// Chunks put together and not yet written.
  private static let waitingMax = 4

  private struct Progress {
    /// The next chunk to be put together.
    var next = 0
    /// The next one to be written.
    var written = 0
    var isWriting = false
    var ready: [Int: RowBuffer] = [:]
    var spare: [RowBuffer] = []
    var counts = FinalLabels.Counts()
    var failure: (any Error)?
  }

  private let ledgers: [LedgerRecords]
  /// All records in their order: ledger, place.
  private let records: [(ledger: Int32, place: Int32)]
  private let progress = Mutex(Progress())
  private let room = DispatchSemaphore(value: LabelChunks.waitingMax)

  init(_ ledgers: [LedgerRecords]) {
    self.ledgers = ledgers
    var places = ledgers.map { _ in 0 }
    var records: [(ledger: Int32, place: Int32)] = []
    records.reserveCapacity(ledgers.reduce(0) { $0 + $1.count })
    while true {
      var first: (ledger: Int, key: [UInt8])?
      for (index, ledger) in ledgers.enumerated() where places[index] < ledger.count {
        let key = ledger.key(places[index])
        if let current = first?.key, !key.lexicographicallyPrecedes(current) { continue }
        first = (index, key)
      }
      guard let first else { break }
      records.append((Int32(first.ledger), Int32(places[first.ledger])))
      places[first.ledger] += 1
    }
    self.records = records
  }

  /// Writes all rows; what was counted on the way.
  func write(to file: OutputFile) throws -> FinalLabels.Counts {
    try file.flush()
    let target = Target(file: file)
    let helper = NativeThread(name: "labels") { [self] in work(target) }
    work(target)
    helper?.join()
    return try progress.withLock { progress in
      if let failure = progress.failure { throw failure }
      return progress.counts
    }
  }

  /// Only who has set `isWriting` uses it.
  private struct Target: @unchecked Sendable {
    let file: OutputFile
  }

  private func work(_ target: Target) {
    var labels = FinalLabels()
    do {
      while let (chunk, rows) = take() {
        try fill(rows, chunk, &labels)
        try finish(chunk, rows, target)
      }
    } catch {
      progress.withLock { $0.failure = $0.failure ?? error }
    }
    // Whoever waits for room looks again, and sees that there is nothing left.
    room.signal()
    progress.withLock { [counts = labels.counts] in $0.counts.add(counts) }
  }

  /// The next chunk and where its rows go; nil when there is none, or all is in vain.
  private func take() -> (Int, RowBuffer)? {
    room.wait()
    return progress.withLock { progress in
      let chunk = progress.next
      guard chunk * LabelChunks.orders < records.count, progress.failure == nil else { return nil }
      progress.next += 1
      return (chunk, progress.spare.popLast() ?? RowBuffer())
    }
  }

  private func fill(_ rows: RowBuffer, _ chunk: Int, _ labels: inout FinalLabels) throws {
    var writer = ProtobufWriter(capacity: 4096)
    let start = chunk * LabelChunks.orders
    for (ledger, place) in records[start..<min(start + LabelChunks.orders, records.count)] {
      let ledger = ledgers[Int(ledger)]
      writer.removeAll()
      ledger.write(Int(place), into: &writer)
      try ledger.key(Int(place)).withUnsafeBytes { key in
        try writer.withUnsafeBytes { try labels.write(key, $0, to: rows) }
      }
    }
  }

  /// Hands a chunk in, and writes what is next as long as it is there and nobody else does.
  private func finish(_ chunk: Int, _ rows: RowBuffer, _ target: Target) throws {
    var next = progress.withLock { progress in
      progress.ready[chunk] = rows
      if progress.isWriting { return RowBuffer?.none }
      progress.isWriting = true
      return LabelChunks.next(&progress)
    }
    while let rows = next {
      try rows.withBytes { try target.file.write($0) }
      rows.removeAll()
      next = progress.withLock { progress in
        progress.spare.append(rows)
        return LabelChunks.next(&progress)
      }
      room.signal()
    }
  }

  /// The chunk that is to be written now; without one nobody is writing.
  private static func next(_ progress: inout Progress) -> RowBuffer? {
    guard let rows = progress.ready.removeValue(forKey: progress.written) else {
      progress.isWriting = false
      return nil
    }
    progress.written += 1
    return rows
  }
}
