import Kafka
import TestKit
import Testing

@testable import Stage

@Suite struct StandbyChoiceTests {
  typealias Member = GroupDescription.Member

  private func member(_ id: String, _ partitions: [Int32], instance: String? = nil) -> Member {
    Member(id: id, instanceId: instance, assigned: partitions.map { TopicPartition("orders", $0) })
  }

  /// As librdkafka's range assignor and Kafka's own do it: written down a second time.
  private func range(_ ids: [String], _ count: Int) -> [Member] {
    var members: [Member] = []
    var next: Int32 = 0
    for (index, id) in ids.sorted().enumerated() {
      let length = count / ids.count + (index < count % ids.count ? 1 : 0)
      members.append(member(id, Array(next..<(next + Int32(length)))))
      next += Int32(length)
    }
    return members
  }

  private func standbys(_ members: [Member], _ count: Int, _ rule: StandbyChoice.Rule) -> [Int32: [String]] {
    var found: [Int32: [String]] = [:]
    for one in members {
      for partition in StandbyChoice.partitions(
        for: one.id, in: members.reversed(), topic: "orders", partitionCount: count, rule: rule)
      {
        found[partition, default: []].append(one.id)
      }
    }
    return found
  }

  @Test func twoMembersStandByForEachOther() {
    let members = [member("a", [0, 1, 2]), member("b", [3, 4, 5])]
    for rule in [StandbyChoice.Rule.range, .sticky] {
      #expect(
        StandbyChoice.partitions(for: "a", in: members, topic: "orders", partitionCount: 6, rule: rule) == [
          3, 4, 5,
        ])
      #expect(
        StandbyChoice.partitions(for: "b", in: members, topic: "orders", partitionCount: 6, rule: rule) == [
          0, 1, 2,
        ])
    }
  }

  @Test func theStandbyIsWhoeverTheRangeAssignorGivesThePartitionToWhenItsOwnerIsGone() {
    for memberCount in 2...7 {
      for partitionCount in 1...17 {
        let ids = (0..<memberCount).map { "member-\($0)" }
        let members = range(ids, partitionCount)
        let found = standbys(members, partitionCount, .range)
        #expect(found.count == partitionCount)
        for owner in members {
          let later = range(ids.filter { $0 != owner.id }, partitionCount)
          for at in owner.assigned {
            let next = later.first { $0.assigned.contains(at) }?.id
            #expect(found[at.partition] == [next].compactMap { $0 })
          }
        }
      }
    }
  }

  @Test func withoutAFixedOrderEachPartitionHasOneStandbyThatIsNotItsOwnerAndNobodyHasTooMany() {
    var random = SeededGenerator.announced("standbys", seed: 7)
    for _ in 0..<200 {
      let memberCount = Int.random(in: 2...6, using: &random)
      let partitionCount = Int.random(in: 1...24, using: &random)
      var owned = [[Int32]](repeating: [], count: memberCount)
      for (index, partition) in (0..<Int32(partitionCount)).shuffled(using: &random).enumerated() {
        owned[index % memberCount].append(partition)
      }
      let members = owned.enumerated().map { member("m\($0.offset)", $0.element) }
      let found = standbys(members, partitionCount, .sticky)
      #expect(found.count == partitionCount && found.values.allSatisfy { $0.count == 1 })
      for owner in members {
        var counts: [String: Int] = [:]
        for other in members where other.id != owner.id { counts[other.id] = other.assigned.count }
        for at in owner.assigned {
          let heir = found[at.partition]?.first ?? ""
          #expect(heir != owner.id)
          counts[heir, default: 0] += 1
        }
        #expect((counts.values.max() ?? 0) - (counts.values.min() ?? 0) <= 1)
      }
    }
  }

  @Test func staticMembersGoByTheirNamesAndStrangersStandByForNothing() {
    // Their ids say another order than their names.
    let members = [
      member("z", [0, 1], instance: "enrich-1"), member("a", [2, 3], instance: "enrich-2"),
      member("m", [4, 5], instance: "enrich-3"),
    ]
    // Without enrich-1: enrich-2 has 0…2, enrich-3 has 3…5.
    #expect(
      StandbyChoice.partitions(for: "a", in: members, topic: "orders", partitionCount: 6, rule: .range)
        .isSuperset(of: [0, 1]))
    for id in ["q", ""] {
      #expect(
        StandbyChoice.partitions(for: id, in: members, topic: "orders", partitionCount: 6, rule: .range)
          .isEmpty)
    }
    let alone = [member("a", [0, 1])]
    #expect(
      StandbyChoice.partitions(for: "a", in: alone, topic: "orders", partitionCount: 2, rule: .range).isEmpty)
  }
}
