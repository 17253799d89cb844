public import Stage

extension DemandProgress {
  /// What topic `rules.demands` says now; nil when the broker has no such topic.
  public static func read(_ broker: BrokerAccess, topics: TopicNames = TopicNames()) throws -> DemandProgress?
  {
    guard let announcements = try DemandAnnouncements.open(broker, topic: topics.ruleDemands) else {
      return nil
    }
    defer { announcements.close() }
    try announcements.catchUp()
    return announcements.fold
  }

  /// One line for a person: whether enrich computes what the activations below an end ask for.
  public func text(_ rulesEnd: Int64) -> String {
    if isEmpty { return "enrich: none has said yet that it follows published rules" }
    let behind = behind(rulesEnd)
    if behind.isEmpty {
      return "enrich: computes what all of them ask for, in all \(partitionCount) partitions of orders"
    }
    let names = behind.prefix(20).map { "\($0)" }.joined(separator: ", ") + (behind.count > 20 ? " …" : "")
    return "enrich: not yet as far as the last activation in partitions \(names) of \(partitionCount)"
  }
}
