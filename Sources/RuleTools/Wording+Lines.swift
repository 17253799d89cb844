internal import Rules

/// Conditions on lines in words.
extension Wording {
  /// Why a condition does not hold, or cannot be told: of lines how many do, of others what was found and asked for.
  func why(_ answer: ConditionAnswer) -> String? {
    if !answer.blockers.isEmpty {
      return pick("먼저 적용된 규칙: ", "a rule before it acts: ") + answer.blockers.joined(separator: ", ")
    }
    guard answer.kind == .lines else { return foldWhy(answer) ?? sentence(answer) }
    let counted = answer.parts.filter { !$0.isLeftOut }
    let name = line(of: answer.list)
    guard !counted.isEmpty else {
      return answer.parts.isEmpty
        ? pick("\(name) 없음", "there is no \(name)")
        : pick("조건에 남는 \(name) 없음", "no \(name) is left by the filter")
    }
    let total = counted.count
    func count(_ outcome: Outcome) -> Int { counted.count { $0.outcome == outcome } }
    func of(_ number: Int) -> String {
      pick("\(name) \(total)개 가운데 \(number)개", "\(number) of \(total) \(name) lines")
    }
    if answer.outcome == .unknown {
      return pick("\(of(count(.unknown)))를 알 수 없음", "\(of(count(.unknown))) cannot be told")
    }
    switch answer.question {
    case "all": return pick("\(of(count(.false)))가 맞지 않음", "\(of(count(.false))) do not fit")
    case "exists_one":
      return pick("\(of(count(.true)))가 맞음, 기준 꼭 하나", "\(of(count(.true))) fit, asked for is exactly one")
    default: return pick("\(name) \(total)개 가운데 맞는 것 없음", "none of \(total) \(name) lines fits")
    }
  }

  /// A comparison with a number made of lines.
  private func foldWhy(_ answer: ConditionAnswer) -> String? {
    guard answer.outcome == .unknown,
      let fold = answer.parts.first(where: { $0.kind == .fold && $0.values.first?.value == nil })
    else { return nil }
    let lost = fold.parts.filter { $0.outcome == .unknown }.count
    let name = line(of: fold.list)
    guard lost > 0 else {
      return fold.parts.allSatisfy(\.isLeftOut)
        ? pick("\(name) 없음: 값이 없음", "there is no \(name): no value")
        : pick("값이 너무 큼", "the value is too large")
    }
    return pick("\(name) \(lost)개의 값이 없음", "the value of \(lost) \(name) lines is missing")
  }

  /// What a line of a list is called.
  func line(of list: String) -> String {
    switch list {
    case "receivers": pick("배송지", "receiver")
    case "claims": pick("클레임", "claim")
    case "coupons": pick("쿠폰", "coupon")
    default: pick("품목", "item")
    }
  }

  /// What is to be said of a line: whether it counts, holds, and the value it gives.
  func state(_ line: ConditionAnswer) -> String {
    if line.isLeftOut { return pick(": 제외 (filter)", ": left out by the filter") }
    guard let value = line.values.first else {
      return line.parts.isEmpty ? "" : ": " + outcome(line.outcome)
    }
    return ": \(value.name) = \(value.value ?? pick("없음", "missing"))"
  }

  func more(_ count: Int) -> String { pick("그 밖에 \(count)개", "and \(count) more") }
}
