/// Conditions that have a name, written `cond.name` in others: each definition stands once, in one place.
struct NamedConditions {
  private struct Definition {
    var expression: Expression
    var source: SourceText
    var usesOthers: Bool
  }

  /// Names of one set of files.
  static let countMax = 500

  /// Nil: there is one of this name, but something is wrong with it that is reported already.
  private var definitions: [String: Definition?] = [:]
  private var isResolved = false

  var count: Int { definitions.count }
  func isDefined(_ name: String) -> Bool { definitions[name] != nil }
  func usesOthers(_ name: String) -> Bool { (definitions[name] ?? nil)?.usesOthers ?? false }

  mutating func define(_ name: String, _ expression: Expression?, _ source: SourceText?) {
    guard let expression, let source else {
      definitions[name] = .some(nil)
      return
    }
    definitions[name] = Definition(
      expression: expression, source: source, usesOthers: !NamedConditions.names(in: expression).isEmpty)
  }

  mutating func poison(_ name: String) { definitions[name] = .some(nil) }

  var resolved: [(name: String, expression: Expression, source: SourceText)] {
    definitions.compactMap { name, value in value.map { (name, $0.expression, $0.source) } }
      .sorted { $0.0 < $1.0 }
  }

  static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(48...57).contains(first), text.utf8.count <= 64 else { return false }
    return text.utf8.allSatisfy {
      (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
    }
  }

  /// Names after `cond.` in an expression, and segments.
  static func names(in expression: Expression) -> Set<String> {
    if let name = name(expression) { return [name] }
    return expression.children.reduce(into: []) { $0.formUnion(names(in: $1)) }
  }

  private static func hasNames(_ expression: Expression) -> Bool {
    name(expression) != nil || expression.hasChild(where: hasNames)
  }

  static func speaksOfItem(_ expression: Expression) -> Bool {
    if case .name("item") = expression.kind { return true }
    return expression.children.contains(where: speaksOfItem)
  }

  private static func name(_ expression: Expression) -> String? {
    guard case .member(let base, let name) = expression.kind, case .name("cond") = base.kind else {
      return segmentKey(expression)
    }
    return name
  }

  /// Puts the definitions into each other; each problem with the place it stands in.
  mutating func resolve() -> [(Problem, SourceText)] {
    var problems: [(Problem, SourceText)] = []
    var done: Set<String> = []
    for name in definitions.keys.sorted() { resolve(name, [], &done, &problems) }
    return problems
  }

  private mutating func resolve(
    _ name: String, _ above: [String], _ done: inout Set<String>, _ problems: inout [(Problem, SourceText)]
  ) {
    guard !done.contains(name), let found = definitions[name], var definition = found else { return }
    if above.contains(name) || above.count > Expression.depthMax {
      let path = (above + [name]).joined(separator: " → ")
      problems.append((Problem(offset: 0, message: "conditions go in a circle: \(path)"), definition.source))
      definitions[name] = .some(nil)
      return
    }
    for other in NamedConditions.names(in: definition.expression).sorted() {
      resolve(other, above + [name], &done, &problems)
    }
    done.insert(name)
    guard let still = definitions[name], still != nil else { return }
    var found2: [Problem] = []
    guard let filled = filling(definition.expression, &found2) else {
      problems += found2.map { ($0, definition.source) }
      definitions[name] = .some(nil)
      return
    }
    definition.expression = filled
    definitions[name] = definition
  }

  /// Every `cond.x` replaced by its definition; nil when one of them is unknown or wrong, or the result too large.
  func filling(_ expression: Expression, _ problems: inout [Problem]) -> Expression? {
    guard NamedConditions.hasNames(expression) else { return expression }
    let names = NamedConditions.names(in: expression)
    var isWhole = true
    for name in names.sorted() {
      switch definitions[name] {
      case .none:
        let isSegment = NamedConditions.isSegmentKey(name)
        let known = definitions.keys.filter { NamedConditions.isSegmentKey($0) == isSegment }
        let guess = closest(to: name, among: known.sorted())
        problems.append(
          Problem(
            offset: NamedConditions.offset(of: name, in: expression) ?? expression.offset,
            message: "unknown \(isSegment ? "segment" : "condition"): \(name)",
            hint: guess.map { "did you mean \(isSegment ? "" : "cond.")\($0)?" }))
        isWhole = false
      case .some(.none): isWhole = false
      case .some(.some): break
      }
    }
    guard isWhole else { return nil }
    let result = replaced(expression)
    let size = result.size(limit: Expression.nodesMax)
    guard size.nodes <= Expression.nodesMax, size.depth <= Expression.depthMax * 2 else {
      problems.append(
        Problem(offset: expression.offset, message: "with its named conditions the condition is too large"))
      return nil
    }
    return result
  }

  private func replaced(_ expression: Expression) -> Expression {
    if let name = NamedConditions.name(expression), let found = definitions[name], let definition = found {
      return definition.expression.moved(to: expression.offset)
    }
    return expression.mapChildren { replaced($0) }
  }

  private static func offset(of name: String, in expression: Expression) -> Int? {
    if self.name(expression) == name { return expression.offset }
    for child in expression.children { if let offset = offset(of: name, in: child) { return offset } }
    return nil
  }
}
