import Glibc
import Orders
import Shop
import TestKit
import Testing
import Topics

@testable import ApplyStage

@Suite struct ReconcilerPropertyTests {
  /// Any decisions, with crashes, and with any stretch of them delivered again: labels, marks and the ledger's
  /// labels are those of the last decision alone.
  @Test func theLastDecisionAloneDecidesWhateverIsRepeated() throws {
    let seed =
      getenv("PASSFLOW_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<40 {
      let count = Int.random(in: 1...8, using: &random)
      let decisions = (1...count).map { randomDecision(Int64($0), &random) }
      let walked = try OrderUnderTest()
      for (place, next) in decisions.enumerated() {
        if Int.random(in: 0..<4, using: &random) == 0 { try walked.take(next, crashes: true) }
        try walked.take(next)
        let start = Int.random(in: 0...place, using: &random)
        for repeated in decisions[start...place] { try walked.take(repeated) }
      }
      let direct = try OrderUnderTest()
      try direct.take(decisions[count - 1])
      #expect(walked.ledger?.labels == direct.ledger?.labels)
      #expect(walked.ledger?.position == direct.ledger?.position)
      #expect(try walked.labels() == direct.labels())
      let marks = try [walked, direct].map {
        try $0.shop.marksSet(of: $0.order).map { "\($0.kind) \($0.rule)" }
      }
      #expect(marks[0] == marks[1])
      try expectBalancedRecords(walked)
    }
  }

  /// The records tell the labels: additions less removals are what is there; no alert twice.
  func expectBalancedRecords(_ order: OrderUnderTest) throws {
    var labels: Set<String> = []
    for action in order.actions where action.kind.hasPrefix("label.") {
      for code in action.itemCodes {
        let pair = "\(code) \(action.label)"
        if action.kind == "label.added" {
          #expect(labels.insert(pair).inserted)
        } else {
          #expect(labels.remove(pair) != nil)
        }
      }
    }
    #expect(try labels == Set(order.labels()))
    let alerts = order.actions.filter { $0.kind == "alert.sent" }.map { "\($0.rules) \($0.cause)" }
    #expect(Set(alerts).count == alerts.count)
    #expect(order.actions.filter { $0.kind == "too_late" }.count <= 1)
  }

  func randomDecision(_ offset: Int64, _ random: inout SeededGenerator) -> DecisionValue {
    func pick(_ values: [String]) -> [String] { values.filter { _ in Bool.random(using: &random) } }
    var labels: [DesiredLabelValue] = []
    for label in ["A", "B", "가"] {
      for _ in 0..<Int.random(in: 0...2, using: &random) {
        let items = pick(["1", "2", "3"])
        let rules = pick(["R1", "R2"])
        if !items.isEmpty, !rules.isEmpty {
          labels.append(desired(label, items, rules: rules, keep: Bool.random(using: &random)))
        }
      }
    }
    let actions = pick(["alert", "gift", "hold"]).map { action($0, "R1") }
    let state = [OrderState.open, .open, .shipped, .cancelled].randomElement(using: &random) ?? .open
    return decision(
      offset, labels, actions: actions, state: state, tooLate: Int.random(in: 0..<5, using: &random) == 0)
  }
}
