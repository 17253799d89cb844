/// What happens with editions in enrich, for logs and metrics.
public enum ReferenceReport: Sendable, Equatable {
  /// The topic was read to its end.
  case read(editions: Int, activations: Int)
  case noTopic(String)
  /// From the offset on the partition's orders are judged by this edition.
  case switched(partition: Int32, offset: Int64, number: Int64, edition: String)
  /// An edition that was put in force cannot be used; what was in force stays.
  case refused(number: Int64, hash: String, reason: String)
}
