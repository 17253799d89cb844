package import Stage
import Topics

/// How a lane follows topic `rules`: looks at it now and then, waits for a part that a record speaks of, and tells once
/// what cannot be used. Belongs to one thread.
package final class RuleLookout {
  private let reader: RuleRegistryReader
  private let report: (RuleReport) -> Void
  /// Activations that `hasNew` has spoken of.
  private var lookedAt: Int64
  private var told: Set<[String]> = []
  private var nextLookMs: Int64 = 0

  /// Time between two looks at the topic.
  private static let intervalMs: Int64 = 100
  /// How long to wait for a part of the topic that a record speaks of, and for an acknowledgement.
  package static let patienceMs = 30_000
  /// How long a topic that is not there is looked for.
  private static let topicWaitMs = 2_000

  /// Reads the topic; nil when the broker has none. Reports either.
  package static func open(
    _ broker: BrokerAccess, topic: String, report: @escaping (RuleReport) -> Void
  ) throws -> RuleLookout? {
    guard let reader = try RuleRegistryReader.open(broker, topic: topic, waitMs: topicWaitMs) else {
      report(.noTopic(topic))
      return nil
    }
    try reader.catchUp()
    report(
      .read(
        versions: reader.registry.versions.count,
        activations: reader.registry.activations.values.reduce(0) { $0 + $1.count }))
    return RuleLookout(reader, report)
  }

  private init(_ reader: RuleRegistryReader, _ report: @escaping (RuleReport) -> Void) {
    self.reader = reader
    self.report = report
    lookedAt = reader.registry.activationsEnd
  }

  package func close() { reader.close() }

  package var registry: RuleRegistry { reader.registry }

  /// Takes what has come, when it is time to look again; false: it is not.
  package func look(nowMs: Int64) throws -> Bool {
    guard nowMs >= nextLookMs else { return false }
    nextLookMs = nowMs + Self.intervalMs
    _ = try reader.poll()
    return true
  }

  /// Whether there are activations that this was not true for before; those of the start do not count.
  package func hasNew() -> Bool {
    guard registry.activationsEnd > lookedAt else { return false }
    lookedAt = registry.activationsEnd
    return true
  }

  /// Waits for what lies below an offset that a record speaks of.
  package func read(through end: Int64) throws {
    try reader.read(through: end, timeoutMs: Self.patienceMs)
  }

  /// Reports each activation once.
  package func tell(_ refused: [RefusedActivation]) {
    for one in refused {
      let value = one.activation.value
      guard told.insert([one.scope.description, "\(value.number)"]).inserted else { continue }
      report(.refused(scope: one.scope, hash: value.hash, reason: one.refusal.description))
    }
  }
}
