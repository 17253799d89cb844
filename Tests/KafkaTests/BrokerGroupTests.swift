import Testing

@testable import Kafka

extension BrokerTests {
  /// Groups on a real broker.
  @Suite struct Groups {
    private func scenario(_ name: String, cooperative: Bool) throws -> GroupScenario {
      GroupScenario(
        settings: RealBroker.settings, topic: try RealBroker.newTopic(name, partitions: 4),
        cooperative: cooperative, sessionTimeoutMs: 2_000)
    }

    @Test(arguments: [false, true])
    func membersShareAGroupAndReadEverythingOnce(cooperative: Bool) throws {
      try scenario("share", cooperative: cooperative).run()
    }

    @Test(arguments: [false, true])
    func theOtherTakesOverWhenAMemberDies(cooperative: Bool) throws {
      let scenario = try scenario("die", cooperative: cooperative)
      let producer = try Producer(settings: scenario.settings)
      let handle = try producer.topic(scenario.topic)
      let first = try scenario.member()
      let second = try scenario.member()
      #expect(try step([first, second]) { first.owned.count == 2 && second.owned.count == 2 })
      try scenario.send(0..<400, producer, handle)
      #expect(try step([first, second]) { first.distinct.union(second.distinct).count >= 400 })
      second.consumer.abandon()
      try scenario.send(400..<800, producer, handle)
      #expect(
        try step([first]) { first.owned.count == 4 && first.distinct.union(second.distinct).count == 800 })
      scenario.check([first, second], count: 800, repeatsAllowed: true)
      first.consumer.close()
      #expect(producer.close())
    }

    /// Of five groups joined right after their topics were made, one or more stayed without partitions on three brokers.
    @Test func aGroupJoinedRightAfterItsTopicWasMadeGetsAllPartitions() throws {
      for _ in 0..<5 {
        let member = try scenario("fresh", cooperative: false).member()
        #expect(try step([member], forMs: 15_000) { member.owned.count == 4 })
        member.consumer.close()
      }
    }

    @Test func aTopicThatNobodyMadeIsSaidByName() throws {
      let admin = try Admin(settings: RealBroker.settings)
      defer { admin.close() }
      do {
        try admin.awaitKnownEverywhere(["nobody-made-this"], timeoutMs: 3_000)
        Issue.record("a topic that is not there is known")
      } catch {
        #expect("\(error)".contains("nobody-made-this"), "\(error)")
      }
    }

    @Test(arguments: [false, true])
    func closingRightAfterSubscribingComesBack(cooperative: Bool) throws {
      let scenario = try scenario("subscribe", cooperative: cooperative)
      for _ in 0..<2 {
        let start = monotonicMs()
        try scenario.member().consumer.close()
        #expect(monotonicMs() - start < 4_000)
      }
      // Whoever comes next does not wait for a dead member.
      let next = try scenario.member()
      #expect(try step([next], forMs: 15_000) { next.owned.count == 4 })
      next.consumer.close()
    }

    @Test(arguments: [false, true])
    func closingWhileAnAnswerIsOwedLeavesTheGroupAtOnce(cooperative: Bool) throws {
      let scenario = try scenario("owed", cooperative: cooperative)
      // An assignment is owed.
      let first = try scenario.member()
      first.isSilent = true
      #expect(try step([first]) { first.consumer.owesRebalanceAnswer })
      var start = monotonicMs()
      first.consumer.close()
      #expect(monotonicMs() - start < 2_000)
      // A revocation is owed.
      let second = try scenario.member()
      #expect(try step([second], forMs: 15_000) { second.owned.count == 4 })
      second.isSilent = true
      let third = try scenario.member()
      #expect(try step([second, third]) { second.consumer.owesRebalanceAnswer })
      start = monotonicMs()
      second.consumer.close()
      #expect(monotonicMs() - start < 2_000)
      #expect(try step([third], forMs: 5_000) { third.owned.count == 4 })
      third.consumer.close()
    }

    @Test func aMemberThatNeverPollsAgainIsNotFoundDeadWhileItSaysItIsAlive() throws {
      let scenario = GroupScenario(
        settings: ClientSettings(
          bootstrap: RealBroker.bootstrap ?? "", properties: ["max.poll.interval.ms": "1200"]),
        topic: try RealBroker.newTopic("alive", partitions: 4), cooperative: true, sessionTimeoutMs: 1_000)
      let busy = try scenario.member()
      #expect(try step([busy]) { busy.owned.count == 4 }, "\(busy.errors)")
      let limit = deadline(inMs: 2_000)
      while monotonicMs() < limit {
        busy.consumer.keepAlive()
        rest(ms: 100)
      }
      try busy.step()
      #expect(busy.owned.count == 4 && busy.revocations == 0)
      #expect(busy.errors.isEmpty)
      rest(ms: 2_000)
      #expect(try step([busy], forMs: 5_000) { busy.losses > 0 })
      #expect(busy.errors.contains { $0.name == "_MAX_POLL_EXCEEDED" && $0.remedy == .rejoin })
      #expect(try step([busy]) { busy.owned.count == 4 })
      busy.consumer.close()
    }
  }
}
