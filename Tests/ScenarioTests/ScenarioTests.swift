import Glibc
import TestKit
import Testing

/// Every scenario in every way in which its labels must come out the same.
struct ScenarioTests {
  @Test func thereAreScenarios() { #expect(Scenario.names.count >= 80) }

  @Test(arguments: Scenario.names) func theLabelsAreThoseWorkedOutByHand(_ name: String) throws {
    let scenario = try Scenario(name)
    let pipeline = try scenario.pipeline()
    for event in scenario.events { try pipeline.take(event) }
    #expect(pipeline.labels() == scenario.expected)
    if let actions = scenario.actions { #expect(pipeline.effects == actions) }
  }

  @Test(arguments: Scenario.names) func oneBatchOfEverythingGivesTheSame(_ name: String) throws {
    let scenario = try Scenario(name)
    let pipeline = try scenario.pipeline(.all)
    for event in scenario.events { try pipeline.take(event) }
    try pipeline.decide()
    #expect(pipeline.labels() == scenario.expected)
    if let actions = scenario.actions { #expect(pipeline.effects == actions) }
  }

  @Test(arguments: Scenario.names) func anInterruptionAfterEachEventChangesNothing(_ name: String) throws {
    let scenario = try Scenario(name)
    let pipeline = try scenario.pipeline()
    for event in scenario.events {
      try pipeline.take(event)
      pipeline.interrupt()
    }
    #expect(pipeline.labels() == scenario.expected)
    if let actions = scenario.actions { #expect(pipeline.effects == actions) }
  }

  @Test(arguments: Scenario.names) func repeatsChangeNothing(_ name: String) throws {
    let scenario = try Scenario(name)
    let twice = try scenario.pipeline()
    for event in scenario.events {
      try twice.take(event)
      try twice.take(event)
    }
    #expect(twice.labels() == scenario.expected)
    if let actions = scenario.actions { #expect(twice.effects == actions) }
    let again = try scenario.pipeline()
    for event in scenario.events + scenario.events {
      try again.take(event)
      again.interrupt()
    }
    #expect(again.labels() == scenario.expected)
    if let actions = scenario.actions { #expect(again.effects == actions) }
  }

  /// All orders of up to five events (120), else 100 seeded shuffles.
  @Test(arguments: Scenario.names) func theOrderOfArrivalMakesNoDifference(_ name: String) throws {
    let scenario = try Scenario(name)
    let orders: [[Int]]
    if scenario.events.count <= 5 {
      orders = permutations(scenario.events.count)
    } else {
      var generator = SeededGenerator.announced(name, seed: 20_261_121)
      orders = (0..<100).map { _ in scenario.events.indices.shuffled(using: &generator) }
    }
    for order in orders {
      let pipeline = try scenario.pipeline()
      for index in order { try pipeline.take(scenario.events[index]) }
      if pipeline.labels() != scenario.expected {
        Issue.record("\(name), order \(order): \(pipeline.labels())")
        return
      }
    }
  }

  private func permutations(_ count: Int) -> [[Int]] {
    guard count > 0 else { return [[]] }
    return permutations(count - 1).flatMap { shorter in
      (0..<count).map { place in
        var longer = shorter
        longer.insert(count - 1, at: place)
        return longer
      }
    }
  }
}

extension Scenario {
  func pipeline(_ batching: MemoryPipeline.Batching = .each) throws -> MemoryPipeline {
    try MemoryPipeline(rules: rules, reference: reference, batching: batching)
  }
}
