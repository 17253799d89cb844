import Orders
import Stage
import Synchronization
import Topics

/// `dead-letters.ndjson` of a trial run: reason and place, never the contents. Any thread may add to it.
final class DeadLetterFile: Sendable {
  private struct Output: ~Copyable {
    let file: OutputFile
    var failure: (any Error)?
  }
  private let output: Mutex<Output>

  init(_ path: String) throws { output = Mutex(Output(file: try OutputFile(path), failure: nil)) }

  /// A line of the orders file that ingest refused.
  func add(_ line: Int64, _ problems: [Problem], _ bytes: Int) {
    var letter = DeadLetterValue()
    letter.stage = "ingest"
    letter.source = "file"
    letter.position = line
    letter.at = Instant(microseconds: wallClockUs())
    letter.problems = problems
    letter.bodyBytes = Int64(bytes)
    add(letter)
  }

  /// A record that a later stage refused.
  func add(_ letter: DeadLetterValue) {
    var json = JSONWriter()
    letter.writeJSON(into: &json)
    let bytes = json.bytes
    output.withLock { output in
      do { try output.file.write(bytes) } catch { output.failure = output.failure ?? error }
    }
  }

  func finish() throws {
    try output.withLock { output in
      try output.file.flush()
      if let failure = output.failure { throw failure }
    }
  }
}
