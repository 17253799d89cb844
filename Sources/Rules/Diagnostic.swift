/// One problem in a rule file or an expression: where, what, and what to do about it.
public struct Diagnostic: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Severity: String, Sendable { case error, warning, note }

  public var severity: Severity
  /// Path of the file as it was given; empty for a bare expression.
  public var file: String
  /// From 1.
  public var line: Int
  /// From 1, in Unicode scalars.
  public var column: Int
  /// Fixed words first, values last.
  public var message: String
  public var hint: String?
  /// The source line the position lies in, for the caret; nil when it is not at hand.
  public var sourceLine: String?
  /// Column of the caret within `sourceLine`, from 1.
  public var caret: Int

  public init(
    severity: Severity = .error, file: String = "", line: Int, column: Int, message: String,
    hint: String? = nil, sourceLine: String? = nil, caret: Int? = nil
  ) {
    self.severity = severity
    self.file = file
    self.line = line
    self.column = column
    self.message = message
    self.hint = hint
    self.sourceLine = sourceLine
    self.caret = caret ?? column
  }

  /// `file:line:column: error: message`, the source line, a caret under it, the hint.
  public var description: String {
    var text = file.isEmpty ? "" : "\(file):"
    text += "\(line):\(column): \(severity.rawValue): \(message)"
    if let sourceLine {
      text += "\n  \(sourceLine)\n  "
      for scalar in sourceLine.unicodeScalars.prefix(max(caret - 1, 0)) {
        text += Diagnostic.isWide(scalar) ? "  " : " "
      }
      text += "^"
    }
    if let hint { text += "\n  hint: \(hint)" }
    return text
  }

  /// Hangul, CJK and full-width forms take two columns in a terminal.
  private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
      0xFFE0...0xFFE6, 0x1F300...0x1FAFF:
      true
    default: false
    }
  }
}

/// What went wrong at a byte of an expression, before it is known which file the expression stands in.
struct Problem: Hashable, Sendable {
  var offset: Int
  var message: String
  var hint: String?
}

extension Diagnostic {
  /// A problem at a byte offset of `source`.
  init(_ problem: Problem, in source: String, file: String = "") {
    let bytes = Array(source.utf8)
    let offset = min(max(problem.offset, 0), bytes.count)
    var lineStart = 0
    var line = 1
    for index in 0..<offset where bytes[index] == 10 {
      line += 1
      lineStart = index + 1
    }
    var lineEnd = offset
    while lineEnd < bytes.count, bytes[lineEnd] != 10 { lineEnd += 1 }
    let column = String(decoding: bytes[lineStart..<offset], as: UTF8.self).unicodeScalars.count + 1
    let text = String(decoding: bytes[lineStart..<lineEnd], as: UTF8.self)
    self.init(
      file: file, line: line, column: column, message: problem.message, hint: problem.hint,
      sourceLine: text.utf8.count <= 400 ? text : nil)
  }
}

/// The closest of `candidates`, when close enough to be a slip of the hand.
func closest(to word: String, among candidates: some Sequence<String>) -> String? {
  let letters = Array(word.unicodeScalars.prefix(80))
  let allowed = max(1, letters.count / 3)
  var best: (distance: Int, word: String)?
  for candidate in candidates {
    let distance = editDistance(letters, Array(candidate.unicodeScalars.prefix(80)))
    if distance <= allowed, distance < (best?.distance ?? .max) { best = (distance, candidate) }
  }
  return best?.word
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
private func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
  var beforeLast = [Int](repeating: 0, count: right.count + 1)
  var last = Array(0...right.count)
  for (i, a) in left.enumerated() {
    var current = [i + 1] + [Int](repeating: 0, count: right.count)
    for (j, b) in right.enumerated() {
      current[j + 1] = min(last[j + 1] + 1, current[j] + 1, last[j] + (a == b ? 0 : 1))
      if i > 0, j > 0, a == right[j - 1], left[i - 1] == b {
        current[j + 1] = min(current[j + 1], beforeLast[j - 1] + 1)
      }
    }
    beforeLast = last
    last = current
  }
  return last[right.count]
}
