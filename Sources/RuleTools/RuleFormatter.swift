internal import Files
internal import Rules
internal import YAML

/// Writes a rule file in the one layout that all of them have, comments included.
///
/// What comes out is read again: were it another set of rules, or had it lost a comment, it is refused.
public struct RuleFormatter {
  /// Keys of a rule, a template and a file in their order; others follow as they stood.
  private static let order = [
    "version", "note", "author", "mall", "shop", "conditions", "segments", "rules", "id", "template", "name",
    "description",
    "owner", "state", "priority", "group", "stop", "effective_from", "effective_until", "when", "parameters",
    "params", "scope", "if", "match", "then", "otherwise", "on_cancel", "sample", "labels", "alert", "gift",
    "mark",
    "hold", "channel", "text", "type", "default",
  ]
  /// Columns of a line that is kept on one line.
  private static let columnsMax = 110

  private var output = ""
  private let comments: YAMLComments
  /// Comments before an entry and behind it, by the line the entry begins on.
  private var before: [Int: [String]] = [:]
  private var behind: [Int: String] = [:]
  private var atEnd: [String] = []
  /// Within `tests:` of a rule file, whose keys stay in the order in which they were written.
  private var isInTests = false

  /// The formatted text. Throws when the file cannot be read, or not be formatted without changing it.
  public static func text(of text: String, path: String) throws -> String {
    let root = try wrapped { try YAMLDocument.parse(text, file: path).root }
    guard case .mapping = root.content, let comments = YAMLComments(text, root) else {
      throw UserError("\(path): cannot be formatted: left as it is")
    }
    var formatter = RuleFormatter(comments)
    formatter.placeComments(root)
    formatter.write(root, indent: 0, inRules: true)
    for line in formatter.atEnd { formatter.output += line + "\n" }
    guard try isSame(text, root, formatter.output, comments, path) else {
      throw UserError("\(path): cannot be formatted without changing it: left as it is")
    }
    return formatter.output
  }

  private init(_ comments: YAMLComments) { self.comments = comments }

  // MARK: Comments

  private mutating func placeComments(_ root: YAMLNode) {
    var lines: Set<Int> = []
    collectLines(root, into: &lines)
    let starts = lines.sorted()
    for comment in comments.comments {
      if !comment.isAlone, let line = starts.last(where: { $0 <= comment.line }), behind[line] == nil {
        behind[line] = comment.text
      } else if let line = starts.first(where: { $0 > comment.line }) {
        var list = before[line, default: []]
        if comments.blankLines.contains(comment.line - 1), !list.isEmpty { list.append("") }
        list.append(comment.text)
        before[line] = list
      } else {
        atEnd.append(comment.text)
      }
    }
    // A blank line between a comment and what follows, or before the two.
    for line in starts where comments.blankLines.contains(line - 1) && before[line] != nil {
      before[line]?.append("")
    }
  }

  private func collectLines(_ node: YAMLNode, into lines: inout Set<Int>) {
    guard !isFlow(node) else { return }
    switch node.content {
    case .scalar: break
    case .sequence(let nodes):
      for inner in nodes {
        lines.insert(inner.line)
        collectLines(inner, into: &lines)
      }
    case .mapping(let mapping):
      for entry in mapping.entries {
        lines.insert(entry.keyLocation.line)
        collectLines(entry.value, into: &lines)
      }
    }
  }

  private mutating func lead(_ line: Int, _ indent: Int, blank: Bool) {
    let leading = before.removeValue(forKey: line) ?? []
    if blank, !output.isEmpty, !output.hasSuffix("\n\n") { output += "\n" }
    for text in leading {
      output += text.isEmpty ? "\n" : String(repeating: " ", count: indent) + text + "\n"
    }
  }

  private mutating func endLine(_ line: Int) {
    if let comment = behind.removeValue(forKey: line) { output += "  " + comment }
    output += "\n"
  }

  // MARK: Layout

  /// Flow style is told by its bracket: a block mapping begins with its first key, on the same place.
  private func isFlow(_ node: YAMLNode) -> Bool { comments.isFlow(node) }

  /// A blank line stood before the entry or its comments.
  private func hadBlank(_ line: Int) -> Bool {
    var line = line - 1
    while comments.comments.contains(where: { $0.line == line && $0.isAlone }) { line -= 1 }
    return comments.blankLines.contains(line)
  }

  private mutating func write(
    _ node: YAMLNode, indent: Int, inRules: Bool, firstInline: Bool = false, of parent: String = ""
  ) {
    let spaces = String(repeating: " ", count: indent)
    switch node.content {
    case .scalar: break
    case .sequence(let nodes):
      for (index, inner) in nodes.enumerated() {
        lead(inner.line, indent, blank: inRules && index > 0 && hadBlank(inner.line))
        output += spaces + "- "
        writeValue(inner, key: "", line: inner.line, indent: indent + 2, column: indent + 2, isItem: true)
      }
    case .mapping(let mapping):
      for (index, entry) in sorted(mapping.entries, of: parent).enumerated() {
        let line = entry.keyLocation.line
        let isFirst = index == 0 && firstInline
        lead(line, indent, blank: inRules && index > 0 && indent == 0 && hadBlank(line))
        // Comments of a key that has moved to the front stand above its item.
        output += isFirst ? "" : spaces
        let key = comments.raw[entry.keyLocation] ?? entry.key
        output += key + ":"
        writeValue(
          entry.value, key: entry.key, line: line, indent: indent, column: indent + key.columns + 1,
          isItem: false)
      }
    }
  }

  /// Parameters and named conditions stay as they are written: their keys are names.
  private func sorted(_ entries: [YAMLEntry], of parent: String) -> [YAMLEntry] {
    if isInTests || ["params", "parameters", "conditions", "segments"].contains(parent)
      || entries.contains(where: { $0.key == "type" })
    {
      return entries
    }
    return entries.enumerated().sorted { left, right in
      let a = RuleFormatter.order.firstIndex(of: left.element.key) ?? Int.max
      let b = RuleFormatter.order.firstIndex(of: right.element.key) ?? Int.max
      return (a, left.offset) < (b, right.offset)
    }.map(\.element)
  }

  private mutating func writeValue(
    _ node: YAMLNode, key: String, line: Int, indent: Int, column: Int, isItem: Bool
  ) {
    let gap = isItem ? "" : " "
    let wasInTests = isInTests
    isInTests = isInTests || key == "tests"
    defer { isInTests = wasInTests }
    switch node.content {
    case .scalar:
      output += scalar(node, key: key, indent: indent, column: column, gap: gap, line: line)
    case .sequence(let nodes) where nodes.isEmpty: output += gap + "[]"
    case .mapping(let mapping) where mapping.entries.isEmpty: output += gap + "{}"
    case .sequence, .mapping:
      let flow = isFlow(node) ? flowText(node, of: key) : nil
      if let flow, column + flow.columns < RuleFormatter.columnsMax, !flow.contains("\n") {
        output += gap + flow
        break
      }
      if isItem, case .mapping = node.content {
        // Its first key stands behind the dash: comments before a key that moves there go first.
        write(node, indent: indent, inRules: false, firstInline: true)
        return
      }
      endLine(line)
      write(node, indent: indent + 2, inRules: key == "rules" || key == "tests", of: key)
      return
    }
    endLine(line)
  }

  private func flowText(_ node: YAMLNode, of parent: String = "") -> String {
    switch node.content {
    case .scalar(let text, _): comments.raw[node.location] ?? text
    case .sequence(let nodes): "[\(nodes.map { flowText($0) }.joined(separator: ", "))]"
    case .mapping(let mapping):
      "{"
        + sorted(mapping.entries, of: parent).map { entry in
          let value = flowText(entry.value, of: entry.key)
          return (comments.raw[entry.keyLocation] ?? entry.key) + ":" + (value.isEmpty ? "" : " " + value)
        }.joined(separator: ", ") + "}"
    }
  }

  private mutating func scalar(
    _ node: YAMLNode, key: String, indent: Int, column: Int, gap: String, line: Int
  ) -> String {
    guard case .scalar(let text, let style) = node.content else { return "" }
    let raw = comments.raw[node.location]
    let isBlock = raw.map { $0.hasPrefix("|") || $0.hasPrefix(">") } ?? false
    let deeper = String(repeating: " ", count: indent + 2)
    if ["if", "match"].contains(key), let condition = condition(text) {
      if column + condition.columns + 3 > RuleFormatter.columnsMax {
        let head = behind.removeValue(forKey: line).map { " >-  \($0)" } ?? " >-"
        let lines = RuleFormatter.folded(condition, columns: RuleFormatter.columnsMax - indent - 2)
        return head + "\n" + lines.map { deeper + $0 }.joined(separator: "\n")
      }
      if condition == text, let raw, !isBlock { return gap + raw }
      if YAMLText.isPlain(condition) { return gap + condition }
      return gap + "'" + condition.replacing("'", with: "''") + "'"
    }
    if isBlock, let raw {
      let lines = raw.split(separator: "\n", omittingEmptySubsequences: false)
      let head = gap + (lines.first.map(String.init) ?? "")
      let comment = behind.removeValue(forKey: line).map { "  \($0)" } ?? ""
      return head + comment + lines.dropFirst().map { $0.isEmpty ? "\n" : "\n" + deeper + $0 }.joined()
    }
    if let raw { return gap + (raw.contains("\n") ? YAMLText.quoted(text) : raw) }
    return text.isEmpty && style == .plain ? "" : gap + text
  }

  // MARK: Conditions

  /// With single spaces, parentheses as they were written; nil when it is better left alone.
  private func condition(_ text: String) -> String? {
    guard case .success(let expression) = Parser.parse(text), !text.contains("//") else { return nil }
    let printed = expression.description
    func bare(_ text: String) -> [Unicode.Scalar] {
      text.unicodeScalars.filter { !" \n\t\r".unicodeScalars.contains($0) }
    }
    if bare(printed) == bare(text) { return printed }
    return RuleFormatter.spaced(text)
  }

  /// Runs of white space outside of quotes become one space.
  private static func spaced(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var quote: Unicode.Scalar?
    var escaped = false
    for scalar in text.unicodeScalars {
      if let open = quote {
        result.append(scalar)
        if escaped {
          escaped = false
        } else if scalar == "\\" {
          escaped = true
        } else if scalar == open {
          quote = nil
        }
      } else if " \n\t\r".unicodeScalars.contains(scalar) {
        if result.last != " ", !result.isEmpty { result.append(" ") }
      } else {
        if scalar == "\"" || scalar == "'" { quote = scalar }
        result.append(scalar)
      }
    }
    while result.last == " " { result.removeLast() }
    return String(result)
  }

  /// Broken before `&&` and `||`, outside of quotes.
  private static func folded(_ text: String, columns: Int) -> [String] {
    var words: [String] = [""]
    var quote: Character?
    var escaped = false
    for character in text {
      if let open = quote {
        words[words.count - 1].append(character)
        if escaped {
          escaped = false
        } else if character == "\\" {
          escaped = true
        } else if character == open {
          quote = nil
        }
        continue
      }
      if character == "\"" || character == "'" { quote = character }
      if character == " " { words.append("") } else { words[words.count - 1].append(character) }
    }
    var parts: [String] = []
    for word in words {
      if word == "&&" || word == "||" || parts.isEmpty {
        parts.append(word)
      } else {
        parts[parts.count - 1] += " " + word
      }
    }
    var lines: [String] = []
    for part in parts {
      if let last = lines.last, last.columns + 1 + part.columns <= columns {
        lines[lines.count - 1] = last + " " + part
      } else {
        lines.append(part)
      }
    }
    return lines
  }

  // MARK: Proof

  private static func isSame(
    _ text: String, _ root: YAMLNode, _ result: String, _ comments: YAMLComments, _ path: String
  ) throws -> Bool {
    guard let again = try? YAMLDocument.parse(result, file: path).root, same(root, again, key: ""),
      let kept = YAMLComments(result, again)
    else { return false }
    guard kept.comments.map(\.text).sorted() == comments.comments.map(\.text).sorted() else { return false }
    let before = RuleBook.examine(files: [(path, text)])
    let after = RuleBook.examine(files: [(path, result)])
    return before.book.shared.hash == after.book.shared.hash && before.problems.count == after.problems.count
  }

  private static func same(_ a: YAMLNode, _ b: YAMLNode, key: String) -> Bool {
    switch (a.content, b.content) {
    case (.scalar(let x, _), .scalar(let y, _)):
      if ["if", "match"].contains(key), case .success(let left) = Parser.parse(x),
        case .success(let right) = Parser.parse(y)
      {
        return left == right
      }
      return x.utf8.elementsEqual(y.utf8) && a.kindName == b.kindName
    case (.sequence(let x), .sequence(let y)):
      return x.count == y.count && zip(x, y).allSatisfy { same($0, $1, key: key) }
    case (.mapping(let x), .mapping(let y)):
      return x.entries.count == y.entries.count
        && x.entries.allSatisfy { entry in
          y[entry.key].map { same(entry.value, $0, key: entry.key) } ?? false
        }
    default: return false
    }
  }
}

extension YAMLComments {
  /// A list or mapping in brackets.
  func isFlow(_ node: YAMLNode) -> Bool {
    guard node.line >= 1, node.line <= lines.count, node.column <= lines[node.line - 1].count else {
      return false
    }
    switch node.content {
    case .scalar: return false
    case .sequence: return lines[node.line - 1][node.column - 1] == "["
    case .mapping: return lines[node.line - 1][node.column - 1] == "{"
    }
  }
}
