public import Kafka
public import Stage

/// The topics that PassFlow needs, as `topics/*.yaml` describe them (a test holds the two together).
public enum TopicPlans {
  /// - Parameters:
  ///   - partitions: of `orders`, `orders.enriched` and `decisions`; changelogs follow their stage's input.
  ///   - replication: −1 takes the broker's default.
  public static func all(_ names: TopicNames = TopicNames(), partitions: Int, replication: Int) -> [TopicPlan]
  {
    let days = 86_400_000
    func plan(_ name: String, _ count: Int, _ properties: [String: String]) -> TopicPlan {
      TopicPlan(name: name, partitions: count, replication: replication, properties: properties)
    }
    let compacted = ["cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.2"]
    return [
      plan(names.orders, partitions, ["retention.ms": "\(7 * days)"]),
      plan(names.enriched, partitions, ["retention.ms": "\(7 * days)"]),
      plan(names.decisions, partitions, ["retention.ms": "\(30 * days)"]),
      plan(names.actions, partitions, ["retention.ms": "\(180 * days)"]),
      plan(names.deadLetters, 1, ["retention.ms": "\(30 * days)"]),
      plan(names.webhooks, partitions, ["retention.ms": "\(7 * days)"]),
      plan(names.context, partitions, ["retention.ms": "\(days)"]),
      plan(names.rules, 1, compacted),
      plan(names.ruleSwitches, partitions, compacted),
      plan(names.ruleDemands, 1, compacted),
      plan(names.reference, 1, compacted),
      plan(names.enrichChangelog, partitions, compacted),
      plan(names.applyChangelog, partitions, compacted),
      // Nothing in it is of use after a day; what fell silent goes with its segment.
      plan(
        names.contextChangelog, partitions,
        [
          "cleanup.policy": "compact,delete", "min.cleanable.dirty.ratio": "0.2",
          "retention.ms": "\(2 * days)", "segment.ms": "\(days / 2)",
        ]),
    ]
  }
}
