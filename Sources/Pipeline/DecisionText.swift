import Orders
public import Rules
public import Topics

/// A decision explained to a person: each rule, whether it holds, and the term that decided with what it saw.
public enum DecisionText {
  /// Lines in Korean; `ruleSet` must be the one of the decision for the terms' texts to be right.
  public static func lines(_ decision: DecisionValue, ruleSet: RuleSet) -> [String] {
    var lines = ["주문 \(decision.orderId) · 판단 \(decision.position.description) · 상태 \(decision.state.text)"]
    let labels = decision.labels.map(\.label)
    lines.append("라벨: " + (labels.isEmpty ? "없음" : labels.joined(separator: ", ")))
    for (index, raw) in decision.outcomes.enumerated() where index < ruleSet.rules.count {
      let rule = ruleSet.rules[index]
      let outcome = RuleOutcome(rawValue: raw) ?? .unknown
      let word = outcome == .true ? "해당" : outcome == .false ? "아님" : "모름"
      let number = index < decision.terms.count ? Int(decision.terms[index]) : 0
      let terms = number > 0 && number <= rule.terms.count ? [rule.terms[number - 1]] : rule.terms
      let shown = terms.map { term in
        let values = term.references.compactMap { value(of: $0.name, decision) }
        return term.text + (values.isEmpty ? "" : " (" + values.joined(separator: ", ") + ")")
      }
      lines.append("  \(word)  \(rule.id): \(rule.name) – \(shown.joined(separator: " && "))")
    }
    if !decision.pendingOn.isEmpty {
      lines.append("기다리는 정보: " + decision.pendingOn.joined(separator: ", "))
    }
    return lines
  }

  private static func value(of name: String, _ decision: DecisionValue) -> String? {
    guard let facts = decision.facts else { return nil }
    func known(_ value: Int64) -> String { facts.historyKnown ? String(value) : "없음" }
    switch name {
    case "amount.items": return "\(facts.amountItems) \(decision.currency)"
    case "history.orders": return known(facts.historyOrders)
    case "history.amount": return known(facts.historyAmount)
    case "bundle.partners": return known(facts.bundlePartners)
    case "zones": return facts.zones.isEmpty ? "없음" : facts.zones.joined(separator: "/")
    case "ip.country": return facts.ipCountry.isEmpty ? "국가 모름" : facts.ipCountry
    case "payment.status": return facts.paymentStatus
    case "payment.methods": return facts.paymentMethods.joined(separator: "/")
    case "order.placed_at": return decision.placedAt.rfc3339()
    case "order.paid_or_placed_at": return (facts.paidAt ?? decision.placedAt).rfc3339()
    default: break
    }
    for count in facts.claimCounts {
      let kind = count.scope == .returns ? "history.returns" : "history.claims"
      if name == "\(kind)(\(count.months))" { return known(count.count) }
    }
    for value in facts.timed {
      guard let kind = TimedFact.Kind(rawValue: Int(value.kind)) else { continue }
      let fact = TimedFact(kind, span: value.spanUs, code: value.code)
      if name == fact.name { return fact.isTruth ? (value.value == 0 ? "아님" : "지남") : String(value.value) }
    }
    for value in facts.aggregates {
      guard let aggregate = HistoryAggregate(value), name == aggregate.name else { continue }
      guard let number = value.value else { return "없음" }
      switch aggregate.measure.type {
      case .timestamp: return Instant(microseconds: number).rfc3339()
      case .decimal: return "\(number) \(decision.currency)"
      default: return String(number)
      }
    }
    if name.hasPrefix("inList(") {
      return facts.lists.contains { name == "inList(\"\($0)\")" } ? "있음" : "없음"
    }
    if name.hasSuffix("stock.after"), let margin = facts.stockMargin { return "여유 \(margin)" }
    return nil
  }
}

extension HistoryAggregate {
  /// Nil for a measure that this version does not know.
  fileprivate init?(_ value: HistoryAggregateValue) {
    guard let measure = Measure(rawValue: Int(value.measure)) else { return nil }
    self.init(measure, Window(spanUs: value.spanUs, months: Int(value.months)), code: value.code)
  }
}
