import History
import Rules
import Testing

@testable import EnrichStage
@testable import Topics

/// Measures of earlier orders have the same numbers and names in the rules, on the wire and in the fold.
@Suite struct AggregateDemandTests {
  private func set(_ conditions: [String], mall: String? = nil) -> String {
    let rules = conditions.enumerated().map {
      "  - {id: r\($0.offset), if: '\($0.element)', then: {labels: [x]}}\n"
    }
    return (mall.map { "mall: \($0)\n" } ?? "") + "rules:\n" + rules.joined()
  }

  @Test func aMeasureOfARuleIsThatOfTheFold() throws {
    let text = set([
      #"history.bought("A", duration("30d")) > 0 && history.bought_quantity("B", 3) > 0"#,
      #"history.products("all") > 0 && has(history.first_order_at) && has(history.last_bought_at("C"))"#,
    ])
    let demand = factDemand(of: try RuleSet.load(files: [("r.yaml", text)]))
    #expect(
      demand.aggregates == [
        .init(.products), .init(.bought, .span(30 * 86_400_000_000), code: Array("A".utf8)),
        .init(.boughtQuantity, .months(3), code: Array("B".utf8)), .init(.firstOrderAt),
        .init(.lastBoughtAt, code: Array("C".utf8)),
      ])
  }

  @Test func numbersAndNamesAgree() {
    let measures = Rules.HistoryAggregate.Measure.allCases
    #expect(measures.map(\.word) == HistoryAggregateValue.words)
    #expect(
      measures.map { Int32($0.rawValue) } == History.HistoryAggregate.Measure.allCases.map(\.rawValue))
    #expect(Rules.HistoryAggregate.ofSetMax == History.FactDemand.aggregatesMax)
    #expect(Rules.HistoryAggregate.Window.spans.upperBound <= History.TimedFact.spanMax)
  }

  @Test func mallsThatTogetherAskForTooManyAreRefused() throws {
    func file(_ mall: String, _ count: Int) -> (path: String, text: String) {
      ("\(mall).yaml", set((0..<count).map { #"history.bought("\#(mall)-\#($0)", 3) > 0"# }, mall: mall))
    }
    let fits = try RuleBook.load(files: [file("a", 128), file("b", 128)])
    #expect(try factDemand(of: fits).aggregates.count == 256)
    let beyond = try RuleBook.load(files: [file("a", 128), file("b", 129)])
    #expect(throws: (any Error).self) { _ = try factDemand(of: beyond) }
    do { _ = try factDemand(of: beyond) } catch {
      #expect("\(error)".contains("257 measures of earlier orders; there may be 256"))
    }
  }
}
