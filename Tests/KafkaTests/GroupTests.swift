import Testing

@testable import Kafka

/// Groups on the embedded broker, whose first join takes three seconds and which forgets a member whose
/// session is over before (``EmbeddedBroker/sessionTimeoutMinMs``).
@Suite(.serialized)
struct GroupTests {
  @Test(arguments: [false, true])
  func membersShareAGroupAndReadEverythingOnce(cooperative: Bool) throws {
    let broker = try EmbeddedBroker(topics: [("t", 4)])
    defer { broker.close() }
    try GroupScenario(
      settings: ClientSettings(bootstrap: broker.bootstrap), topic: "t", cooperative: cooperative,
      sessionTimeoutMs: EmbeddedBroker.sessionTimeoutMinMs
    ).run()
  }

  @Test(arguments: [false, true])
  func closingRightAfterSubscribingComesBack(cooperative: Bool) throws {
    let broker = try EmbeddedBroker(topics: [("t", 4)])
    defer { broker.close() }
    let start = monotonicMs()
    let member = try GroupMember(
      ClientSettings(bootstrap: broker.bootstrap), "t", group: "g", cooperative: cooperative,
      sessionTimeoutMs: EmbeddedBroker.sessionTimeoutMinMs)
    member.consumer.close()
    #expect(monotonicMs() - start < 6_000)
  }
}
