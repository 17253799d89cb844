import Glibc
import Orders
import Shop
import TestKit
import Testing
import Topics

@testable import ApplyStage

@Suite struct DirectChangeTests {
  /// Whatever is decided: where the bytes are enough, the answer is the reconciler's.
  @Test func bytesGiveTheAnswerOfTheReconciler() throws {
    let seed =
      getenv("PASSFLOW_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var direct = DirectChange()
    var counts = (direct: 0, reconciled: 0)
    for _ in 0..<400 {
      let entry = LedgerEntry()
      for offset in 1...Int64.random(in: 1...8, using: &random) {
        let decision = randomDecision(offset, &random)
        let expected = Reconciler().reconcile(decision, ledger: entry.value)
        let settlement = settle(expected, decision)
        let isDirect = try check(decision, expected, settlement.ledger, entry, &direct)
        if isDirect { counts.direct += 1 } else { counts.reconciled += 1 }
        entry.set(settlement.ledger)
      }
    }
    #expect(counts.direct > 300 && counts.reconciled > 100, "\(counts)")
  }

  private func settle(_ reconciliation: Reconciliation, _ decision: DecisionValue) -> Settlement {
    let edits = reconciliation.labelAdds.count + reconciliation.labelRemoves.count
    return Reconciler().settle(
      reconciliation, of: decision, labelOutcomes: (0..<edits).map { _ in LabelOutcome(.done) },
      effectOutcomes: reconciliation.effects.map { _ in .done }, at: Instant(microseconds: 1))
  }

  private func check(
    _ decision: DecisionValue, _ expected: Reconciliation, _ ledger: AppliedLedgerValue, _ entry: LedgerEntry,
    _ direct: inout DirectChange
  ) throws -> Bool {
    try decision.protobuf.withUnsafeBytes { bytes in
      let header = try #require(DecisionHeader(bytes))
      let after = LedgerEntry()
      let before = entry.value
      if let before { after.set(before) }
      var fields = ProtobufWriter()
      let isDirect = entry.withFields { stored in
        guard direct.read(header.desired, ledger: stored) else { return false }
        func text(_ labels: [UnsafeRawBufferPointer], _ places: [Int]) -> [String] {
          places.map { String(decoding: labels[$0], as: UTF8.self) }
        }
        #expect(text(direct.wanted.labels, direct.added) == expected.labelAdds.map(\.label))
        #expect(text(direct.standing.labels, direct.removed) == expected.labelRemoves.map(\.label))
        #expect(expected.labelAdds.allSatisfy { $0.itemCodes.count == direct.wanted.codes.count })
        #expect(expected.labelRemoves.allSatisfy { $0.itemCodes.count == direct.standing.codes.count })
        #expect(direct.effects == expected.effects)
        direct.write(into: &fields, without: [])
        return true
      }
      guard isDirect else { return false }
      after.set(header, digest: .none, fields: &fields, isChanged: direct.isChanged)
      #expect(after.value == ledger)
      return true
    }
  }

  private func randomDecision(_ offset: Int64, _ random: inout SeededGenerator) -> DecisionValue {
    func pick(_ values: [String]) -> [String] { values.filter { _ in Bool.random(using: &random) } }
    let items = Int.random(in: 0..<6, using: &random) == 0 ? ["1", "2"] : ["1", "2", "3"]
    let labels = pick(["A", "B", "가"]).map { label in
      desired(label, items, rules: Bool.random(using: &random) ? ["R1"] : ["R1", "R2"])
    }
    let actions = pick(["alert", "gift"]).map { action($0, "R1") }
    let state = [OrderState.open, .open, .open, .shipped, .cancelled].randomElement(using: &random) ?? .open
    return decision(
      offset, labels, actions: actions, state: state, tooLate: Int.random(in: 0..<9, using: &random) == 0)
  }
}
