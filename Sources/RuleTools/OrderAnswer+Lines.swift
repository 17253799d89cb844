internal import Rules

/// What is asked of the lines of an order, as written: `items.filter(i, …).exists(i, …)`, `sum(items.map(i, …))`.
struct LineQuestion {
  enum Step {
    case filter(variable: String, Expression)
    case map(variable: String, Expression)
  }

  /// `exists`, `all`, `exists_one`, `match`, `in`, or `size`, `sum`, `min`, `max`.
  let question: String
  let list: String
  private(set) var steps: [Step] = []
  /// The condition on a line, with the name of the line.
  private(set) var condition: (variable: String, body: Expression)?
  /// Lines that are cancelled, returned or gifts count as well.
  let countsEvery: Bool

  static let levels: [String: RowLevel] = [
    "items": .item, "allItems": .item, "receivers": .receiver, "claims": .claim, "coupons": .coupon,
  ]
  var level: RowLevel { LineQuestion.levels[list] ?? .item }

  /// The condition of a rule of item scope.
  init(matching body: Expression) {
    (question, list, countsEvery) = ("match", "items", true)
    // Only live lines match.
    steps = [.filter(variable: "item", Expression(.member(Expression(.name("item")), "live")))]
    condition = ("item", body)
  }

  /// Nil when it asks nothing of lines.
  init?(_ expression: Expression) {
    let range: Expression
    switch expression.kind {
    case .call(let receiver?, let function, let arguments)
    where ["exists", "all", "exists_one"].contains(function) && arguments.count == 2:
      guard case .name(let variable) = arguments[0].kind else { return nil }
      (range, question) = (receiver, function)
      condition = (variable, arguments[1])
    case .binary(.in, let left, let right):
      (range, question) = (right, "in")
      guard case .call(_, "map", let arguments) = right.kind,
        case .name(let variable)? = arguments.first?.kind,
        let element = arguments.last
      else { return nil }
      condition = (variable, Expression(.binary(.equal, element, left)))
    case .call(nil, let function, let arguments)
    where ["size", "count", "sum", "min", "max"].contains(function) && arguments.count == 1:
      (range, question) = (arguments[0], function == "count" ? "size" : function)
    case .call(let receiver?, "size", let arguments) where arguments.isEmpty:
      (range, question) = (receiver, "size")
    default: return nil
    }
    guard let (list, steps) = LineQuestion.steps(of: range) else { return nil }
    self.list = list
    self.steps = question == "in" ? steps.filter(\.isFilter) : steps
    countsEvery = list != "items"
  }

  private static func steps(of range: Expression) -> (list: String, steps: [Step])? {
    if let path = range.path { return levels[path] == nil ? nil : (path, []) }
    guard case .call(let receiver?, let function, let arguments) = range.kind, arguments.count >= 2,
      case .name(let variable) = arguments[0].kind, let before = steps(of: receiver)
    else { return nil }
    let list = before.list
    var steps = before.steps
    switch (function, arguments.count) {
    case ("filter", 2): steps.append(.filter(variable: variable, arguments[1]))
    case ("map", 2): steps.append(.map(variable: variable, arguments[1]))
    case ("map", 3):
      steps.append(.filter(variable: variable, arguments[1]))
      steps.append(.map(variable: variable, arguments[2]))
    default: return nil
    }
    return (list, steps)
  }

  /// `sum(…)` and the like within a comparison.
  static func folds(in expression: Expression) -> [(expression: Expression, question: LineQuestion)] {
    if let question = LineQuestion(expression), question.condition == nil { return [(expression, question)] }
    return expression.children.flatMap(folds)
  }
}

extension LineQuestion.Step {
  fileprivate var isFilter: Bool {
    if case .filter = self { true } else { false }
  }
}

extension ConditionAnswer {
  /// What the condition says of each line that counts.
  mutating func fill(with question: LineQuestion, _ probe: ConditionProbe) {
    kind = .lines
    list = question.list
    self.question = question.question
    showLines(of: question, probe)
  }

  /// The numbers made of lines within a comparison, each with its lines.
  mutating func showFolds(_ probe: ConditionProbe) {
    guard let expression else { return }
    let folds = LineQuestion.folds(in: expression)
    guard !folds.isEmpty else { return }
    values = []
    for (fold, question) in folds {
      let value = probe.value(of: fold) ?? nil
      var part = ConditionAnswer(
        kind: .fold, text: fold.description, outcome: value == nil ? .unknown : .true,
        values: [(fold.description, value)], expression: fold)
      part.list = question.list
      part.question = question.question
      part.showLines(of: question, probe)
      parts.append(part)
      values.append((fold.description, value))
    }
  }

  private mutating func showLines(of question: LineQuestion, _ probe: ConditionProbe) {
    for index in 0..<probe.lineCount(question.level) {
      guard question.countsEvery || probe.isCounted(index) else { continue }
      lineCount += 1
      if parts.count < RuleAnswer.linesMax { parts.append(probe.line(index, of: question)) }
    }
  }
}

extension ConditionProbe {
  fileprivate func line(_ index: Int, of question: LineQuestion) -> ConditionAnswer {
    var line = ConditionAnswer(kind: .line, text: "", outcome: .true, line: index)
    func place(_ variable: String) -> Line { Line(level: question.level, variable: variable, index: index) }
    for step in question.steps {
      switch step {
      case .filter(let variable, let condition):
        guard let answer = tree(condition, at: place(variable)) else { continue }
        // The lines that a match passes over need no words of theirs unless it does.
        if question.question != "match" || answer.outcome != .true { line.parts.append(answer) }
        if answer.outcome == .false { line.isLeftOut = true }
        if answer.outcome == .unknown { line.outcome = .unknown }
      case .map(let variable, let element):
        guard question.question != "size", !line.isLeftOut else { continue }
        let value = value(of: element, at: place(variable)) ?? nil
        line.values = [(element.description, value)]
        if value == nil { line.outcome = .unknown }
      }
    }
    if line.isLeftOut {
      line.outcome = .false
      return line
    }
    if let (variable, body) = question.condition, let answer = tree(body, at: place(variable)) {
      line.parts.append(answer)
      line.outcome =
        answer.outcome == .false ? .false : line.outcome == .unknown ? .unknown : answer.outcome
    }
    return line
  }

  /// Live, and no gift.
  fileprivate func isCounted(_ index: Int) -> Bool {
    let item = Expression(.name("i"))
    let live = Expression(.member(item, "live"))
    let gift = Expression(.not(Expression(.member(item, "gift"))))
    return [live, gift].allSatisfy {
      answer($0, at: Line(level: .item, variable: "i", index: index))?.outcome == .true
    }
  }
}
