import Kafka
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

  private func standbys(_ members: [Member], _ count: Int) -> [Int32: [String]] {
    var found: [Int32: [String]] = [:]
    for one in members {
      for partition in StandbyChoice.partitions(
        for: one.id, in: members.reversed(), topic: "orders", partitionCount: count)
      {
        found[partition, default: []].append(one.id)
      }
    }
    return found
  }

  @Test func twoMembersStandByForEachOther() {
    let members = [member("a", [0, 1, 2]), member("b", [3, 4, 5])]
    #expect(
      StandbyChoice.partitions(for: "a", in: members, topic: "orders", partitionCount: 6) == [3, 4, 5])
    #expect(
      StandbyChoice.partitions(for: "b", in: members, topic: "orders", partitionCount: 6) == [0, 1, 2])
  }

  @Test func theStandbyIsWhoeverTheRangeAssignorGivesThePartitionToWhenItsOwnerIsGone() {
    for memberCount in 2...7 {
      for partitionCount in 1...17 {
        let ids = (0..<memberCount).map { "member-\($0)" }
        let members = range(ids, partitionCount)
        let found = standbys(members, partitionCount)
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

  @Test func staticMembersGoByTheirNamesAndStrangersStandByForNothing() {
    // Their ids say another order than their names.
    let members = [
      member("z", [0, 1], instance: "enrich-1"), member("a", [2, 3], instance: "enrich-2"),
      member("m", [4, 5], instance: "enrich-3"),
    ]
    // Without enrich-1: enrich-2 has 0…2, enrich-3 has 3…5.
    #expect(
      StandbyChoice.partitions(for: "a", in: members, topic: "orders", partitionCount: 6)
        .isSuperset(of: [0, 1]))
    for id in ["q", ""] {
      #expect(
        StandbyChoice.partitions(for: id, in: members, topic: "orders", partitionCount: 6)
          .isEmpty)
    }
    let alone = [member("a", [0, 1])]
    #expect(
      StandbyChoice.partitions(for: "a", in: alone, topic: "orders", partitionCount: 2).isEmpty)
  }
}
