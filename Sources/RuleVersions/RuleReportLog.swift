public import Stage

/// Of the reports about published rules those that are the same in every stage, in the log and the metrics.
public struct RuleReportLog: Sendable {
  private let log: Log
  private let refused: Counter

  public init(_ log: Log, _ metrics: Metrics) {
    self.log = log
    refused = metrics.counter(
      "passflow_rule_activations_refused_total", "Activations of published rules that cannot be used here.")
  }

  /// The others are the stage's own affair.
  public func write(_ report: RuleReport) {
    switch report {
    case .read(let versions, let activations):
      log.info("rules.read", .integer("versions", versions), .integer("activations", activations))
    case .noTopic(let topic):
      log.warning("rules.no_topic", .name("topic", topic))
    case .refused(let scope, let hash, let reason):
      refused.add()
      log.error(
        "rules.refused", .name("scope", scope.description), .name("rule_set", hash), .name("problem", reason))
    case .claimed, .switched, .waiting, .waited: break
    }
  }
}
