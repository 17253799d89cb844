import Kafka

/// Which partitions a member stands by for: those that it would get if their owner were gone.
enum StandbyChoice {
  /// How the group's assignor divides.
  enum Rule: Sendable { case range, sticky }

  /// - Parameters:
  ///   - me: id of the member that asks; who is no member stands by for nothing.
  ///   - partitionCount: of the topic, the only one that the group reads.
  static func partitions(
    for me: String, in members: [GroupDescription.Member], topic: String, partitionCount: Int, rule: Rule
  ) -> Set<Int32> {
    let sorted = members.sorted(by: GroupDescription.Member.precedes)
    guard sorted.contains(where: { $0.id == me }) else { return [] }
    var found: Set<Int32> = []
    for owner in sorted where owner.id != me {
      let rest = sorted.filter { $0.id != owner.id }
      let partitions = owned(owner, topic)
      switch rule {
      case .range: found.formUnion(partitions.filter(slice(of: me, rest, partitionCount).contains))
      case .sticky: found.formUnion(share(of: me, rest, topic, partitions))
      }
    }
    return found
  }

  private static func owned(_ member: GroupDescription.Member, _ topic: String) -> [Int32] {
    member.assigned.filter { $0.topic == topic }.map(\.partition).sorted()
  }

  /// Consecutive partitions; the first members have one more.
  private static func slice(
    of me: String, _ members: [GroupDescription.Member], _ count: Int
  ) -> Range<Int32> {
    guard let index = members.firstIndex(where: { $0.id == me }) else { return 0..<0 }
    let (each, extra) = count.quotientAndRemainder(dividingBy: members.count)
    let start = each * index + min(index, extra)
    return Int32(clamping: start)..<Int32(clamping: start + each + (index < extra ? 1 : 0))
  }

  /// One by one to whoever has least.
  private static func share(
    of me: String, _ members: [GroupDescription.Member], _ topic: String, _ partitions: [Int32]
  ) -> [Int32] {
    var counts = members.map { owned($0, topic).count }
    return partitions.filter { _ in
      guard let least = counts.indices.min(by: { counts[$0] < counts[$1] }) else { return false }
      counts[least] += 1
      return members[least].id == me
    }
  }
}
