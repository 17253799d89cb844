import EvaluateStage
import RuleVersions
import Rules
import Topics

/// One of 10,000 malls publishes another version: what is done beside the lane, from the topic's records to the plan
/// and the labels, and for how long the lane stands still.
extension RulesBench {
  static func measureSwitching() throws {
    let count = 10_000
    var registry = RuleRegistry()
    var offset: Int64 = 0
    var numbers = [Int64](repeating: 0, count: count)
    func publish(_ text: String, mall: Int?) {
      var version = RuleVersionValue()
      version.files = [RuleFileValue(path: "v.yaml", text: text)]
      version.digest = RuleSet.textDigest([text])
      version.hash = RuleSet.textDigest(["version", text])
      var activation = RuleActivationValue()
      if let mall {
        numbers[mall] += 1
        activation.mallId = "m\(mall)"
      }
      activation.number = mall.map { numbers[$0] } ?? 1
      activation.hash = version.hash
      for (key, value) in [
        (RuleRegistry.key(of: version), version.protobuf),
        (RuleRegistry.key(of: activation), activation.protobuf),
      ] {
        Array(key.utf8).withUnsafeBytes { key in
          value.withUnsafeBytes { registry.fold(key: key, value: $0, offset: offset) }
        }
        offset += 1
      }
    }
    publish("rules:\n  - {id: all, if: amount.items >= 7, then: {labels: [ALL]}}", mall: nil)
    for mall in 0..<count { publish(text(mall), mall: mall) }
    let preparer = RulePreparer(base: RuleBook(shared: try RuleSet.load(files: [])))
    var prepared: PreparedEdition?
    let first = seconds { prepared = try? preparer.newest(registry).prepared.get() }
    guard let start = prepared else { throw BenchmarkRules.Failure(description: "the rules do not prepare") }
    let decider = Decider(start.rules)
    prepared = nil
    let records = EncodedArena((0..<4_000).map { EncodedRecords.record($0, mall: "m\($0 * 7 % count)") })
    func batch() -> Double {
      for (index, place) in records.places.enumerated() { _ = decider.add(place, input: index) }
      return seconds { decider.decide { _ in } }
    }
    var beside: [Double] = []
    var adopting: [Double] = []
    var stalls: [Double] = []
    for round in 0..<rounds {
      publish(text(count + round), mall: round * 7)
      beside.append(seconds { prepared = try? preparer.newest(registry).prepared.get() } * 1e3)
      guard let next = prepared?.rules else { throw BenchmarkRules.Failure(description: "no next rules") }
      prepared = nil
      let usual = min(batch(), batch())
      let taking = seconds { decider.adopt(next) }
      adopting.append(taking * 1e3)
      stalls.append((taking + batch() - usual) * 1e3)
    }
    print(
      "10,000 malls' versions from the topic, first time \(fixed(first, 2)) s; one mall's new version: beside the",
      "lane \(spread(beside, 1)) ms, the lane takes it up in \(spread(adopting, 2)) ms, and with what its next",
      "batch takes longer \(spread(stalls, 2)) ms")
  }

  private static func text(_ number: Int) -> String {
    let rules = (0..<20).map { rule in
      "  - {id: r\(rule), if: amount.items >= \(number * 7 + rule * 1_000) && history.orders < \(rule % 5 + number % 9), "
        + "then: {labels: [L\(rule)]}}"
    }
    return "rules:\n" + rules.joined(separator: "\n") + "\n"
  }
}
