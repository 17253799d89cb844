internal import Orders
internal import Rules
internal import Topics

extension OrderAnswer {
  /// The decision and its reasons for a terminal: true rules first, then unknown ones, then the others. Names no
  /// personal data: facts are amounts, counts, codes and regions.
  public func text(_ language: Language, rules only: Set<String> = []) -> String {
    let words = Wording(language: language)
    var text = heading(words)
    for outcome in [Outcome.true, .unknown, .false] {
      let group = rules.filter { $0.outcome == outcome && (only.isEmpty || only.contains($0.rule.id)) }
      guard !group.isEmpty else { continue }
      for rule in group { text += "\n" + rule.text(words) }
    }
    return text
  }

  private func heading(_ words: Wording) -> String {
    let state =
      switch decision.state {
      case .open: words.pick("진행 중", "open")
      case .shipped: words.pick("출고됨", "shipped")
      case .cancelled: words.pick("취소됨", "cancelled")
      }
    var text = words.pick("주문", "order") + " \(decision.orderId) · \(decision.mallId)/\(decision.shopNo) · "
    text += words.pick("접수", "placed") + " \(decision.placedAt.rfc3339()) · \(state)\n"
    let labels = decision.labels.map(\.label)
    text += words.pick("라벨", "labels") + ": "
    text += (labels.isEmpty ? words.pick("없음", "none") : labels.joined(separator: ", ")) + "\n"
    if !decision.actions.isEmpty {
      let shown = decision.actions.map { words.effect($0.kind, $0.text) }
      text += words.pick("그 밖에", "besides") + ": \(shown.joined(separator: ", "))\n"
    }
    // A condition reads more than what it waits for.
    let waiting = decision.pendingOn.filter(words.canBeMissing)
    if !waiting.isEmpty {
      let names = waiting.map { words.language == .ko ? "\(words.name($0)) (\($0))" : $0 }
      text += words.pick("기다리는 정보", "waiting for") + ": \(names.joined(separator: ", "))\n"
    }
    if decision.state != .open {
      text +=
        words.pick(
          "주문이 끝났으므로 끝나기 직전의 사실로 판단합니다.", "The order is closed: decided on the facts just before it closed.")
        + "\n"
    }
    return text
  }
}

extension Wording {
  func effect(_ kind: String, _ text: String) -> String {
    let names = [
      "alert": pick("알림", "alert"), "gift": pick("사은품", "gift"), "mark": pick("분류", "mark"),
      "hold": pick("출고 보류", "hold"), "memo": pick("메모", "memo"),
      "surcharge": pick("추가 배송비", "surcharge"), "stock_alert": pick("재고 알림", "stock alert"),
    ]
    return (names[kind] ?? kind) + (text.isEmpty ? "" : " “\(text)”")
  }

  func actions(_ actions: Rule.Actions) -> String {
    var shown = actions.labels
    shown += actions.effects(ruleName: "").map { effect($0.kind, "") }
    return shown.joined(separator: ", ")
  }
}

extension RuleAnswer {
  private static let sign: [Outcome: String] = [.true: "✓", .false: "✗", .unknown: "?"]
  private static let textColumns = 48

  func text(_ words: Wording) -> String {
    var text = "\(RuleAnswer.sign[outcome] ?? " ") \(words.outcome(outcome))  \(rule.id)"
    if rule.name != rule.id { text += "  \(rule.name)" }
    if rule.state == .shadow { text += words.pick(" (그림자: 실행하지 않음)", " (shadow: does nothing)") }
    if let actions { text += (isOtherwise ? " → otherwise: " : " → ") + words.actions(actions) }
    text += "\n"
    for term in terms {
      text += RuleAnswer.lines(
        term, words, depth: 1, isDecisive: outcome != .true)
    }
    return text
  }

  /// Parts deeper than this are left out.
  private static let depthMax = 6

  private static func lines(_ answer: ConditionAnswer, _ words: Wording, depth: Int, isDecisive: Bool)
    -> String
  {
    let indent = String(repeating: "    ", count: depth)
    let found = answer.values.filter { !$0.name.isEmpty }.map {
      "\($0.name) = \($0.value ?? words.pick("없음", "missing"))"
    }
    let head = "\(indent)\(sign[answer.outcome] ?? " ") \(answer.text)"
    if !answer.blockers.isEmpty {
      return head + "\n\(indent)    "
        + words.pick("먼저 적용된 규칙: ", "a rule before it acts: ") + answer.blockers.joined(separator: ", ")
        + "\n"
    }
    let isLeaf = answer.parts.isEmpty
    let isReason = answer.outcome != .true && isDecisive
    var text = head
    if isLeaf && answer.kind != .lines || answer.kind == .single || answer.kind == .fold, !found.isEmpty {
      text = text.padded(to: textColumns) + "  " + found.joined(separator: ", ")
    }
    text += "\n"
    if isReason, isLeaf || answer.kind == .single || answer.kind == .lines, let why = words.why(answer) {
      text += "\(indent)    \(words.pick("까닭", "because")): \(why)\n"
    }
    guard !isLeaf, depth < depthMax else { return text }
    guard answer.kind == .lines || answer.kind == .fold else {
      for part in answer.parts {
        // A number made of lines that the comparison is not about has been shown with its value.
        text += lines(part, words, depth: depth + 1, isDecisive: isDecisive && answer.kind != .not)
      }
      return text
    }
    let isFold = answer.kind == .fold
    for (names, shown) in groups(answer.parts, words, depth: depth, isDecisive: isDecisive && !isFold) {
      text += "\(indent)    " + words.line(of: answer.list) + " " + names.joined(separator: ", ") + shown
    }
    if answer.lineCount > answer.parts.count {
      text += "\(indent)    " + words.more(answer.lineCount - answer.parts.count) + "\n"
    }
    return text
  }

  /// Lines of which the same is to be said, together.
  private static func groups(_ parts: [ConditionAnswer], _ words: Wording, depth: Int, isDecisive: Bool) -> [(
    names: [String], text: String
  )] {
    var groups: [(names: [String], text: String)] = []
    for part in parts {
      var text = words.state(part) + "\n"
      for inner in part.parts { text += lines(inner, words, depth: depth + 2, isDecisive: isDecisive) }
      let name = String((part.line ?? 0) + 1)
      if let known = groups.firstIndex(where: { $0.text == text }) {
        groups[known].names.append(name)
      } else {
        groups.append(([name], text))
      }
    }
    return groups
  }
}
