/// What happens to published rules at an instance; none of it once a record.
public enum RuleReport: Sendable, Equatable {
  /// Topic `rules` was read at the start.
  case read(versions: Int, activations: Int)
  /// There is no such topic: the rules of the configuration are used and stay.
  case noTopic(String)
  /// A claimed partition goes on under the activations below `rulesEnd`.
  case claimed(partition: Int32, rulesEnd: Int64, shared: String)
  /// From the record after this offset on, a partition is decided under the activations below `rulesEnd`.
  case switched(partition: Int32, offset: Int64, rulesEnd: Int64, shared: String)
  /// An activation is not followed, the version before it stays.
  case refused(scope: RegistryScope, hash: String, reason: String)
  /// Rules wait until enrich computes these facts in these partitions of `orders`; none: no enrich follows the topic.
  case waiting(rulesEnd: Int64, facts: [String], partitions: [Int32], waitedMs: Int)
  /// The wait is over: enrich has reached the rules, or the time has.
  case waited(rulesEnd: Int64, waitedMs: Int, isReached: Bool)
}
