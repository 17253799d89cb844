import Testing

@testable import Kafka

extension BrokerTests.Groups {
  @Test(arguments: [false, true])
  func everybodySeesWhoIsInTheGroupAndOwnsWhat(cooperative: Bool) throws {
    let scenario = GroupScenario(
      settings: RealBroker.settings, topic: try RealBroker.newTopic("described", partitions: 5),
      cooperative: cooperative, sessionTimeoutMs: 2_000)
    let admin = try Admin(settings: scenario.settings)
    defer { admin.close() }
    let first = try scenario.member()
    let second = try scenario.member()
    #expect(
      try step([first, second]) { first.owned.count + second.owned.count == 5 && !second.owned.isEmpty })
    let group = "group-\(scenario.topic)-\(cooperative)"
    var description = try admin.describe(group: group)
    // The last answer to the group may still be on its way.
    let limit = deadline(inMs: 10_000)
    while !description.isStable, monotonicMs() < limit {
      for member in [first, second] { try member.step() }
      description = try admin.describe(group: group)
    }
    #expect(description.isStable && description.members.count == 2)
    for member in [first, second] {
      let id = try #require(member.consumer.memberId)
      let seen = try #require(description.members.first { $0.id == id })
      #expect(Set(seen.assigned) == member.owned)
      #expect(seen.instanceId == nil)
    }
    first.consumer.close()
    second.consumer.close()
    // Nobody knows this group: no members, no error.
    #expect(try admin.describe(group: "nobody-\(scenario.topic)").members.isEmpty)
  }
}
