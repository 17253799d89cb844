internal import Rules

/// What measures of earlier orders are called.
extension Wording {
  /// In Korean: `최근 3개월의 이전 주문 수`, `최근 30일에 SKU-1을(를) 산 주문 수`.
  func name(_ aggregate: HistoryAggregate) -> String? {
    let path = "history.\(aggregate.measure.word)"
    guard let entry = FactCatalog.functions.first(where: { $0.name == path }) else { return nil }
    let code = String(decoding: aggregate.code, as: UTF8.self)
    return String(entry.korean.prefix { $0 != "(" }).trimmed
      .replacing("그 기간", with: Wording.name(aggregate.window))
      .replacing("그 품목이나 상품을", with: "\(code)을(를)").replacing("그 품목이나 상품", with: code)
  }

  /// Of what can be overdue by its own words; nil for a state of an order.
  func timed(_ name: String, _ arguments: String) -> String? {
    let functions = FactCatalog.functions.filter { $0.name == name }
    // A code stands between the word and the duration.
    let hasCode = arguments.drop { $0 != "," }.dropFirst().first { $0 != " " } == "\""
    return functions.first { function in
      let words = function.signature.dropFirst(name.count + 1).split(separator: ")")[0].split(
        separator: ",")
      return (words.count == 3) == hasCode && !words[0].contains("|") && arguments.hasPrefix(words[0])
    }?.korean
  }

  private static func name(_ window: HistoryAggregate.Window) -> String {
    switch window {
    case .all: return "전체 기간"
    case .months(let months): return "최근 \(months)개월"
    case .span(let span):
      let minutes = span / 60_000_000
      return minutes % 1_440 == 0
        ? "최근 \(minutes / 1_440)일" : minutes % 60 == 0 ? "최근 \(minutes / 60)시간" : "최근 \(minutes)분"
    }
  }
}
