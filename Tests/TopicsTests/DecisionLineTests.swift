import Orders
import TestKit
import Testing

@testable import Topics

/// The quick printer of decisions against the plain one.
@Suite struct DecisionLineTests {
  @Test func aLineFromBytesIsTheLineFromTheValueByteForByte() throws {
    var random = SeededGenerator.announced("random decisions", seed: 2020)
    let ruleIds = ["vip", "island \"제주\"", "한글"]
    let termTexts = [["a > 1"], [], ["b == \"x\"", "c", "d"]]
    let texts = DecisionRuleTexts(ruleIds: ruleIds, termTexts: termTexts)
    var quick = DecisionLine(texts: texts)
    for round in 0..<2_000 {
      let decision = randomDecision(&random)
      let bytes = decision.protobuf
      var plain = JSONWriter()
      decision.writeJSON(into: &plain, texts: texts)
      var line = JSONWriter()
      let isWritten = bytes.withUnsafeBytes { quick.write($0, into: &line) }
      #expect(isWritten, "round \(round)")
      #expect(
        line.bytes == plain.bytes,
        "round \(round): \(String(decoding: line.bytes, as: UTF8.self)) is not \(String(decoding: plain.bytes, as: UTF8.self))"
      )
      #expect(DecisionValue(protobuf: bytes) == decision, "round \(round)")
    }
  }

  @Test func bytesCutOffAnywhereAreNoCrash() throws {
    var random = SeededGenerator.announced("cut decisions", seed: 2021)
    var quick = DecisionLine(texts: DecisionRuleTexts())
    for _ in 0..<50 {
      let bytes = randomDecision(&random).protobuf
      for end in bytes.indices {
        var line = JSONWriter()
        let isWritten = bytes[..<end].withUnsafeBytes { quick.write($0, into: &line) }
        #expect(isWritten == (DecisionValue(protobuf: Array(bytes[..<end])) != nil))
      }
    }
  }

  private func text(_ random: inout SeededGenerator) -> String {
    let letters = Array("ab-19 가힣é😀\"\\\n\t\u{2028}\u{1}/·")
    return String(
      (0..<Int.random(in: 0...12, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
  }

  private func some<Value>(
    _ range: ClosedRange<Int>, _ random: inout SeededGenerator, _ make: (inout SeededGenerator) -> Value
  ) -> [Value] {
    (0..<Int.random(in: range, using: &random)).map { _ in make(&random) }
  }

  private func instant(_ random: inout SeededGenerator) -> Instant {
    Instant(microseconds: Int64.random(in: -1_000_000_000_000...4_000_000_000_000_000, using: &random))
  }

  private func randomDecision(_ random: inout SeededGenerator) -> DecisionValue {
    var decision = DecisionValue()
    decision.mallId = text(&random)
    decision.shopNo = Int32.random(in: .min ... .max, using: &random)
    decision.orderId = text(&random)
    decision.position.partition = Int32.random(in: 0...64, using: &random)
    decision.position.offset = Int64.random(in: 0 ... .max, using: &random)
    decision.version = Int64.random(in: .min ... .max, using: &random)
    decision.latestVersion = Int64.random(in: 0...1000, using: &random)
    decision.ruleSet = text(&random)
    decision.labels = randomLabels(&random)
    decision.actions = some(0...3, &random) { randomAction(&$0) }
    decision.outcomes = some(0...5, &random) { UInt8.random(in: 0...3, using: &$0) }
    decision.terms = some(0...5, &random) { UInt8.random(in: 0...4, using: &$0) }
    decision.pendingOn = some(0...3, &random) { text(&$0) }
    if Bool.random(using: &random) { decision.facts = randomFacts(&random) }
    decision.state = OrderState.allCases.randomElement(using: &random) ?? .open
    decision.own = Bool.random(using: &random)
    decision.tooLate = Bool.random(using: &random)
    decision.firstSeenClosed = Bool.random(using: &random)
    decision.placedAt = instant(&random)
    decision.inputEventTime = instant(&random)
    decision.currency = ["KRW", "USD", "KWD", "", "???"].randomElement(using: &random) ?? ""
    return decision
  }

  /// No label, labels on some items of the order each, or labels of an order without items.
  private func randomLabels(_ random: inout SeededGenerator) -> [DesiredLabelValue] {
    let codes = (0..<Int.random(in: 0...4, using: &random)).map { "item-\($0) \"가\"" }
    return some(0...3, &random) { random in
      var label = DesiredLabelValue()
      label.label = text(&random)
      label.rules = some(0...3, &random) { text(&$0) }
      label.itemCodes = codes.filter { _ in Bool.random(using: &random) }
      if label.itemCodes.isEmpty { label.itemCodes = codes }
      label.keepOnCancel = Bool.random(using: &random)
      return label
    }
  }

  private func randomAction(_ random: inout SeededGenerator) -> DesiredActionValue {
    var action = DesiredActionValue()
    action.kind = text(&random)
    action.rule = text(&random)
    action.cause = text(&random)
    action.text = text(&random)
    return action
  }

  private func randomFacts(_ random: inout SeededGenerator) -> FactsDigestValue {
    var facts = FactsDigestValue()
    guard Bool.random(using: &random) else { return facts }
    facts.amountItems = Int64.random(in: .min ... .max, using: &random)
    facts.historyKnown = Bool.random(using: &random)
    facts.historyOrders = Int64.random(in: 0...9, using: &random)
    facts.historyAmount = Int64.random(in: 0 ... .max, using: &random)
    facts.claimCounts = some(0...3, &random) { random in
      var count = ClaimCountValue()
      count.scope = ClaimScope.allCases.randomElement(using: &random) ?? .returns
      count.months = Int32.random(in: 0...12, using: &random)
      count.count = Int64.random(in: 0...3, using: &random)
      return count
    }
    facts.bundlePartners = Int64.random(in: 0...3, using: &random)
    facts.zones = some(0...3, &random) { text(&$0) }
    facts.zoneMissing = Bool.random(using: &random)
    facts.ipCountry = text(&random)
    facts.paymentStatus = text(&random)
    facts.paymentMethods = some(0...3, &random) { text(&$0) }
    facts.lists = some(0...3, &random) { text(&$0) }
    facts.listsMissing = some(0...3, &random) { text(&$0) }
    if Bool.random(using: &random) { facts.stockMargin = Int64.random(in: -9...9, using: &random) }
    if Bool.random(using: &random) { facts.paidAt = instant(&random) }
    facts.bundleOrderIds = some(0...3, &random) { text(&$0) }
    facts.aggregates = some(0...3, &random) { random in
      var aggregate = HistoryAggregateValue()
      aggregate.measure = Int32.random(in: -1...11, using: &random)
      aggregate.spanUs = Bool.random(using: &random) ? 0 : 3_600_000_000
      aggregate.months = Int32.random(in: 0...2, using: &random)
      aggregate.code = Array(text(&random).utf8)
      aggregate.value = Bool.random(using: &random) ? nil : Int64.random(in: 0...99, using: &random)
      return aggregate
    }
    return facts
  }
}
