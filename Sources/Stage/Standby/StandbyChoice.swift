import Kafka

/// Which partitions a member stands by for: those that it would get if their owner were gone.
enum StandbyChoice {
  /// By the group's assignor, which is range.
  ///
  /// - Parameters:
  ///   - me: id of the member that asks; who is no member stands by for nothing.
  ///   - partitionCount: of the topic, the only one that the group reads.
  static func partitions(
    for me: String, in members: [GroupDescription.Member], topic: String, partitionCount: Int
  ) -> Set<Int32> {
    let sorted = members.sorted(by: GroupDescription.Member.precedes)
    guard sorted.contains(where: { $0.id == me }) else { return [] }
    var found: Set<Int32> = []
    for owner in sorted where owner.id != me {
      let mine = slice(of: me, sorted.filter { $0.id != owner.id }, partitionCount)
      for at in owner.assigned where at.topic == topic && mine.contains(at.partition) {
        found.insert(at.partition)
      }
    }
    return found
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
}
