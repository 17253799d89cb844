import Orders
import Stage
import Topics

/// `dead-letters.ndjson`: reason and line, never the contents.
final class DeadLetterFile {
  private let file: OutputFile
  private var failure: (any Error)?

  init(_ path: String) throws { file = try OutputFile(path) }

  func add(_ line: Int64, _ problems: [Problem], _ bytes: Int) {
    var letter = DeadLetterValue()
    letter.stage = "ingest"
    letter.source = "file"
    letter.position = line
    letter.at = Instant(microseconds: wallClockUs())
    letter.problems = problems
    letter.bodyBytes = Int64(bytes)
    var json = JSONWriter()
    letter.writeJSON(into: &json)
    do { try file.write(json.bytes) } catch { failure = failure ?? error }
  }

  func finish() throws {
    try file.flush()
    if let failure { throw failure }
  }
}
