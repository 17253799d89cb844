public import Stage

extension RuleRegistry: TopicFold {}

/// Reads topic `rules` to its end and follows it. Belongs to one thread.
public typealias RuleRegistryReader = FoldedTopic<RuleRegistry>

extension FoldedTopic where Fold == RuleRegistry {
  public var registry: RuleRegistry { fold }

  /// Nil when the broker has no such topic, also after a while: one made a moment ago is not known everywhere yet.
  ///
  /// `keepsHistory`: also what people said of activations that are no longer the newest.
  public static func open(
    _ broker: BrokerAccess, topic: String, waitMs: Int = 0, keepsHistory: Bool = false
  ) throws -> RuleRegistryReader? {
    try open(
      broker, topic: topic, into: RuleRegistry(keepsHistory: keepsHistory), reader: "passflow-rules",
      purpose: "activations have one order", waitMs: waitMs)
  }
}
