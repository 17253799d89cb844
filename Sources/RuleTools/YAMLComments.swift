internal import YAML

/// What the tree of a YAML file does not have: its comments, its blank lines, and its quoted texts as written.
struct YAMLComments {
  struct Comment: Equatable {
    /// From 1.
    var line: Int
    var text: String
    /// Nothing but the comment stands on its line.
    var isAlone: Bool
  }

  private(set) var comments: [Comment] = []
  private(set) var blankLines: Set<Int> = []
  /// Quoted texts and blocks by their place, as written.
  private(set) var raw: [YAMLLocation: String] = [:]
  let lines: [[Unicode.Scalar]]
  private let starts: [Int: [Int: YAMLLocation]]

  /// Nil when a text is written in a way that cannot be kept (a block with its indentation given in digits).
  init?(_ text: String, _ root: YAMLNode) {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      Array(
        line.unicodeScalars.last == "\r" ? Substring(line.dropLast()).unicodeScalars : line.unicodeScalars)
    }
    var starts: [Int: [Int: YAMLLocation]] = [:]
    YAMLComments.collect(root) { starts[$0.line, default: [:]][$0.column] = $0 }
    self.starts = starts
    guard scan() else { return nil }
  }

  private static func collect(_ node: YAMLNode, _ add: (YAMLLocation) -> Void) {
    switch node.content {
    case .scalar: add(node.location)
    case .sequence(let nodes): for inner in nodes { collect(inner, add) }
    case .mapping(let mapping):
      for entry in mapping.entries {
        add(entry.keyLocation)
        collect(entry.value, add)
      }
    }
  }

  private mutating func scan() -> Bool {
    var line = 0
    var column = 0
    while line < lines.count {
      if column == 0, lines[line].allSatisfy({ $0 == " " || $0 == "\t" }) {
        blankLines.insert(line + 1)
        line += 1
        continue
      }
      guard column < lines[line].count else {
        (line, column) = (line + 1, 0)
        continue
      }
      let scalar = lines[line][column]
      if let place = starts[line + 1]?[column + 1] {
        switch scalar {
        case "'", "\"":
          guard scanQuoted(scalar, place, &line, &column) else { return false }
          continue
        case "|", ">":
          guard scanBlock(place, &line, &column) else { return false }
          continue
        default: break
        }
      }
      if scalar == "#", column == 0 || " \t".unicodeScalars.contains(lines[line][column - 1]) {
        addComment(line, column)
        (line, column) = (line + 1, 0)
      } else {
        column += 1
      }
    }
    return true
  }

  private mutating func addComment(_ line: Int, _ column: Int) {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: lines[line][column...])
    while text.last == " " || text.last == "\t" { text.removeLast() }
    let isAlone = lines[line][..<column].allSatisfy { $0 == " " || $0 == "\t" }
    comments.append(Comment(line: line + 1, text: String(text), isAlone: isAlone))
  }

  private mutating func scanQuoted(
    _ quote: Unicode.Scalar, _ place: YAMLLocation, _ line: inout Int, _ column: inout Int
  ) -> Bool {
    var text = String.UnicodeScalarView([quote])
    column += 1
    while line < lines.count {
      guard column < lines[line].count else {
        text.append("\n")
        (line, column) = (line + 1, 0)
        continue
      }
      let scalar = lines[line][column]
      text.append(scalar)
      column += 1
      if scalar == "\\", quote == "\"", column < lines[line].count {
        text.append(lines[line][column])
        column += 1
      } else if scalar == quote {
        if quote == "'", column < lines[line].count, lines[line][column] == "'" {
          text.append("'")
          column += 1
          continue
        }
        raw[place] = String(text)
        return true
      }
    }
    return false
  }

  /// A block: its head, then every line that is blank or stands deeper than what holds it.
  private mutating func scanBlock(_ place: YAMLLocation, _ line: inout Int, _ column: inout Int) -> Bool {
    var head = String.UnicodeScalarView()
    while column < lines[line].count, lines[line][column] != " ", lines[line][column] != "#" {
      if ("0"..."9").contains(lines[line][column]) { return false }
      head.append(lines[line][column])
      column += 1
    }
    if let hash = lines[line][column...].firstIndex(of: "#") { addComment(line, hash) }
    var body: [String] = []
    var indent: Int?
    line += 1
    column = 0
    while line < lines.count {
      let spaces = lines[line].prefix { $0 == " " }.count
      if spaces == lines[line].count {
        body.append("")
        line += 1
        continue
      }
      if let indent {
        guard spaces >= indent else { break }
      } else {
        guard spaces > 0 else { break }
        indent = spaces
      }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: lines[line].dropFirst(indent ?? 0))
      body.append(String(text))
      line += 1
    }
    while body.last == "" { body.removeLast() }
    raw[place] = ([String(head)] + body).joined(separator: "\n")
    return true
  }
}
