import Rules
import TestKit
import Testing
import Topics

@testable import EvaluateStage
@testable import RuleVersions

/// What is made of the former rules by a few changes is what is made of all of them anew.
struct RulePreparerTests {
  /// Topic `rules`, and what was published where.
  private struct Publisher {
    var registry = RuleRegistry()
    private var offset: Int64 = 0
    private var numbers: [RegistryScope: Int64] = [:]

    /// Nil: the scope has no version of its own any more.
    mutating func publish(_ text: String?, _ scope: RegistryScope) {
      var activation = RuleActivationValue()
      activation.mallId = scope.mallId
      activation.shopNo = scope.shopNo
      numbers[scope, default: 0] += 1
      activation.number = numbers[scope] ?? 0
      if let text {
        var version = RuleVersionValue()
        version.files = [RuleFileValue(path: "v.yaml", text: text)]
        version.digest = RuleSet.textDigest([text])
        version.hash = RuleSet.textDigest(["v", text])
        activation.hash = version.hash
        fold(RuleRegistry.key(of: version), version.protobuf)
      }
      fold(RuleRegistry.key(of: activation), activation.protobuf)
    }

    private mutating func fold(_ key: String, _ value: [UInt8]) {
      Array(key.utf8).withUnsafeBytes { key in
        value.withUnsafeBytes { registry.fold(key: key, value: $0, offset: offset) }
      }
      offset += 1
    }
  }

  private static func rules(_ generator: inout SeededGenerator) -> String? {
    if generator.chance(8) { return nil }
    if generator.chance(5) { return "rules:\n  - {id: a, if: nothing.like.it, then: {labels: [x]}}" }
    let lines = (0..<(1 + generator.below(3))).map { index in
      let id = generator.pick(["high", "new", "own", "more"]) + (index == 0 ? "" : "\(index)")
      let condition = generator.pick([
        "amount.items >= \(generator.below(9) * 40_000)", "history.orders < \(generator.below(4))",
        "inList(\"l\(generator.below(5))\")", "'\"제주\" in zones'",
      ])
      let quoted = condition.hasPrefix("'") ? condition : "'\(condition)'"
      let action = generator.pick(["labels: [L\(generator.below(4))]", "labels: [X], gift: true"])
      return "  - {id: \(id), if: \(quoted), then: {\(action)}}"
    }
    return "rules:\n" + lines.joined(separator: "\n")
  }

  private static let files = [
    ("r.yaml", Fixture.rules),
    ("m.yaml", "mall: mall1\nrules:\n  - {id: own, if: amount.items >= 1, then: {labels: [FILE]}}"),
    ("s.yaml", "mall: mall2\nshop: 2\nrules:\n  - {id: high, if: amount.items >= 2, then: {labels: [SHOP]}}"),
  ]

  @Test func oneChangeAfterTheOtherGivesWhatAllOfThemAnewGive() throws {
    var generator = SeededGenerator.announced("preparer", seed: 11)
    let base = try RuleBook.load(files: Self.files)
    let preparer = RulePreparer(base: base)
    var publisher = Publisher()
    let scopes = (0..<12).flatMap { mall in
      [RegistryScope(mallId: "mall\(mall)"), RegistryScope(mallId: "mall\(mall)", shopNo: 2)]
    }
    let decider = Decider(try preparer.newest(publisher.registry).prepared.get().rules, capacity: 128)
    let records = (0..<100).map { number in
      var record = Fixture.random(number, &generator)
      record.snapshot?.mallId = "mall\(number % 13)"
      record.snapshot?.shopNo = Int32(1 + number % 2)
      record.lateSnapshot?.mallId = record.snapshot?.mallId ?? ""
      return record
    }
    for round in 0..<120 {
      for _ in 0..<generator.pick([1, 1, 2, 5]) {
        let scope = generator.chance(4) ? .shared : generator.pick(scopes)
        publisher.publish(Self.rules(&generator), scope)
      }
      let outcome = preparer.newest(publisher.registry)
      let anew = RulePreparer(base: base).newest(publisher.registry)
      let (one, other) = (try outcome.prepared.get(), try anew.prepared.get())
      #expect(one.edition.own == other.edition.own && one.edition.held == other.edition.held)
      #expect(one.edition.shared == other.edition.shared)
      let refused = outcome.refused.map { "\($0.scope) \($0.activation.value.number) \($0.refusal)" }
      #expect(refused == anew.refused.map { "\($0.scope) \($0.activation.value.number) \($0.refusal)" })
      for mall in 0..<13 {
        for shop in 1...2 {
          #expect(
            one.rules.malls.ruleSet(mall: "mall\(mall)", shop: shop).hash
              == other.rules.malls.ruleSet(mall: "mall\(mall)", shop: shop).hash, "round \(round)")
        }
      }
      decider.adopt(one.rules)
      #expect(
        decider.bytes(of: records) == Decider(other.rules, capacity: 128).bytes(of: records), "round \(round)"
      )
    }
  }

  @Test func aChangeOfOneMallKeepsTheLabelsOfTheOthers() throws {
    var publisher = Publisher()
    func text(_ number: Int, label: String = "L") -> String {
      "rules:\n  - {id: a, if: amount.items >= \(number), then: {labels: [\(label)]}}"
    }
    for mall in 0..<50 { publisher.publish(text(mall), RegistryScope(mallId: "m\(mall)")) }
    let preparer = RulePreparer(base: try RuleBook.load(files: [("r.yaml", Fixture.rules)]))
    let first = try preparer.newest(publisher.registry).prepared.get().rules
    publisher.publish(text(99), RegistryScope(mallId: "m7"))
    let second = try preparer.newest(publisher.registry).prepared.get().rules
    #expect(second.labels.plans.count == first.labels.plans.count)
    publisher.publish(text(7, label: "OTHER"), RegistryScope(mallId: "m7"))
    let third = try preparer.newest(publisher.registry).prepared.get().rules
    #expect(third.labels.plans.count == first.labels.plans.count + 1)
    for set in 0..<third.malls.plan.ruleSets.count {
      let isSame = third.malls.plan.ruleSets[set].hash == first.malls.plan.ruleSets[set].hash
      #expect((third.labels.labels(of: set) === first.labels.labels(of: set)) == isSame)
    }
  }
}
