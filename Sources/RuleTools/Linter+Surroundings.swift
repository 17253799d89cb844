internal import Orders
internal import Rules
internal import YAML

/// Rules and what they need from outside: lists, facts of the mall, time; and the parameters of templates.
extension Linter {
  mutating func lookAround(_ rule: Rule) {
    lookAtLists(rule)
    lookAtValues(rule)
    lookAtNeeds(rule)
    lookAtCoupons(rule)
    if let until = rule.effectiveUntil, let now = surroundings.now, until <= now, rule.isDecided {
      say(
        .warning, "over", [rule], key: "effective_until",
        "the rule's time is over since \(until.rfc3339(in: surroundings.zone))",
        hint: "write state: retired, or a later effective_until")
    }
  }

  private mutating func lookAtLists(_ rule: Rule) {
    guard let known = surroundings.lists else { return }
    var said: Set<String> = []
    for part in conditionParts(rule) {
      for call in part.expression.listCalls
      where !known.contains(call.name) && said.insert(call.name).inserted {
        let guess = closestName(to: call.name, among: known.sorted())
        say(
          .warning, "unknown-list", [rule], at: call.expression, key: part.key,
          "there is no list \(Expression.quote(call.name)) in the reference data: the rule stays unknown",
          hint: guess.map { "did you mean \(Expression.quote($0))?" } ?? "lists are \(shown(known))")
      }
    }
  }

  /// Values that no platform is known to send: others may come, but a slip is likelier.
  private mutating func lookAtValues(_ rule: Rule) {
    for part in conditionParts(rule) {
      for (expression, text, fact) in part.expression.listMemberships {
        guard let usual = FactCatalog.entries.first(where: { $0.name == fact })?.usualValues, !usual.isEmpty,
          !usual.contains(where: { $0.utf8.elementsEqual(text.utf8) })
        else { continue }
        let guess = closestName(to: text, among: usual)
        say(
          .warning, "unusual-value", [rule], at: expression, key: part.key,
          "\(Expression.quote(text)) is none of the known values of \(fact)",
          hint: guess.map { "did you mean \(Expression.quote($0))?" }
            ?? "known are \(usual.joined(separator: ", "))")
      }
    }
  }

  private func shown(_ names: Set<String>) -> String {
    names.isEmpty ? "none" : names.sorted().prefix(12).joined(separator: ", ")
  }

  /// What the mall never has is missing of every order.
  private mutating func lookAtNeeds(_ rule: Rule) {
    guard !surroundings.unavailable.isEmpty else { return }
    var translator = Translator(unavailable: surroundings.unavailable, zone: surroundings.zone)
    let parts = conditionParts(rule)
    let formulas = parts.map { translator.formula($0.expression, .isTrue) }
    let needs = neededNames(rule).filter { translator.isUnavailable($0) }
    guard !needs.isEmpty else { return }
    let names = needs.joined(separator: ", ")
    if Solver.excludes(formulas, translator.naturals) {
      let index = formulas.firstIndex { Solver.excludes([$0], translator.naturals) } ?? 0
      say(
        .warning, "never-known", [rule], at: parts[index].expression, key: parts[index].key,
        "the rule is never true in this mall, which does not supply \(names)",
        hint: "supply it, or retire the rule")
    } else {
      say(
        .note, "never-known", [rule],
        "this mall does not supply \(names): that part of the rule stays unknown or finds none")
    }
  }

  private func neededNames(_ rule: Rule) -> [String] {
    var names: Set<String> = []
    for term in rule.terms { for reference in term.references { names.insert(reference.name) } }
    for part in conditionParts(rule) { names.formUnion(part.expression.dataNames) }
    return names.filter { !$0.isEmpty }.sorted(by: bytesPrecede)
  }

  // MARK: Templates

  mutating func lookAtParameters(_ template: Template) {
    let text = (template.conditionText ?? "") + "\n" + (template.matchText ?? "")
    guard let node = source.template(template.id), let entries = try? node["parameters"]?.asMapping().entries
    else {
      return
    }
    for entry in entries where !text.contains("params.\(entry.key)") {
      let diagnostic = Diagnostic(
        severity: .warning, file: entry.keyLocation.file, line: entry.keyLocation.line,
        column: entry.keyLocation.column, message: "parameter \(entry.key) of \(template.id) is used nowhere",
        hint: "write params.\(entry.key) in the condition, or leave it out")
      add(Finding(code: "unused-parameter", rules: [template.id], diagnostic: diagnostic))
    }
  }
}

extension Expression {
  /// Each `"text" in fact` in it.
  var listMemberships: [(expression: Expression, text: String, fact: String)] {
    var found: [(expression: Expression, text: String, fact: String)] = []
    if case .binary(.in, let left, let right) = kind, case .string(let literal) = left.kind,
      let fact = right.path
    {
      found.append((self, literal.text, fact))
    }
    _ = replacingChildren { child in
      found += child.listMemberships
      return child
    }
    return found
  }

  /// Each `inList("name")` in it.
  var listCalls: [(name: String, expression: Expression)] {
    var found: [(name: String, expression: Expression)] = []
    if case .call(_, "inList", let arguments) = kind, arguments.count == 1,
      case .string(let name) = arguments[0].kind
    {
      found.append((name.text, self))
    }
    _ = replacingChildren { child in
      found += child.listCalls
      return child
    }
    return found
  }

  /// What it reads besides facts by their names: lists of lines, and the table of holidays.
  var dataNames: Set<String> {
    var names: Set<String> = []
    if let path, Expression.lineNames[path] != nil { names.insert(path) }
    if case .call(nil, "isHoliday", _) = kind { names.insert("isHoliday") }
    for child in children { names.formUnion(child.dataNames) }
    return names
  }
}
